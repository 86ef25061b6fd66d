"""The shop in Chromium: first paint, take-over, restarts, latency, transfer; against other ways to do it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import sync_playwright

from edge.release import build

from . import baselines, servers, visits
from .link import Link

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SHOP = "shop.app:app"


def run(rounds: int = 7) -> Iterator[tuple[str, float, str]]:
    """Medians over `rounds` of everything."""
    with ExitStack() as open_, tempfile.TemporaryDirectory() as name:
        work = Path(name)
        print("  building …", file=sys.stderr, flush=True)
        baselines.assemble(SHOP, work / "files")
        build(SHOP, work / "release", app_dir=EXAMPLES)
        origin = open_.enter_context(servers.origin(EXAMPLES / "shop" / "catalog", work / "data"))
        place = (SHOP, EXAMPLES, work / "release", work / "files", work / "data", origin)
        link = open_.enter_context(Link(open_.enter_context(servers.edge(*place))))
        bare = open_.enter_context(Link(open_.enter_context(servers.edge(*place, script=False))))
        playwright = open_.enter_context(sync_playwright())
        yield from visits.figures(playwright, link, bare, rounds)
