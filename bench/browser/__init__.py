"""The shop in Chromium: first paint, take-over, restarts, latency, transfer; against other ways to do it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import sync_playwright

from edge.release import build

from . import baselines, latency, servers, transfer, visits
from .link import Link

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parents[1] / "examples"
SHOP, MEASURED = "shop.app:app", "measured:app"


def run(rounds: int = 7) -> Iterator[tuple[str, float, str]]:
    """Medians over `rounds` of everything."""
    with ExitStack() as open_, tempfile.TemporaryDirectory() as name:
        work = Path(name)
        print("  building …", file=sys.stderr, flush=True)
        files, data, measured, changing = (work / part for part in ("files", "data", "measured", "changing"))
        baselines.assemble(SHOP, files)
        transfer.copy_of(EXAMPLES / "shop", changing)
        build(SHOP, work / "release", app_dir=EXAMPLES)
        build(SHOP, changing / "release", app_dir=changing)
        build(MEASURED, measured, app_dir=HERE / "apps", lock=data / "edgekit.lock")
        origin = open_.enter_context(servers.origin(EXAMPLES / "shop" / "catalog", data))

        def edge(spec: str, folder: Path, release: Path, *, script: bool = True) -> str:
            return open_.enter_context(
                servers.edge(spec, folder, release, files, data, origin, script=script)
            )

        shop = (SHOP, EXAMPLES, work / "release")
        link = open_.enter_context(Link(edge(*shop)))
        bare = open_.enter_context(Link(edge(*shop, script=False)))
        moving = open_.enter_context(Link(edge(SHOP, EXAMPLES, changing / "release")))
        small = (MEASURED, HERE / "apps", measured)
        playwright = open_.enter_context(sync_playwright())
        yield from visits.figures(playwright, link, bare, rounds)
        yield from latency.figures(playwright, edge(*small), edge(*small, script=False), rounds)
        yield from transfer.thin(playwright, link, rounds)
        yield from transfer.update(playwright, moving, SHOP, changing, changing / "release", rounds)
