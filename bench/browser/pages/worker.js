// Stock Pyodide in a module worker, as its documentation shows it: loadPyodide(), loadPackage() of the
// app's wheels, the app from a zip. Answers {path, root} messages on the port that comes with them.
import { loadPyodide } from "./pyodide/pyodide.mjs";

async function start() {
  const { spec, wheels, app } = await (await fetch("./bundle.json")).json();
  const pyodide = await loadPyodide();
  const loaded = performance.now();
  await pyodide.loadPackage(wheels, { messageCallback() {} });
  pyodide.unpackArchive(await (await fetch(app)).arrayBuffer(), "zip");
  const asgi = pyodide.pyimport("asgi");
  const instance = asgi.start(spec);
  postMessage({ load: loaded, ready: performance.now() });
  return async ({ path, root }) => {
    const result = await asgi.answer(instance, path, root ?? "");
    const [status, headers, body] = result.toJs();
    result.destroy();
    return { status, headers, body };
  };
}

const started = start();

addEventListener("message", async ({ data, ports }) => {
  const answer = await started;
  ports[0].postMessage(await answer(data));
});
