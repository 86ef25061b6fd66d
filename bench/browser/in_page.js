// Runs in every measured page, before its own scripts. Sees the kit as any page does: by its event and by
// the header that names who answered.
globalThis.bench = {
  phases: [], // [phase, ms since the navigation began]

  // Resolves when the local host says that it is ready, or when there is no more patience.
  ready(patience) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, patience);
      const look = () => {
        if (globalThis.edgekit?.state.phase !== "ready" || !navigator.serviceWorker.controller) return;
        clearTimeout(timer);
        resolve();
      };
      document.addEventListener("edgekit", look);
      navigator.serviceWorker.addEventListener("controllerchange", look);
      look();
    });
  },

  async ask(path) {
    const response = await fetch(path, { headers: { accept: "text/html" } });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text.slice(0, 200)}`);
    return response.headers.get("edgekit-host");
  },

  // Ask again and again until the browser answers.
  async insist(path) {
    const latest = performance.now() + 30_000;
    while ((await this.ask(path)) !== "browser") {
      if (performance.now() > latest) throw new Error(`the browser does not answer ${path}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  },

  // Until the browser answers for the first time, in ms since the navigation began.
  async takenOver(path) {
    await this.ready(60_000);
    await this.insist(path);
    return performance.now();
  },

  // Until the first start has left what later starts begin with, or will not do so any more.
  async settled() {
    const latest = performance.now() + 10_000;
    for (;;) {
      const facts = await fetch("/_edge/browser", { headers: { accept: "application/json" } });
      if ((await facts.text()).includes("/_edge/snapshot/") || performance.now() > latest) break;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  },

  // A worker that was stopped: until anybody answers, and until the browser does.
  async restarted(path) {
    const began = performance.now();
    let any;
    for (;;) {
      const next = new Promise((resolve) => {
        const look = ({ detail }) => detail.phase === "ready" && resolve();
        document.addEventListener("edgekit", look);
        setTimeout(resolve, 5_000);
      });
      const host = await this.ask(path);
      any ??= performance.now() - began;
      if (host === "browser") return { any, local: performance.now() - began };
      await next;
    }
  },

  // Until this release has taken over and is ready, in ms from now.
  async updated(release) {
    const began = performance.now();
    const registration = await navigator.serviceWorker.getRegistration();
    await registration.update();
    await new Promise((resolve) => {
      const look = () => {
        const { state } = globalThis.edgekit;
        if (state.release === release && state.phase === "ready") resolve();
      };
      document.addEventListener("edgekit", look);
      look();
    });
    return performance.now() - began;
  },

  paint() {
    return new Promise((resolve) => {
      new PerformanceObserver((list, observer) => {
        for (const { name, startTime } of list.getEntries()) {
          if (name !== "first-contentful-paint") continue;
          observer.disconnect();
          resolve(startTime);
        }
      }).observe({ type: "paint", buffered: true });
    });
  },

  navigation() {
    const [{ responseEnd, workerStart }] = performance.getEntriesByType("navigation");
    return { answered: responseEnd, worker: workerStart };
  },

  // ms of each of `count` requests, one after another, and what Server-Timing says of it.
  async series(path, count, call) {
    const ask = call === "port" ? edgekit.fetch : fetch;
    const times = [];
    const inside = [];
    const hosts = new Set();
    for (let i = 0; i < count; i++) {
      const began = performance.now();
      const response = await ask(path);
      await response.arrayBuffer();
      times.push(performance.now() - began);
      inside.push(Number(/dur=([\d.]+)/.exec(response.headers.get("server-timing") ?? "")?.[1]));
      hosts.add(response.headers.get("edgekit-host"));
    }
    return { times, inside, hosts: [...hosts] };
  },

  // ms until all of `count` fetches that began together are answered.
  async together(path, count) {
    const began = performance.now();
    await Promise.all(Array.from({ length: count }, async () => (await fetch(path)).arrayBuffer()));
    return performance.now() - began;
  },
};
document.addEventListener("edgekit", ({ detail }) => bench.phases.push([detail.phase, performance.now()]));
