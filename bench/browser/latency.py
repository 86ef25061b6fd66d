"""Warm requests from a page: the browser's own host against uvicorn on loopback and further away."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from statistics import mean, median, quantiles
from typing import Any

from playwright.sync_api import Page, Playwright

from .chromium import profile
from .link import Link

Figure = tuple[str, float, str]
SIZES = {"/json": "2 kB JSON", "/html": "20 kB HTML"}
WRAPPINGS = {"/pure": "pure ASGI middleware", "/base": "BaseHTTPMiddleware", "/sync": "a sync endpoint"}
DELAYS = (0, 10, 40, 100)  # ms that a round trip takes longer
COUNT, FAR_COUNT = 200, 30  # requests per round
TOGETHER = 20
HOSTS = {"kit": "browser", "native": "native"}

Pages = Mapping[str, Page]
Samples = dict[tuple[str, str], list[float]]  # (host, what) -> ms


def series(pages: Pages, path: str, count: int, call: str = "fetch") -> Iterator[tuple[str, dict[str, Any]]]:
    """The same requests from each page in turn."""
    for name, page in pages.items():
        page.bring_to_front()
        found = page.evaluate("(words) => bench.series(...words)", [path, count, call])
        if found["hosts"] != [HOSTS[name]]:
            raise RuntimeError(f"{path} was answered by {found['hosts']}, not by {HOSTS[name]}")
        yield name, found


def one_round(near: Pages, far: Pages, links: list[Link]) -> Iterator[tuple[tuple[str, str], list[float]]]:
    """(host, what) and samples; `far` pages reach their servers through `links`."""
    for path in SIZES:
        for name, found in series(near, path, COUNT):
            yield (name, path), found["times"]
        for name, page in near.items():
            page.bring_to_front()
            times = [page.evaluate(f"bench.together('{path}', {TOGETHER})") for _ in range(COUNT // TOGETHER)]
            yield (name, f"{path} together"), times
        for _, found in series({"kit": near["kit"]}, path, COUNT, "port"):
            yield ("kit", f"{path} port"), found["times"]
    for path in ("/plain", *WRAPPINGS):
        for name, found in series(near, path, COUNT):
            yield (name, path), found["times"]
            yield (name, f"{path} inside"), found["inside"]
    for delay in DELAYS[1:]:
        for link in links:
            link.delay = delay / 1000
        for name, found in series(far, "/html", FAR_COUNT):
            yield (name, f"/html {delay}"), found["times"]


def measure(playwright: Playwright, kit: str, bare: str, rounds: int) -> Samples:
    """Samples of all rounds; `kit` and `bare` are the URLs of the measured app with and without script."""
    samples: Samples = {}
    with (
        profile(playwright) as visitor,
        Link(kit) as kit_link,
        Link(bare) as bare_link,
        visitor.browser() as tab,
    ):
        near = {"kit": tab, "native": tab.context.new_page()}
        far = {"kit": tab.context.new_page(), "native": tab.context.new_page()}
        for pages, urls in ((near, (kit, bare)), (far, (kit_link.url, bare_link.url))):
            for page, url in zip(pages.values(), urls, strict=True):
                page.goto(url)
            pages["kit"].bring_to_front()
            pages["kit"].evaluate("bench.takenOver('/')")
            for path in (*SIZES, "/plain", *WRAPPINGS):
                list(series(pages, path, COUNT))  # until everything is compiled
        for number in range(1, rounds + 1):
            for key, times in one_round(near, far, [kit_link, bare_link]):
                samples.setdefault(key, []).extend(times)
            print(f"  latency {number}/{rounds}", file=sys.stderr, flush=True)
    return samples


def p99(times: list[float]) -> float:
    return quantiles(times, n=100, method="inclusive")[98]


def figures(playwright: Playwright, kit: str, bare: str, rounds: int) -> Iterator[Figure]:
    """All figures of this module."""
    samples = measure(playwright, kit, bare, rounds)
    for path, size in SIZES.items():
        word = path[1:]
        for host in HOSTS:
            yield f"{size}, p50, {host}", median(samples[host, path]), "ms"
            yield f"{size}, p99, {host}", p99(samples[host, path]), "ms"
            yield f"{size}, {TOGETHER} together, {host}", median(samples[host, f"{path} together"]), "ms"
        yield f"{size} through edgekit.fetch, p50, kit", median(samples["kit", f"{path} port"]), "ms"
        yield f"{size} through edgekit.fetch, p99, kit", p99(samples["kit", f"{path} port"]), "ms"
        yield f"warm_{word}_p50_vs_native", *ratio(median, samples, path)
        yield f"warm_{word}_p99_vs_native", *ratio(p99, samples, path)
        yield f"warm_{word}_together_vs_native", *ratio(median, samples, f"{path} together")
        port = median(samples["kit", f"{path} port"])
        yield f"port_{word}_p50_vs_native_fetch", median(samples["native", path]) / port, "ratio"
    yield from wrappings(samples)
    yield from far_away(samples)


def usual(times: list[float]) -> float:
    """The mean without the slowest tenth: the browser's clock is too coarse for a median."""
    return mean(sorted(times)[: len(times) * 9 // 10])


def ratio(statistic: Any, samples: Samples, what: str) -> tuple[float, str]:
    return statistic(samples["native", what]) / statistic(samples["kit", what]), "ratio"


def wrappings(samples: Samples) -> Iterator[Figure]:
    """What middleware and sync endpoints add, seen from the page and by the host's own clock."""
    for path, what in WRAPPINGS.items():
        for host in HOSTS:
            added = median(samples[host, path]) - median(samples[host, "/plain"])
            yield f"{what} adds, from the page, {host}", added * 1000, "µs"
            inside = usual(samples[host, f"{path} inside"]) - usual(samples[host, "/plain inside"])
            yield f"{what} adds, Server-Timing, {host}", inside * 1000, "µs"


def far_away(samples: Samples) -> Iterator[Figure]:
    for host in HOSTS:
        for delay in DELAYS:
            times = samples[host, f"/html {delay}" if delay else "/html"]
            yield f"20 kB HTML at +{delay} ms, p50, {host}", median(times), "ms"
    for delay in DELAYS[1:]:
        yield f"warm_html_at_{delay}ms_vs_native", *ratio(median, samples, f"/html {delay}")
