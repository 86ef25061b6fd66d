"""Long runs: a service worker that is stopped again and again, an interpreter that answers many requests.

They are as long as EDGEKIT_KILLS and EDGEKIT_REQUESTS say, such as
`EDGEKIT_KILLS=1000 python3 build.py test browser -- -s -k stopped`.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

import pytest

from ..visit import LIMIT, READY

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
