"""Finding teas in the catalog. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any

Tea = dict[str, Any]


def matching(teas: Iterable[Tea], query: str) -> list[Tea]:
    """The teas that contain every word of `query`: those with it in their name first, then by name."""
    words = fold(query).split()
    found = [tea for tea in teas if all(word in _text(tea) for word in words)]
    return sorted(found, key=lambda tea: (not _named(tea, words), fold(tea["name"])))


def fold(text: str) -> str:
    """`text` without case and accents: `São Miguel` and `SAO MIGUEL` are the same."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char)).casefold()


def _text(tea: Tea) -> str:
    origin = tea["origin"]
    return fold(
        f"{tea['name']} {tea['kind_name']} {origin['region']} {origin['country']} {tea['description']}"
    )


def _named(tea: Tea, words: list[str]) -> bool:
    name = fold(tea["name"])
    return all(word in name for word in words)
