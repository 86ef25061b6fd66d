"""The eight kinds of tea that the shop sells, in the order of their colour in the cup."""

from __future__ import annotations

from typing import NamedTuple, TypedDict


class Look(TypedDict):
    """How a tea is drawn: its colour in the cup, the shapes of its dry leaf, the colour of the leaf.

    The names are classes in static/tea.css and drawings in templates/drawings.html.
    """

    cup: str
    leaf: list[str]
    tone: str


class Kind(NamedTuple):
    """`name` heads a list, `note` is one sentence about it, `cup` is its colour in signs;
    `look` is for teas without a look of their own."""

    name: str
    note: str
    cup: str
    look: Look


def _look(cup: str, leaf: str, tone: str) -> Look:
    return {"cup": cup, "leaf": [leaf], "tone": tone}


KINDS = {
    "white": Kind(
        "White", "Withered and dried, and otherwise left alone.", "pale", _look("pale", "bud", "silver")
    ),
    "green": Kind(
        "Green",
        "Heated soon after picking, so that the leaf stays green.",
        "lime",
        _look("lime", "flat", "fresh"),
    ),
    "yellow": Kind(
        "Yellow",
        "Made like green tea, then wrapped up warm until the grassiness is gone.",
        "gold",
        _look("gold", "bud", "straw"),
    ),
    "oolong": Kind(
        "Oolong",
        "Bruised and partly oxidised: everything between green and black.",
        "honey",
        _look("straw", "ball", "jade"),
    ),
    "black": Kind(
        "Black",
        "Fully oxidised: brisk or malty, and often good with milk.",
        "red",
        _look("red", "strand", "ink"),
    ),
    "dark": Kind(
        "Dark",
        "Fermented by microbes and aged: deep, smooth and earthy.",
        "night",
        _look("night", "cake", "earth"),
    ),
    "blend": Kind(
        "Blends",
        "Scented with flowers, citrus or spices, or mixed for balance.",
        "copper",
        _look("copper", "strand", "ink"),
    ),
    "herbal": Kind(
        "Herbal",
        "No tea bush involved: leaves, flowers, roots and grains.",
        "ruby",
        _look("straw", "herb", "sage"),
    ),
}
