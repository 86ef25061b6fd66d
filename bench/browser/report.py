"""Puts the figures of one run into docs/benchmarks.md, and the plot into docs/img.

python3 build.py bench browser --json > browser.json
.venv/bin/python bench/browser/report.py browser.json
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plot import Line, plot

DOCS = Path(__file__).resolve().parents[2] / "docs"
MARKS = re.compile(r"(<!-- figures -->\n).*?(<!-- end of figures -->\n)", re.DOTALL)
WAYS = ("kit", "native", "stock", "pyscript", "bridge")
DELAY = re.compile(r"20 kB HTML at \+(\d+) ms, p50")
COARSE = " adds, from the page,"  # differences of two medians, each a multiple of …
CLOCK = 100  # µs, the resolution of the browser's clock
LINES = {"kit": "browser host", "native": "native server"}


def number(value: float) -> str:
    """Three significant digits, as far as they stand before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def cell(name: str, figure: dict[str, Any]) -> str:
    """The figure's value, unless the clock that has measured it could not see it."""
    if COARSE in name and round(figure["value"]) < CLOCK:
        return f"< {CLOCK}"
    return number(figure["value"])


def table(figures: dict[str, dict[str, Any]]) -> Iterator[str]:
    """What was measured in rows, who was measured in columns."""
    rows: dict[str, dict[str, str]] = {}
    for name, figure in figures.items():
        what, _, way = name.rpartition(", ")
        row, column = (what, way) if way in WAYS else (name, "kit")
        rows.setdefault(f"{row}, {figure['unit']}", {})[column] = cell(name, figure)
    yield f"| | {' | '.join(WAYS)} |"
    yield f"|---|{'---:|' * len(WAYS)}"
    for row, cells in rows.items():
        yield f"| {row} | {' | '.join(cells.get(way, '') for way in WAYS)} |"


def report(result: dict[str, Any]) -> str:
    """The section as Markdown."""
    machine = result["machine"]
    about = f"{machine['cores']} cores, {machine['system']}, CPython {machine['python']}"
    about += f"; load before: {machine['load before']}"
    ratios = [f"| `{name}` | {number(value)} |" for name, value in result["ratios"].items()]
    head = ["| ratio | |", "|---|---:|"]
    return "\n".join([f"Machine: {about}.\n", *table(result["figures"]), "", *head, *ratios, ""])


def chart(figures: dict[str, dict[str, Any]]) -> str:
    """Time over distance."""
    lines = []
    for way, name in LINES.items():
        found = [(DELAY.fullmatch(key.removesuffix(f", {way}")), figures[key]["value"]) for key in figures]
        lines.append(Line(name, [(int(match[1]), value) for match, value in found if match]))
    return plot("Time of a fetch (20 kB HTML, p50)", "added round trip, ms", "ms", lines)


def main(file: str) -> None:
    result = json.loads(Path(file).read_text("utf-8"))
    page = DOCS / "benchmarks.md"
    text = MARKS.sub(lambda marks: marks[1] + report(result) + marks[2], page.read_text("utf-8"))
    page.write_text(text, "utf-8")
    (DOCS / "img").mkdir(exist_ok=True)
    (DOCS / "img" / "bench-delay.svg").write_text(chart(result["figures"]), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
