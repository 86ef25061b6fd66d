"""`edgekit verify`: runs, shows how far it has come, and says what it has found."""

from __future__ import annotations

import asyncio
import importlib
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ..serve.sources import find
from .fleet import ORIGIN, Layout, StartFailed
from .history import load
from .judge import Judgement
from .report import findings, summary
from .run import Budget, Progress, Run
from .scenario import Scenario

SEEDS = 1_000_000  # to choose from, if none is given


def verify(
    spec: str,
    app_dir: Path,
    *,
    budget: Budget,
    scenario: str | None = None,
    data: Path = Path("data/verify"),
    catalog: Path | None = None,
    users: int = 12,
    edges: int = 2,
    skew: float = 2.0,
    seed: int | None = None,
    origin: Sequence[str] = ORIGIN,
) -> int:
    """Check `spec` (`module:app`, found in `app_dir`); returns the exit status: 0 passed, 1 failed.

    `scenario` is `module:class`, found there too. `skew` is by how many seconds clocks may be wrong, at most.
    The history and the database stay in `data/<seed>`.
    """
    seed = secrets.randbelow(SEEDS) if seed is None else seed
    app_dir = app_dir.resolve()
    sources = find(spec, app_dir)
    if catalog is None and sources.catalog.is_dir():
        catalog = sources.catalog
    folder = data.resolve() / str(seed)
    layout = Layout(spec, app_dir, folder, catalog and catalog.resolve(), edges, skew, origin)
    said = f"seed {seed}: {edges} edges and an origin, {users} users at a time"
    sys.stderr.write(f"{said}\n")
    began = time.monotonic()
    try:
        users_do = _load(scenario, app_dir) if scenario else Scenario()
        run = Run(layout, users_do, budget, seed=seed, users=users, report=Meter(budget).show)
        judgement = asyncio.run(run.go())
    except (StartFailed, ImportError, AttributeError) as error:
        sys.stderr.write(f"edgekit: {error}\n")
        return 1
    sys.stdout.write(f"\n{said}, {time.monotonic() - began:.0f} s; history in {folder}/history.jsonl\n")
    return _tell(judgement, folder, seed)


class Meter:
    """One line that shows how far a run has come: rewritten on a terminal, else now and then a new one."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._next = 0.0

    def show(self, progress: Progress) -> None:
        budget = self._budget
        line = (
            f"{progress.writes}/{budget.writes} writes, {progress.kills}/{budget.kills} kills, "
            f"{progress.duplicates}/{budget.duplicates} duplicates, {progress.seconds:.0f} s"
        )
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{line}\x1b[K")
        elif progress.seconds >= self._next:
            self._next = progress.seconds + 10
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def _load(name: str, app_dir: Path) -> Scenario:
    sys.path.insert(0, str(app_dir))
    module, _, member = name.partition(":")
    made: Scenario = getattr(importlib.import_module(module), member or "Scenario")()
    return made


def _tell(judgement: Judgement, folder: Path, seed: int) -> int:
    for line in summary(judgement):
        sys.stdout.write(f"{line}\n")
    if not judgement.findings:
        return 0
    for line in findings(judgement, load(folder / "history.jsonl")):
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"The same users, faults and kills again: --seed {seed}\n")
    return 1
