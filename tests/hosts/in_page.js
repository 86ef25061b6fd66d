// Runs inside a page: drives the release's own modules there, or the service worker through fetch().
globalThis.conformance = {
  async start() {
    const manifest = await (await fetch("/_edge/manifest.json")).json();
    const { kit, loader, factory } = manifest.roles;
    const paths = [loader, factory, `${kit}runtime.js`, `${kit}bridge.js`, `${kit}services.js`];
    const modules = await Promise.all(paths.map((path) => import(path)));
    const [{ loadPyodide }, { default: createPyodideModule }, { boot }, { createBridge }, { createServices }] = modules;
    const services = createServices({ fetch: (...words) => fetch(...words), caches, development: false });
    const read = (path) => fetch(path);
    const options = { loadPyodide, createPyodideModule, manifest, read, services, host: "browser", log() {} };
    const app = await boot(options);
    await app.complete(); // else what comes late is left to the edge
    this.answer = createBridge(app);
  },

  /** Each case straight to the interpreter; null where it escalates. */
  async direct(cases) {
    const found = [];
    for (const one of cases) {
      const response = await this.answer(this.request(one));
      found.push(response && (await this.tell(response)));
    }
    return found;
  },

  /** Each case as any page's script would send it. */
  async fetched(cases) {
    const found = [];
    for (const one of cases) found.push(await this.tell(await fetch(this.request(one))));
    return found;
  },

  request({ method, target, headers, body }) {
    const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
    const init = { method, headers, body: ["GET", "HEAD"].includes(method) ? null : bytes };
    return new Request(new URL(target, location.href), init);
  },

  async tell(response) {
    const bytes = new Uint8Array(await response.arrayBuffer());
    let text = "";
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    return { status: response.status, headers: Object.fromEntries(response.headers), body: btoa(text) };
  },
};
