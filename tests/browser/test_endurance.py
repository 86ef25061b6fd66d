"""Long runs: a service worker that is stopped again and again, an interpreter that answers many requests.

They are as long as EDGEKIT_KILLS and EDGEKIT_REQUESTS say, such as
`EDGEKIT_KILLS=1000 python3 build.py test browser -- -s -k stopped`.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from pathlib import Path

import pytest

from ..visit import LIMIT, READY, take_over

HERE = Path(__file__).parent
KILLS = int(os.environ.get("EDGEKIT_KILLS", "40"))
REQUESTS = int(os.environ.get("EDGEKIT_REQUESTS", "1500"))
WARM_UP = 500  # requests
SLACK = {"objects": 100, "bytes": 500_000}  # what may vary; a leak would be more
LATEST = 400  # ms after the beginning of a round in which the worker is stopped


@pytest.fixture(scope="module")
def url(serve, tmp_path_factory):
    return serve("endurance_app:app", HERE, tmp_path_factory.mktemp("endurance"), "--no-reload").url


@pytest.mark.console_errors("ERR_FAILED|Failed to load resource|Failed to fetch")
def test_whenever_the_worker_is_stopped_every_request_is_answered(chromium, url, record_property):
    page = chromium.new_context().new_page()
    page.goto(url)
    page.wait_for_function(READY, timeout=LIMIT)
    page.evaluate((HERE / "endurance.js").read_text())
    devtools = page.context.new_cdp_session(page)
    devtools.send("ServiceWorker.enable")
    chance = random.Random(1)
    troubles: Counter[str] = Counter()
    for number in range(KILLS):
        page.evaluate("(number) => endurance.prepare(number)", number)
        page.evaluate("(number) => { globalThis.result = endurance.round(number) }", number)
        page.wait_for_timeout(chance.uniform(0, LATEST))
        devtools.send("ServiceWorker.stopAllWorkers")
        result = page.evaluate("result")
        for part in result.values():
            troubles.update(part.pop("troubles"))
        ten = {"found": list(range(1, 11))}
        once = {"times": 1}
        assert result == {
            "page": {"status": 200},
            "form": once,
            "got": {"number": number},
            "posted": once,
            "local": ten,
            "remote": ten,
        }
    wanted = {f"{kind}-{number}": 1 for kind in ("form", "post") for number in range(KILLS)}
    assert page.evaluate("async () => (await fetch('/counts')).json()") == wanted
    record_property("tried again", dict(troubles))
    print(f"{KILLS} stops, {6 * KILLS} requests; tried again: {dict(troubles)}")


def used(devtools):
    """Bytes of the page's JavaScript heap that are in use."""
    devtools.send("HeapProfiler.collectGarbage")
    return devtools.send("Runtime.getHeapUsage")["usedSize"]


def test_many_requests_leave_nothing_behind(chromium, url, record_property):
    page = chromium.new_context(service_workers="block").new_page()
    page.goto(url)
    page.evaluate((HERE / "interpreter.js").read_text())
    page.evaluate("interpreter.start()")
    devtools = page.context.new_cdp_session(page)
    page.evaluate("(end) => interpreter.many(0, end)", WARM_UP)
    before, heap = page.evaluate("interpreter.counts()"), used(devtools)
    page.evaluate("([from, to]) => interpreter.many(from, to)", [WARM_UP, REQUESTS])
    after, growth = page.evaluate("interpreter.counts()"), used(devtools) - heap
    print(
        f"{REQUESTS} requests: {before} after {WARM_UP}, {after} at the end; JavaScript heap {growth:+} bytes"
    )
    record_property("counts", {"before": before, "after": after, "JavaScript heap": growth})
    for exact in ("memory", "references", "proxies", "tasks"):
        assert after[exact] == before[exact], exact
    assert after["objects"] - before["objects"] < SLACK["objects"]
    assert after["top"] - before["top"] < SLACK["bytes"]
    assert growth < SLACK["bytes"]


class Worker:
    """DevTools of the service worker itself, through those of the browser."""

    def __init__(self, browser, url):
        self._devtools = browser.new_browser_cdp_session()
        self._answers = {}
        self._last = 0
        self._devtools.on("Target.receivedMessageFromTarget", self._receive)
        targets = self._devtools.send("Target.getTargets")["targetInfos"]
        target = next(
            one for one in targets if one["type"] == "service_worker" and one["url"].startswith(url)
        )
        attach = {"targetId": target["targetId"], "flatten": False}
        self._session = self._devtools.send("Target.attachToTarget", attach)["sessionId"]

    def _receive(self, event):
        answer = json.loads(event["message"])
        self._answers[answer.get("id")] = answer.get("result")

    def send(self, page, method):
        self._last += 1
        message = json.dumps({"id": self._last, "method": method, "params": {}})
        self._devtools.send("Target.sendMessageToTarget", {"sessionId": self._session, "message": message})
        while self._last not in self._answers:
            page.wait_for_timeout(10)
        return self._answers.pop(self._last)

    def used(self, page):
        """Bytes of its JavaScript heap that are in use."""
        self.send(page, "HeapProfiler.collectGarbage")
        return self.send(page, "Runtime.getHeapUsage")["usedSize"]


MANY = """async ([from, to]) => {
    for (let i = from; i < to; i += 1) {
        const ask = i % 2 ? fetch : edgekit.fetch;
        const response = await ask(`/data/${i}`);
        if (response.headers.get("edgekit-host") !== "browser") throw new Error("not from the browser");
        await response.text();
    }
}"""


def test_many_requests_leave_nothing_behind_in_the_worker(chromium, url, record_property):
    """Of the whole of it: who answers, races, edges, the port to pages."""
    page = chromium.new_context().new_page()
    take_over(page, url)
    worker = Worker(chromium, url)
    page.evaluate(MANY, [0, WARM_UP])
    before = worker.used(page)
    page.evaluate(MANY, [WARM_UP, REQUESTS])
    growth = worker.used(page) - before
    print(f"{REQUESTS} requests: JavaScript heap of the service worker {before}, {growth:+} bytes at the end")
    record_property("worker's JavaScript heap", growth)
    assert growth < SLACK["bytes"]
