"""Answers that are nobody else's: JSON that no cache keeps."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response


def json_answer(body: bytes, headers: Mapping[str, str] | None = None) -> Response:
    """A 200 with `body`, which is JSON already."""
    return Response(
        body, headers={"Cache-Control": "no-store", **(headers or {})}, media_type="application/json"
    )
