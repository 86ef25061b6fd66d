"""What the tests ask of a browser, whatever its engine."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from selenium.webdriver import Remote
from selenium.webdriver.common.by import By

PATIENCE = 90  # seconds; what has not happened by then does not happen any more

# The body is pasted in: a page's policy may forbid to make functions from text.
CALL = """
const [given, done] = arguments;
const work = async function () { %s };
work(...given).then((value) => done({ value: value ?? null }), (error) => done({ error: String(error) }));
"""
ANSWERED = """return performance.getEntriesByType('navigation')[0].serverTiming
  .filter(({ name }) => name === 'edgekit').map((metric) => metric.description)"""
LOAD = "document.head.append(Object.assign(document.createElement('script'), { text: arguments[0] }))"

SUBMIT = """
const [action, fields] = arguments;
const form = Object.assign(document.createElement("form"), { method: "post", action });
for (const [name, value] of Object.entries(fields)) {
  form.append(Object.assign(document.createElement("input"), { name, value }));
}
document.body.append(form);
setTimeout(() => form.submit());
"""


class Driven(ABC):
    """A browser with one tab and a profile of its own."""

    READY = "globalThis.edgekit?.state.phase === 'ready' && navigator.serviceWorker.controller !== null"

    def __init__(self) -> None:
        self._driver = self._connected()
        self.version: str = self._driver.capabilities["browserVersion"]

    @abstractmethod
    def connect(self) -> Remote:
        """Start the browser."""

    def disconnect(self) -> None:
        """Quit the browser."""
        self._driver.quit()

    @abstractmethod
    def errors(self) -> list[str]:
        """Console errors and uncaught exceptions of pages and of service workers since the last call."""

    def _connected(self) -> Remote:
        driver = self.connect()
        driver.set_script_timeout(PATIENCE)
        return driver

    def restart(self) -> None:
        """Quit the browser and start it again with the same profile."""
        self.disconnect()
        self._driver = self._connected()

    def stop_workers(self) -> None:
        """Stop the service worker. Where nothing less does that for certain, restart the browser."""
        self.restart()

    def goto(self, url: str) -> None:
        """Navigate and wait until the page has loaded."""
        self._driver.get(url)

    def reload(self) -> None:
        """As its button does; waits until the page has loaded."""
        # Not WebDriver's refresh: in Firefox that goes around caches and service workers.
        self._leave(lambda: self.run("setTimeout(() => location.reload())"))

    def _leave(self, go: Callable[[], object]) -> None:
        """Do what leads to another page and wait until that has loaded."""
        self.run("window.left = true")
        go()
        self.wait("!window.left && document.readyState === 'complete'")

    def run(self, body: str, *arguments: Any) -> Any:
        """The JSON value that the body of an async function returns in the page."""
        answer = self._driver.execute_async_script(CALL % body, list(arguments))
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def load(self, script: str) -> None:
        """Run a script as one of the page's own."""
        self.run(LOAD, script)

    def wait(self, condition: str) -> None:
        """Until a JavaScript expression is true in the page."""
        deadline = time.monotonic() + PATIENCE
        while not self.run(f"return Boolean({condition})"):
            state = self.run("return JSON.stringify(globalThis.edgekit?.state)")
            assert time.monotonic() < deadline, f"{condition} never came true; the kit says {state}"
            time.sleep(0.05)

    def press(self, label: str) -> None:
        """Click a button like a user and wait for the page that it leads to."""
        button = self._driver.find_element(By.XPATH, f"//button[normalize-space() = '{label}']")
        self._leave(button.click)

    def submit(self, url: str, **fields: str) -> None:
        """Post a form from the present page and wait for the page that it leads to."""
        self._leave(lambda: self.run(SUBMIT, url, fields))

    def answered(self) -> str:
        """Which host the page in the tab came from: browser, edge or native."""
        [host] = self.run(ANSWERED)
        return str(host)

    def visit(self, url: str) -> str:
        """Navigate; returns the host that answered."""
        self.goto(url)
        return self.answered()

    def take_over(self, url: str) -> str:
        """Visit, and wait until the browser's own host is ready; returns the host that answered."""
        host = self.visit(url)
        self.wait("globalThis.edgekit?.state.phase === 'ready'")
        if self.run("return navigator.serviceWorker.controller === null"):
            self.goto(url)  # loaded while the worker of another page was taking over
        self.wait(self.READY)
        return host

    def text(self) -> str:
        """What the main part of the page says."""
        return str(self.run("return document.querySelector('main').innerText"))
