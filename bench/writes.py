"""A POST from a page in Chromium: answered ahead by its own host, row on disk included, and by an edge.

The edge is uvicorn behind a link that adds to each round trip; the same form, the same handler, which changes
the state and no records. What is confirmed in the background goes through the same link at the same time.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

from browser.chromium import profile
from browser.link import Link
from playwright.sync_api import Page, sync_playwright

from browser import servers
from edge.release import build

APPS = Path(__file__).resolve().parent / "browser" / "apps"
CATALOG = Path(__file__).resolve().parents[1] / "examples" / "shop" / "catalog"
SPEC = "written:app"
DELAYS = (0, 40, 200)  # ms that a round trip takes longer
COUNT = 25  # requests of a series
PATIENCE = 120_000  # ms
SERIES = """async ([path, count]) => {
  const times = [], hosts = new Set();
  for (let i = 0; i < count; i++) {
    const began = performance.now();
    const body = new URLSearchParams({ name: `tea-${i % 5}` });
    const response = await fetch(path, { method: "POST", body });
    await response.arrayBuffer();
    times.push(performance.now() - began);
    hosts.add(response.headers.get("edgekit-host"));
  }
  return { times, hosts: [...hosts] };
}"""
SENT = "async () => (await (await fetch('/_edge/browser')).json()).outbox.waiting === 0"


def series(page: Page, path: str, host: str) -> list[float]:
    """ms of each request, one after another."""
    page.bring_to_front()
    found = page.evaluate(SERIES, [path, COUNT])
    if found["hosts"] != [host]:
        raise RuntimeError(f"{path} was answered by {found['hosts']}, not by {host}")
    if host == "browser":
        page.wait_for_function(SENT, timeout=PATIENCE, polling=100)
    return list(found["times"])


def measure(ours: Page, bare: Page, links: list[Link], rounds: int) -> dict[tuple[str, int], list[float]]:
    """(who answers, ms of delay) -> samples of all rounds."""
    samples: dict[tuple[str, int], list[float]] = {}
    series(ours, "/ahead", "browser")  # until everything is compiled
    series(bare, "/edge", "native")
    for number in range(1, rounds + 1):
        for delay in DELAYS:
            for link in links:
                link.delay = delay / 1000
            samples.setdefault(("browser", delay), []).extend(series(ours, "/ahead", "browser"))
            samples.setdefault(("edge", delay), []).extend(series(bare, "/edge", "native"))
        print(f"  writes {number}/{rounds}", file=sys.stderr, flush=True)
    return samples


def run(rounds: int = 7) -> Iterator[tuple[str, float, str]]:
    """Figures over all requests of all rounds."""
    with ExitStack() as open_, tempfile.TemporaryDirectory() as name:
        work = Path(name)
        files, data, release = work / "files", work / "data", work / "release"
        files.mkdir()
        build(SPEC, release, app_dir=APPS, lock=data / "edgekit.lock")
        origin = open_.enter_context(servers.origin(CATALOG, data))

        def link_to_edge(*, script: bool) -> Link:
            url = servers.edge(SPEC, APPS, release, files, data, origin, script=script)
            return open_.enter_context(Link(open_.enter_context(url)))

        links = [link_to_edge(script=True), link_to_edge(script=False)]
        playwright = open_.enter_context(sync_playwright())
        ours = open_.enter_context(open_.enter_context(profile(playwright)).browser())
        bare = ours.context.new_page()
        for page, link in zip((ours, bare), links, strict=True):
            page.goto(link.url)
        ours.bring_to_front()
        ours.evaluate("bench.takenOver('/')")
        samples = measure(ours, bare, links, rounds)
    for delay in DELAYS:
        for who in ("browser", "edge"):
            yield f"POST at +{delay} ms, p50, {who}", median(samples[who, delay]), "ms"
            yield f"POST at +{delay} ms, p99, {who}", quantiles(samples[who, delay], n=100)[98], "ms"
    for delay in DELAYS:
        fast, slow = median(samples["browser", delay]), median(samples["edge", delay])
        yield f"answered_ahead_vs_edge_at_{delay}ms", slow / fast, "ratio"
