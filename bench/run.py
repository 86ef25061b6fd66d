"""Measures: `python3 build.py bench [name…] [--json]`. Each other module here is one benchmark.

A benchmark has a docstring that says what it measures, and `run()`, which yields `Figure`s.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parent


class Figure(NamedTuple):
    """One measured figure: what, how much, in which unit."""

    what: str
    value: float
    unit: str


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"bench_{name}", FOLDER / f"{name}.py")
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def show(name: str, title: str, figures: Iterable[tuple[str, float, str]]) -> dict[str, dict[str, object]]:
    """Print figures as they come, to stderr; return them as they go into the JSON document."""
    print(f"{name}: {title}", file=sys.stderr)
    document: dict[str, dict[str, object]] = {}
    for figure in map(Figure._make, figures):
        print(f"  {figure.what:<48} {figure.value:>12,.1f} {figure.unit}", file=sys.stderr, flush=True)
        document[figure.what] = {"value": figure.value, "unit": figure.unit}
    return document


def main() -> None:
    known = sorted(path.stem for path in FOLDER.glob("*.py") if path.name != Path(__file__).name)
    parser = argparse.ArgumentParser(prog="build.py bench")
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(known)} (default: all)")
    parser.add_argument("--json", action="store_true", help="print one JSON document to stdout")
    options = parser.parse_args()
    unknown = set(options.names) - set(known)
    if unknown:
        parser.error(f"there is no benchmark {min(unknown)!r}; there are {', '.join(known)}")
    sys.path.insert(0, str(FOLDER.parent / "examples"))
    results = {}
    for name in options.names or known:
        module = load(name)
        results[name] = show(name, (module.__doc__ or "").partition("\n")[0], module.run())
    machine = {"python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count()}
    if options.json:
        json.dump({"machine": machine, "results": results}, sys.stdout, indent=2)
        print()


if __name__ == "__main__":
    main()
