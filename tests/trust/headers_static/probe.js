/** Tries what a policy has to refuse; `globalThis.probe` gets the name of each error, or "allowed". */

const trials = {
  eval: () => eval("1"),
  Function: () => new Function("return 1")(),
  innerHTML: () => (document.createElement("div").innerHTML = "<b>x</b>"),
  "script text": () => (document.createElement("script").text = "1"),
  "script address": () => (document.createElement("script").src = "/assets/worker.js"),
  "another policy": () => trustedTypes.createPolicy("other", {}),
  "the kit's policy once more": () => trustedTypes.createPolicy("edgekit", { createScriptURL: (url) => url }),
  "another service worker": () => navigator.serviceWorker.register("/assets/worker.js"),
  "our service worker by a string": () => navigator.serviceWorker.register("/sw.js"),
  worker: () => new Worker("/assets/worker.js"),
  "script of a data URL": () => import("data:text/javascript,export default 1"),
  "another site": () => fetch("https://other.invalid/"),
  WebAssembly: () => WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])),
};

async function attempt(trial) {
  try {
    await trial();
    return "allowed";
  } catch (error) {
    return error.name;
  }
}

// After the page script, which is the first to make its policy.
await new Promise((resolve) => addEventListener("load", resolve));
const found = {};
for (const [name, trial] of Object.entries(trials)) found[name] = await attempt(trial);
globalThis.probe = found;
