"""`ctx.state` and `ctx.sealed`: the user's own small state, carried by tokens. Each is like a dict."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, NamedTuple

from .errors import Problem
from .wire import encode_json

STATE_LIMIT = 2048  # bytes of JSON; a token of it still fits into one cookie


class Shape(NamedTuple):
    """The version of an app's own layout of its state, and what brings an older one to it.

    `upgrade(values, version)` gets the values as an answer of that version left them, and returns new ones.
    It must come to the same result each time: what it made is kept only once the state changes.
    """

    version: int = 0
    upgrade: Callable[[dict[str, Any], int], Mapping[str, Any]] | None = None

    def fit(self, values: Mapping[str, Any], version: int) -> Mapping[str, Any]:
        """`values`, in this version's layout."""
        if version == self.version or self.upgrade is None or not values:
            return values
        return self.upgrade(json.loads(encode_json(dict(values))), version)


class State(MutableMapping[str, Any]):
    """A mutable mapping of JSON values. Changes inside nested values count as changes too."""

    def __init__(self, initial: Mapping[str, Any]) -> None:
        self._before = encode_json(dict(initial))
        self._values: dict[str, Any] = json.loads(self._before)
        self.closed = False

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._check_open()
        self._values[key] = value

    def __delitem__(self, key: str) -> None:
        self._check_open()
        del self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"State({self._values!r})"

    @property
    def changed(self) -> bool:
        return encode_named("ctx.state or ctx.sealed", self._values) != self._before

    def _check_open(self) -> None:
        if self.closed:
            raise Problem(
                "write-after-response", "change the state before the response starts", for_developers=True
            )

    def export(self) -> dict[str, Any]:
        """The whole state as JSON values.

        Raises `Problem("state-too-large")`, naming the largest keys, when it cannot travel in a cookie.
        """
        encoded = encode_json(self._values)
        if len(encoded) > STATE_LIMIT:
            raise too_large(self._values, len(encoded), STATE_LIMIT)
        exported: dict[str, Any] = json.loads(encoded)
        return exported


def too_large(values: Mapping[str, Any], size: int, limit: int) -> Problem:
    """The problem of state that takes `size` bytes where there is room for `limit`."""
    sizes = sorted(((len(encode_json(value)), key) for key, value in values.items()), reverse=True)
    largest = ", ".join(f"{key} ({length} bytes)" for length, key in sizes[:3])
    words = f"{size} of {limit} bytes; largest: {largest}; move what grows to ctx.records"
    return Problem("state-too-large", words, for_developers=True)


def encode_named(what: str, value: object) -> bytes:
    """`encode_json` of what an app hands over; a TypeError says what of it is no JSON.

    A ValueError stays as it is: it may be the client's number, and `diagnosis` tells by its words.
    """
    try:
        return encode_json(value)
    except TypeError as error:
        raise TypeError(f"{what} is not JSON: {error}") from error
