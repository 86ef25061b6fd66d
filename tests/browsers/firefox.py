"""Firefox as it is shipped, driven through Marionette.

Not Playwright: that drives a Firefox of its own making or, over WebDriver BiDi, only the very newest. And
Marionette may also do what a page must not: stop a service worker, read the consoles of all processes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from selenium.webdriver import FirefoxOptions, Remote

from .driven import Driven
from .marionette import Marionette

# Firefox reports this whenever a page is left before it has read all answers of its service worker.
HALF_READ = re.compile(r"Failed to load .* encountered an unexpected error")
# Every process keeps a console of its own; this collects the errors of all of them.
WATCH = """
const watch = (tell) => {
  const storage = Cc["@mozilla.org/consoleAPI-storage;1"].getService(Ci.nsIConsoleAPIStorage);
  const system = Cc["@mozilla.org/systemprincipal;1"].createInstance(Ci.nsIPrincipal);
  storage.addLogEventListener(({ level, arguments: words, filename, chromeContext }) => {
    if (!["error", "assert"].includes(level) || chromeContext) return; // the latter: Firefox itself
    tell({ text: Array.from(words, String).join(" "), source: filename });
  }, system);
};
const found = (Services.errorsOfPages = []);
const add = (error) => void found.push(error);
watch(add);
Services.ppmm.addMessageListener("console", ({ data }) => add(data));
const inOthers = encodeURIComponent(`(${watch})((error) => sendAsyncMessage("console", error))`);
Services.ppmm.loadProcessScript(`data:application/javascript,${inOthers}`, true);
Services.console.registerListener((message) => {
  if (!(message instanceof Ci.nsIScriptError) || message.isFromChromeContext) return;
  const { warningFlag, infoFlag } = Ci.nsIScriptError;
  if (message.flags & (warningFlag | infoFlag)) return;
  add({ text: message.errorMessage, source: message.sourceName });
});
"""
FOUND = "return Services.errorsOfPages.splice(0)"

WORKERS = """
const manager = Cc["@mozilla.org/serviceworkers/manager;1"].getService(Ci.nsIServiceWorkerManager);
const registrations = manager.getAllRegistrations();
const workers = [];
for (let i = 0; i < registrations.length; i++) {
  const registration = registrations.queryElementAt(i, Ci.nsIServiceWorkerRegistrationInfo);
  if (registration.activeWorker) workers.push(registration.activeWorker);
}
"""
LAUNCHES = f"{WORKERS} return workers.reduce((sum, {{ launchCount }}) => sum + launchCount, 0)"
STOP = f"{WORKERS} for (const worker of workers) worker.terminateWorker()"


class Firefox(Driven):
    """Firefox without a window; what it prints goes to `firefox.log` in its profile."""

    def __init__(self, executable: str, profile: Path, preferences: dict[str, Any]) -> None:
        self._start = lambda: Marionette(executable, profile, preferences)
        super().__init__()

    def connect(self) -> Remote:
        self._marionette = self._start()
        driver = Remote(self._marionette, options=FirefoxOptions())
        self._privileged(WATCH)
        self._nameless = 0
        return driver

    def stop_workers(self) -> None:
        """As Firefox does by itself after 30 idle seconds."""
        self._privileged(STOP)

    def errors(self) -> list[str]:
        found = self._privileged(FOUND)
        named = [f"{error['text']} ({error['source']})" for error in found if any(error.values())]
        # Firefox takes every warning in a service worker for an error, and loses its text. WebAssembly brings
        # one whenever it is compiled, since Pyodide uses an older form of exceptions: at each start of the
        # worker, and once more should the interpreter have to start again.
        self._nameless += len(found) - len(named)
        surplus = self._nameless - 2 * self._privileged(LAUNCHES)
        named += ["an error in a service worker, whose text Firefox lost"] * max(0, surplus)
        return [error for error in named if not HALF_READ.match(error)]

    def _privileged(self, script: str) -> Any:
        self._marionette.send("Marionette:SetContext", {"value": "chrome"})
        try:
            return self._marionette.send("WebDriver:ExecuteScript", {"script": script, "args": []})["value"]
        finally:
            self._marionette.send("Marionette:SetContext", {"value": "content"})
