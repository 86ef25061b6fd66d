// Runs in a page: an interpreter started from the release's own modules, whose insides can be seen.
const CLAIMS = { sub: "somebody", sid: "s".repeat(22), ver: 1, keys: [], state: {}, shp: 0, usr: {}, guest: true, frm: "f".repeat(22) };
const VIEW = JSON.stringify({ ...CLAIMS, iat: 0, exp: 86_400 });

globalThis.interpreter = {
  async start() {
    const manifest = await (await fetch("/_edge/manifest.json")).json();
    const { kit, loader, factory } = manifest.roles;
    const paths = [loader, factory, `${kit}runtime.js`, `${kit}bridge.js`, `${kit}services.js`];
    const modules = await Promise.all(paths.map((path) => import(path)));
    const [{ loadPyodide }, { default: createPyodideModule }, { boot }, { createBridge }, { createServices }] = modules;
    const services = createServices({ fetch: (...words) => fetch(...words), caches, development: false });
    const read = (path) => fetch(path);
    const load = async (options) => (this.python = await loadPyodide(options));
    const app = await boot({ loadPyodide: load, createPyodideModule, manifest, read, services, host: "browser", log() {} });
    await app.complete();
    this.answer = createBridge(app);
    this.python._module.enable_pyproxy_allocation_tracing();
  },

  /** Answer request number `number`; every kind of them in turn. */
  async one(number) {
    const url = (path) => new URL(path, location.href);
    const kind = number % 10;
    if (kind === 0) return this.leave(url("/lines/3?after=0"));
    if (kind === 1) return this.whole(new Request(url("/lines/1?after=0")), "1\n");
    if (kind === 2) {
      const body = new Blob([new Uint8Array(300_000)]);
      return this.whole(new Request(url("/size"), { method: "PUT", body }), "300000");
    }
    if (kind === 3) return this.nothing(new Request(url("/counted/something"))); // only an edge has records
    if (kind < 7) return this.whole(new Request(url(`/data/${number}`)), `{"number":${number}}`);
    return this.whole(new Request(url(`/page/${number}`)), `<h1>${number}</h1>`);
  },

  async whole(request, part) {
    const text = await (await this.answer(request, VIEW)).text();
    if (!text.includes(part)) throw new Error(`${request.url} was answered with ${text}`);
  },

  async nothing(request) {
    if ((await this.answer(request, VIEW)) !== null) throw new Error(`${request.url} should not be answered here`);
  },

  /** A reader that goes away. */
  async leave(url) {
    const reader = (await this.answer(new Request(url))).body.getReader();
    await reader.read();
    await reader.cancel();
  },

  async many(from, to) {
    for (let number = from; number < to; number++) await this.one(number);
  },

  counts() {
    const { _module } = this.python;
    const inside = this.python.runPython(`
      import asyncio, gc, json
      gc.collect()
      json.dumps({"objects": len(gc.get_objects()), "tasks": len(asyncio.all_tasks())})`);
    return {
      memory: _module.HEAPU8.byteLength, // bytes of WebAssembly memory
      top: _module._sbrk(0), // how far of it the interpreter has come
      references: _module._hiwire_num_refs(), // JavaScript objects that Python holds
      proxies: _module.pyproxy_alloc_map.size, // Python objects that JavaScript holds
      ...JSON.parse(inside),
    };
  },
};
