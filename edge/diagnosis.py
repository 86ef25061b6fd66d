"""Why an app may have failed on a request: the client's mistake, said as such instead of a 500."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any

from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request, cookie_parser

from .errors import Problem
from .intake import FORMS, ended, form_field, is_json, media_type, part_size, replay
from .wire import encode_json


async def diagnose(scope: dict[str, Any], body: bytes, error: Exception | None = None) -> Problem | None:
    """Why an app may have failed with `error` on this body: the client's mistake as a `Problem`, or None.

    Asked only after a failure, so that good requests are not parsed twice.
    """
    if is_json(scope):
        try:
            # Python reads more than JSON is, NaN, and what it cannot write again: 1e999, half a character.
            encode_json(json.loads(body))
        except (ValueError, RecursionError):
            return Problem("malformed-json")
    try:
        await form_field({**scope, "headers": _without_key(scope)}, body)
    except Problem as problem:
        return problem if problem.code == "malformed-form" else None
    # For Python "nan" and "1e999" are numbers, but none that JSON has (RFC 8259 section 6), so they cannot be
    # kept: a ValueError.
    if not isinstance(error, ValueError):
        return None
    if (mistake := diagnose_head(scope, error)) is not None:
        return mistake
    if media_type(scope) in FORMS:
        request, most = Request(scope, replay(body, ended, part_size(scope))), len(body) + 1
        async with request.form(max_files=most, max_fields=most, max_part_size=most) as form:
            if any(isinstance(value, str) and _is_not_finite(value) for _, value in form.multi_items()):
                return Problem("malformed-form", "a number is not finite")
    if _is_unwritable(error) and _is_json_but_unwritable(body):  # whatever it is called
        return Problem("malformed-json")
    return None


def _is_json_but_unwritable(body: bytes) -> bool:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return False
    try:
        encode_json(value)
    except (ValueError, RecursionError):
        return True
    return False


def diagnose_head(scope: dict[str, Any], error: ValueError) -> Problem | None:
    """Why `error` may have come of this request without its body, as `diagnose` says it."""
    words = "a number is not finite"
    if any(_is_not_finite(value) for _, value in QueryParams(scope["query_string"]).multi_items()):
        return Problem("malformed-query", words)
    if not _is_unwritable(error):  # "nan" in a path is more often a name than a number
        return None
    if any(map(_is_not_finite, scope["path"].split("/"))):
        return Problem("malformed-path", words)
    headers = Headers(raw=scope["headers"])
    cookies = (pair for line in headers.getlist("cookie") for pair in cookie_parser(line).values())
    if any(map(_is_not_finite, (*headers.values(), *cookies))):
        return Problem("malformed-header", words)
    return None


def _is_unwritable(error: ValueError) -> bool:
    """Whether this is how `json` says that a value is none of JSON's: a number, or half a character."""
    return isinstance(error, UnicodeEncodeError) or str(error).startswith("Out of range float values")


def _is_not_finite(text: str) -> bool:
    try:
        return not isfinite(float(text))
    except ValueError:
        return False


def _without_key(scope: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    return [pair for pair in scope["headers"] if pair[0] != b"idempotency-key"]
