"""Measures: `python3 build.py bench [name…] [--rounds N] [--json]`. Each other module and each package
here is one benchmark.

A benchmark has a docstring that says what it measures, and `run()`, which yields figures as
`(what, value, unit)`. Those in the unit `ratio` compare: larger is better, 1 is parity. `run` takes
`rounds` if it repeats what it measures.
"""

from __future__ import annotations

import argparse
import importlib.util
import inspect
import json
import os
import platform
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).resolve().parent
RATIO = "ratio"


def known() -> dict[str, Path]:
    """Name -> file of each benchmark."""
    modules = {path.stem: path for path in FOLDER.glob("*.py") if path.name != Path(__file__).name}
    return modules | {path.parent.name: path for path in FOLDER.glob("*/__init__.py")}


def load(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"bench_{name}", path)
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # a package's modules look for it there
    spec.loader.exec_module(module)
    return module


def show(name: str, title: str, figures: Iterable[tuple[str, float, str]]) -> dict[str, object]:
    """Print figures as they come, to stderr; return the JSON document."""
    print(f"{name}: {title}", file=sys.stderr)
    ratios: dict[str, float] = {}
    others: dict[str, dict[str, object]] = {}
    for what, value, unit in figures:
        digits = 2 if unit == RATIO else 1
        print(f"  {what:<56} {value:>12,.{digits}f} {unit}", file=sys.stderr, flush=True)
        if unit == RATIO:
            ratios[what] = round(value, 3)
        else:
            others[what] = {"value": value, "unit": unit}
    return {"bench": name, "ratios": ratios, "figures": others}


def main() -> None:
    files = known()
    parser = argparse.ArgumentParser(prog="build.py bench")
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"of {', '.join(sorted(files))} (default: all)"
    )
    parser.add_argument("--rounds", type=int, help="how often to repeat what is repeated")
    parser.add_argument("--json", action="store_true", help="print a JSON document a line to stdout")
    options = parser.parse_args()
    unknown = set(options.names) - set(files)
    if unknown:
        parser.error(f"there is no benchmark {min(unknown)!r}; there are {', '.join(sorted(files))}")
    sys.path.insert(0, str(FOLDER.parent / "examples"))
    sys.path.append(str(FOLDER))  # one may use the tools of another
    machine = {"python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count()}
    for name in options.names or sorted(files):
        module = load(name, files[name])
        load_before = round(os.getloadavg()[0], 2)
        repeats = options.rounds and "rounds" in inspect.signature(module.run).parameters
        figures = module.run(rounds=options.rounds) if repeats else module.run()
        document = show(name, (module.__doc__ or "").partition("\n")[0], figures)
        if options.json:
            print(json.dumps({**document, "machine": {**machine, "load before": load_before}}), flush=True)


if __name__ == "__main__":
    main()
