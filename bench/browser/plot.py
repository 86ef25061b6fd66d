"""A line chart as SVG, readable on light and on dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil, log10
from typing import NamedTuple

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 56, 120, 40, 48
STROKES = ("#2f9e6e", "#b4552d", "#4a6fb5")
STYLE = "text{font:13px system-ui,sans-serif;fill:#555}@media(prefers-color-scheme:dark){text{fill:#bbb}}"


class Line(NamedTuple):
    """A named series of points."""

    name: str
    points: Sequence[tuple[float, float]]


def plot(title: str, below: str, beside: str, lines: Sequence[Line]) -> str:
    """The chart; both axes begin at 0, x is marked at the points of the first line."""
    marks = [x for x, _ in lines[0].points]
    top = nice(max(y for line in lines for _, y in line.points))
    inner = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM)

    def at(x: float, y: float) -> tuple[float, float]:
        return LEFT + inner[0] * x / max(marks), TOP + inner[1] * (1 - y / top)

    parts = [f'<text x="{LEFT}" y="20">{escape(title)}</text>']
    for step in range(5):
        _, y = at(0, top * step / 4)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#8884"/>')
        label = f"{top * step / 4:g} {beside}"
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(label)}</text>')
    for mark in marks:
        x, y = at(mark, 0)
        parts.append(f'<text x="{x:.1f}" y="{y + 18:.1f}" text-anchor="middle">{mark:g}</text>')
    middle = LEFT + inner[0] / 2
    parts.append(f'<text x="{middle:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(below)}</text>')
    for line, stroke in zip(lines, STROKES, strict=False):
        points = [at(*point) for point in line.points]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        parts.append(f'<path d="M{path}" fill="none" stroke="{stroke}" stroke-width="2.5"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{stroke}"/>' for x, y in points]
        x, y = points[-1]
        parts.append(f'<text x="{x + 10:.1f}" y="{y + 4:.1f}">{escape(line.name)}</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
    return "\n".join([head, f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>", *parts, "</svg>\n"])


def nice(value: float) -> float:
    """The next round number that divides well by four."""
    unit = 10.0 ** ceil(log10(value) - 1)
    return next(unit * step for step in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10) if unit * step >= value)
