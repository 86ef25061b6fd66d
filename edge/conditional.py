"""Conditional requests (RFC 9110 section 13): two tabs or two devices never lose an update silently.

    record = await ctx.records.get("notes", id)
    conditional.check(request, record and record.value)     # 412 or 428 unless the client saw this value
    ctx.records.put("notes", id, changed)
    return JSONResponse(changed, headers={"etag": conditional.etag(changed)})

Tags are made from the value, so that what a write leaves behind has one before it is stored. The read and the
write are one commit: if the value changes in between, the handler runs again, and the check with it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from .errors import Problem
from .jose import encode_segment

Value = Mapping[str, Any]


def etag(value: Value) -> str:
    """A strong entity tag: equal JSON values, and only those, have the same."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return f'"{encode_segment(hashlib.sha256(text.encode()).digest()[:16])}"'


def check(
    request: HTTPConnection, value: Value | None, *, seen: str | None = None, required: bool = True
) -> None:
    """Raise unless a write may replace `value` (None: there is nothing yet).

    The client says what it saw with `If-Match`, `If-None-Match: *` to create, or `seen`, a tag from a hidden
    form field, where the headers are absent. Raises `Problem`: "precondition-failed" (412), with the present
    tag in `etag`, or "precondition-required" (428) for a `required` condition that is missing.
    """
    matches, excludes = _listed(request.headers, "if-match"), _listed(request.headers, "if-none-match")
    if matches is None and excludes is None and seen is not None:
        matches = {seen} if seen else None  # the form of something new has an empty field
        excludes = {"*"} if not seen else None
    if matches is None and excludes is None:
        if required:
            raise Problem("precondition-required", "send If-Match with the ETag that you saw", **_now(value))
        return
    tag = None if value is None else etag(value)
    if matches is not None and (tag is None or not matches & {tag, "*"}):
        raise Problem("precondition-failed", "it has changed since you saw it", **_now(value))
    if excludes is not None and tag is not None and (_weak(excludes) & {tag, "*"}):
        raise Problem("precondition-failed", "it is there already", **_now(value))


def is_fresh(request: HTTPConnection, tag: str) -> bool:
    """Whether a GET may be answered with 304 because the client has what `tag` names."""
    excludes = _listed(request.headers, "if-none-match")
    return excludes is not None and bool(_weak(excludes) & {tag, "*"})


def _now(value: Value | None) -> dict[str, Any]:
    return {"etag": None} if value is None else {"etag": etag(value), "headers": {"etag": etag(value)}}


def _listed(headers: Headers, name: str) -> set[str] | None:
    found = headers.getlist(name)
    return {tag.strip() for line in found for tag in line.split(",")} if found else None


def _weak(tags: set[str]) -> set[str]:
    """For the weak comparison (RFC 9110 section 8.8.3.2) that `If-None-Match` asks for."""
    return {tag.removeprefix("W/") for tag in tags}
