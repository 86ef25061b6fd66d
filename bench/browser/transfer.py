"""Bytes on the wire, headers included, and how long they take on thin links.

The link counts all of them. What the browser counts (DevTools) is shown beside it: it leaves out the
scripts that a service worker consists of.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from playwright.sync_api import Playwright

from edge.release import build

from .chromium import profile, received
from .link import Link
from .visits import interleaved

Figure = tuple[str, float, str]
RATES = {"10 Mbit/s": 10e6, "50 Mbit/s": 50e6}
WAYS = {"kit": ("/", "bench.takenOver('/')"), "stock": ("/_bench/stock.html", "firstAnswer")}
COUNTS = ("bytes", "bytes in all", "bytes in all by DevTools")
HANDLERS = Path("shop", "products.py")
CHANGE = "\n\nasync def changed(request: Request) -> Response:\n    return await index(request)\n"
SETTLED = 3_000  # ms


def visit(playwright: Playwright, link: Link, way: str) -> Iterator[tuple[str, float]]:
    """A first visit until Python in the browser answers: its time, and its bytes; and with what follows."""
    path, until = WAYS[way]
    with profile(playwright) as visitor, visitor.browser() as page:
        before = link.received
        counts = received(page.context)
        page.goto(link.url + path)
        answered = page.evaluate(until)
        yield "time", answered if way == "kit" else answered["time"]
        yield "bytes", link.received - before
        page.wait_for_timeout(SETTLED)
        yield "bytes in all", link.received - before
        yield "bytes in all by DevTools", sum(counts.values())


def thin(playwright: Playwright, link: Link, rounds: int) -> Iterator[Figure]:
    """First visits over links of each rate."""

    def over(rate: float, way: str) -> Callable[[], Iterator[tuple[str, float]]]:
        def go() -> Iterator[tuple[str, float]]:
            link.rate = rate
            yield from visit(playwright, link, way)
            link.rate = None

        return go

    ways = {f"{way} at {name}": over(rate, way) for name, rate in RATES.items() for way in WAYS}
    samples = interleaved(ways, rounds, "transfer")
    middle = {key: median(values) for key, values in samples.items()}
    for name in ways:
        way, _, rate = name.partition(" at ")
        yield f"first visit at {rate}, {way}", middle[name, "time"] / 1000, "s"
    fastest = list(RATES)[-1]
    for way in WAYS:
        for what in COUNTS:
            yield f"first visit, {what}, {way}", middle[f"{way} at {fastest}", what] / 1e6, "MB"
    for name in RATES:
        slow, quick = middle[f"stock at {name}", "time"], middle[f"kit at {name}", "time"]
        yield f"first_visit_at_{name.split()[0]}mbit_speedup_vs_stock", slow / quick, "ratio"
    one, other = (middle[f"{way} at {fastest}", "bytes"] for way in ("stock", "kit"))
    yield "first_visit_bytes_vs_stock", one / other, "ratio"


def update(
    playwright: Playwright, link: Link, spec: str, folder: Path, release: Path, rounds: int
) -> Iterator[Figure]:
    """A release that changes one handler: what a browser fetches that has the one before.

    `release` is what the server behind `link` serves, built from a copy of the app in `folder`.
    """
    module = folder / HANDLERS
    original = module.read_text("utf-8")
    totals, times = [], []
    with profile(playwright) as visitor, visitor.browser() as page:
        page.goto(link.url)
        page.evaluate("bench.takenOver('/')")
        page.wait_for_timeout(SETTLED)
        for number in range(1, rounds + 1):
            module.write_text(original + CHANGE.replace("changed", f"changed_{number}"), "utf-8")
            new = build(spec, release, app_dir=folder).release
            before = link.received
            times.append(page.evaluate("(id) => bench.updated(id)", new))
            totals.append(link.received - before)
            page.evaluate("bench.insist('/')")
            page.wait_for_timeout(SETTLED)
            print(f"  update {number}/{rounds}: {totals[-1]} bytes", file=sys.stderr, flush=True)
    yield "update of one handler, bytes", median(totals) / 1e3, "kB"
    yield "update of one handler, until it is ready", median(times) / 1000, "s"


def copy_of(app: Path, folder: Path) -> None:
    """The app's package, somewhere that it may be changed."""
    shutil.copytree(app, folder / app.name, ignore=shutil.ignore_patterns("__pycache__"))
