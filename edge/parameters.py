"""The arguments of `Stateless`: a wrong one is refused where it is written, not by the first request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def check(app: object, static: object, max_body: object) -> None:
    """Raises TypeError for what has another type than `Stateless` says."""
    if not callable(app):
        raise TypeError(f"Stateless wraps an ASGI app, not {app!r}")
    if not isinstance(max_body, int):
        raise TypeError(f"max_body= is a number of bytes, such as 3_000_000, not {max_body!r}")
    if not isinstance(static, Mapping | None):
        raise TypeError(f'static= names folders by URL prefix, as {{"/static": "static"}}, not {static!r}')


def texts(parameter: str, values: Iterable[str]) -> list[str]:
    """The patterns or names given as `parameter`. Raises TypeError for anything but texts, and for one alone:
    a str is iterable too, and "items" would name five collections of one letter."""
    if isinstance(values, str):
        raise TypeError(f"{parameter}= is a list: write {parameter}=[{values!r}]")
    texts = list(values) if isinstance(values, Iterable) else [values]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError(f"{parameter}= is a list of texts, not {values!r}")
    return texts
