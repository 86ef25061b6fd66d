"""Adding to numbers in records, where the newest value is: inside the commit."""

from __future__ import annotations

import json
from typing import Any

from edge.errors import Problem
from edge.wire import Increment, is_count


def increased(stored: str | None, one: Increment) -> dict[str, Any] | None:
    """The record's next value from its JSON (None: there is none), or None: it would fall below its floor.

    Raises `Problem("malformed-commit")` if the field holds something else than a whole number.
    """
    value: dict[str, Any] = {} if stored is None else json.loads(stored)
    before = value.get(one.field, 0)
    after = before + one.by if is_count(before) else None
    if after is None or not is_count(after):
        raise Problem("malformed-commit", f"{one.field} of {'/'.join(one.key)} is no number to add to")
    if one.floor is not None and after < one.floor:
        return None
    return value | {one.field: after}
