"""First visits and restarts: until a page is painted, and until Python in the browser answers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from statistics import median

from playwright.sync_api import Playwright

from .chromium import profile, stop_worker
from .link import Link

Sample = tuple[str, float]  # what, ms
REST = 2_000  # ms in which a browser may finish what it does in the background
BASELINES = {"stock": "stock.html", "pyscript": "pyscript.html", "bridge": "bridge.html"}
SHORTEST = 1_000  # characters; a shorter answer is not the shop's first page


def kit(playwright: Playwright, link: Link) -> Iterator[Sample]:
    """All of a visitor's first day with the kit."""
    with profile(playwright) as visitor:
        with visitor.browser() as page:
            page.goto(link.url)
            yield "paint", page.evaluate("bench.paint()")
            answered = page.evaluate("bench.takenOver('/')")
            yield "take-over", answered
            began = min(time for phase, time in page.evaluate("bench.phases") if phase == "start")
            yield "boot", answered - began
            page.evaluate("bench.settled()")
            stop_worker(page)
            times = page.evaluate("bench.restarted('/')")
            yield "restart, any host", times["any"]
            yield "restart beside the edge", times["local"]
            page.wait_for_timeout(REST)
            stop_worker(page)
            with link.gone():
                yield "restart", page.evaluate("bench.restarted('/')")["local"]
        with visitor.browser() as page:
            page.goto(link.url)
            yield "browser restart, any host", page.evaluate("bench.navigation()")["answered"]
            yield "browser restart beside the edge", page.evaluate("bench.takenOver('/')")
        with visitor.browser() as page, link.gone():
            response = page.goto(link.url)
            host = response.headers.get("edgekit-host") if response else None
            if host != "browser":
                raise RuntimeError(f"without a network {host} answered")
            yield "browser restart", page.evaluate("bench.navigation()")["answered"]


def native(playwright: Playwright, link: Link) -> Iterator[Sample]:
    """The native server's own page, without any script of the kit."""
    with profile(playwright) as visitor, visitor.browser() as page:
        page.goto(link.url)
        yield "paint", page.evaluate("bench.paint()")


def baseline(playwright: Playwright, link: Link, file: str) -> Iterator[Sample]:
    """A page that runs the app itself: its interpreter starts again whenever the page is loaded."""
    url = f"{link.url}/_bench/{file}"
    with profile(playwright) as visitor:
        for visits in (("take-over", "restart"), ("browser restart",)):
            with visitor.browser() as page:
                for what in visits:
                    page.goto(url)
                    first = page.evaluate("firstAnswer")
                    if first["status"] != 200 or len(first["text"]) < SHORTEST:
                        raise RuntimeError(f"{file} did not answer: {first}")
                    yield what, first["time"]
                    page.wait_for_timeout(REST)


def ways(playwright: Playwright, link: Link, bare: Link) -> Mapping[str, Callable[[], Iterator[Sample]]]:
    """Name -> one visitor's day; `bare` leads to the server without the kit's script."""
    others = {
        name: lambda file=file: baseline(playwright, link, file)  # type: ignore[misc]
        for name, file in BASELINES.items()
    }
    return {"native": lambda: native(playwright, bare), "kit": lambda: kit(playwright, link), **others}


def interleaved(
    measured: Mapping[str, Callable[[], Iterator[Sample]]], rounds: int, title: str
) -> dict[tuple[str, str], list[float]]:
    """(way, what) -> samples. Each round measures every way once, so that a noisy machine hits all alike."""
    samples: dict[tuple[str, str], list[float]] = {}
    for number in range(1, rounds + 1):
        for name, way in measured.items():
            found = list(way())
            for what, value in found:
                samples.setdefault((name, what), []).append(value)
            shown = ", ".join(f"{what} {value:.0f}" for what, value in found)
            print(f"  {title} {number}/{rounds}, {name}: {shown}", file=sys.stderr, flush=True)
    return samples


def figures(playwright: Playwright, link: Link, bare: Link, rounds: int) -> Iterator[tuple[str, float, str]]:
    """All figures of this module."""
    samples = interleaved(ways(playwright, link, bare), rounds, "visits")
    middle = {key: median(values) for key, values in samples.items()}
    for (name, what), value in sorted(middle.items(), key=lambda item: item[0][::-1]):
        yield f"{what}, {name}", value, "ms"
    yield "first_paint_vs_native", middle["native", "paint"] / middle["kit", "paint"], "ratio"
    for ratio, what in (
        ("takeover", "take-over"),
        ("restart", "restart"),
        ("browser_restart", "browser restart"),
    ):
        for name in BASELINES:
            yield f"{ratio}_speedup_vs_{name}", middle[name, what] / middle["kit", what], "ratio"
    for name in BASELINES:
        slow, quick = middle[name, "restart"], middle["kit", "restart beside the edge"]
        yield f"restart_beside_edge_speedup_vs_{name}", slow / quick, "ratio"
