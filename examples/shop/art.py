"""Where the loose leaves lie around the cup in a tea's picture. Pure: the same tea, the same picture."""

from __future__ import annotations

import hashlib
import math
from functools import lru_cache
from typing import NamedTuple

WIDTH, HEIGHT = 240, 180  # user units of the SVG
CUP = 54  # radius of the cup
MARGIN = 19  # half a leaf and some air: none touches the cup or is cut off by the frame
LEAVES = 11
GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))  # spreads points evenly, as a sunflower does


class Leaf(NamedTuple):
    """One leaf: its centre in user units and its direction in degrees."""

    x: int
    y: int
    turn: int

    def __str__(self) -> str:
        """As an SVG transform."""
        return f"translate({self.x} {self.y})rotate({self.turn})"


class Picture(NamedTuple):
    """The centre of the cup and the leaves around it; `others` have the tea's second shape, if any."""

    x: int
    y: int
    leaves: list[Leaf]
    others: list[Leaf]


@lru_cache(maxsize=1024)  # a shelf shows 24 of them, and they never change
def picture(sku: str) -> Picture:
    """The arrangement that belongs to `sku`."""
    seed = hashlib.sha256(sku.encode()).digest()
    x = WIDTH // 2 + (44 if seed[0] % 2 else -44)
    y = HEIGHT // 2 + seed[1] % 17 - 8
    start = seed[2] / 256 * math.tau
    leaves: list[Leaf] = []
    for step in range(1, 60):
        reach = 18 * math.sqrt(step)
        leaf_x = WIDTH / 2 + 1.15 * reach * math.cos(start + step * GOLDEN_ANGLE)
        leaf_y = HEIGHT / 2 + reach * math.sin(start + step * GOLDEN_ANGLE)
        inside = MARGIN < leaf_x < WIDTH - MARGIN and MARGIN < leaf_y < HEIGHT - MARGIN
        if inside and math.hypot(leaf_x - x, leaf_y - y) > CUP + MARGIN:
            turn = seed[3 + len(leaves)] * 360 // 256
            leaves.append(Leaf(round(leaf_x), round(leaf_y), turn))
        if len(leaves) == LEAVES:
            break
    others = [leaf for place, leaf in enumerate(leaves) if place % 5 in (1, 3)]
    return Picture(x, y, [leaf for leaf in leaves if leaf not in others], others)
