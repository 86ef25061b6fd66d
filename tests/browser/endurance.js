// Runs in a page. Each function does something as a page or its user would, until it has its answer: who
// meets with a failure tries once more, and who waits too long stops waiting and tries again.
const TRIES = 8;
const PATIENCE = 3_000; // ms that a user waits for a page
const DEADLINE = 10_000; // ms that a page waits for an answer
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

globalThis.endurance = {
  windows: {},

  async again(what, attempt) {
    const troubles = [];
    for (let i = 0; i < TRIES; i++) {
      try {
        return { ...(await attempt(AbortSignal.timeout(DEADLINE))), troubles };
      } catch (error) {
        troubles.push(`${what}: ${error.message}`);
        await pause(100);
      }
    }
    throw new Error(`${what} was never answered: ${troubles}`);
  },

  /** Wait until a window shows a page; `is` looks at it. */
  async shown(window, is) {
    for (const latest = performance.now() + PATIENCE; performance.now() < latest; await pause(10)) {
      if (window.document.readyState === "complete" && is(window)) return;
    }
    window.stop();
    throw new Error("no page in time");
  },

  window(name) {
    return (this.windows[name] ??= open("about:blank", name));
  },

  heading: (window) => window.document.querySelector("h1")?.textContent,

  /** Open a page. */
  navigate(number) {
    return this.again("navigation", async () => {
      const window = this.window("navigation");
      window.location.href = `/page/${number}`;
      await this.shown(window, () => this.heading(window) === String(number));
      return { status: window.performance.getEntriesByType("navigation")[0].responseStatus };
    });
  },

  /** Send the form of a page that is open; a second try sends the same form. */
  async prepare(number) {
    const window = this.window("form");
    await this.again("form page", async () => {
      window.location.href = `/page/${number}`;
      return this.shown(window, () => this.heading(window) === String(number));
    });
  },

  submit(number) {
    return this.again("form", async () => {
      const window = this.window("form");
      const there = () => window.location.pathname === `/counted/form-${number}`;
      if (there()) window.location.reload(); // the answer broke off
      else window.document.forms[0].submit();
      await this.shown(window, () => there() && window.document.body?.textContent);
      return JSON.parse(window.document.body.textContent);
    });
  },

  /** Fetch something that any host may answer. */
  get(number) {
    return this.again("fetch", async (signal) => (await fetch(`/data/${number}`, { signal })).json());
  },

  /** Send something with a key of the page's own. */
  post(number) {
    const headers = { "idempotency-key": `endurance-${number}-${performance.timeOrigin}` };
    return this.again("post", async (signal) => {
      const body = new URLSearchParams({ what: `post-${number}` });
      return (await fetch("/count", { method: "POST", headers, body, signal })).json();
    });
  },

  /** Read a stream to its end; a broken one is taken up again where it broke. */
  async read(path, total) {
    const found = [];
    const { troubles } = await this.again(path, async (signal) => {
      const response = await fetch(`${path}/${total}?after=${found.length}`, { signal });
      let rest = "";
      for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + text).split("\n");
        rest = lines.pop();
        found.push(...lines.map(Number));
      }
      if (found.length < total) throw new Error("the end is missing, and nothing says so");
    });
    return { found, troubles };
  },

  /** All of it at once. */
  async round(number) {
    const [page, form, got, posted, local, remote] = await Promise.all([
      this.navigate(number),
      this.submit(number),
      this.get(number),
      this.post(number),
      this.read("/lines", 10),
      this.read("/edge-lines", 10),
    ]);
    return { page, form, got, posted, local, remote };
  },
};
