"""Random generators that a memory snapshot would freeze: each instance restored from it would draw the same.

What asks the platform each time (`secrets`, `os.urandom`, `uuid.uuid4`, `random.SystemRandom`) is not among
them. Those that somebody has given a seed of his own keep it.
"""

from __future__ import annotations

import random
from typing import Any
from weakref import WeakSet

_plain = random.Random.seed
_unseeded: WeakSet[random.Random] = WeakSet()


def watch() -> None:
    """From now on note the generators that seed themselves, as `random.Random()` does, until `renew`."""

    def seed(self: random.Random, a: Any = None, version: int = 2) -> None:
        _plain(self, a, version)
        (_unseeded.add if a is None else _unseeded.discard)(self)

    random.Random.seed = seed  # type: ignore[method-assign]


def renew() -> None:
    """Seed those generators anew, and that of the module `random`."""
    random.Random.seed = _plain  # type: ignore[method-assign]
    random.seed()
    for generator in list(_unseeded):
        generator.seed()
    _unseeded.clear()
