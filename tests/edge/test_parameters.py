"""Wrong arguments of `Stateless` are refused at once."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette

from edge import Stateless


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"app": None}, "wraps an ASGI app, not None"),
        ({"anywhere": "/"}, r"anywhere= is a list: write anywhere=\['/'\]"),
        ({"optimistic": "/"}, "optimistic= is a list"),
        ({"bound": "/"}, "bound= is a list"),
        ({"foreign": "/"}, "foreign= is a list"),
        ({"readable": "items"}, r"readable= is a list: write readable=\['items'\]"),
        ({"shared": "items"}, "shared= is a list"),
        ({"shared": None}, "shared= is a list of texts, not None"),
        ({"anywhere": [1]}, r"anywhere= is a list of texts, not \[1\]"),
        ({"max_body": "3 MB"}, "max_body= is a number of bytes"),
        ({"static": "static"}, "static= names folders by URL prefix"),
    ],
)
def test_an_argument_of_another_type_is_refused_at_once(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        Stateless(**{"app": Starlette()} | arguments)
