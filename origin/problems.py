"""Every failure as a problem document (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from edge.errors import Problem


def as_problem(error: Exception) -> Problem:
    """The documented failure that `error` is; "internal-error", without details, for any other."""
    match error:
        case Problem():
            return error
        case HTTPException(status_code=404):
            return Problem("not-found")
        case HTTPException(status_code=405):
            return Problem("method-not-allowed", headers=error.headers)
        case ClientDisconnect():
            return Problem("malformed-commit", "the body ended early")
    return Problem("internal-error")


def render(problem: Problem) -> Response:
    """The answer for a problem; the same problem gives the same bytes."""
    headers = {"Cache-Control": "no-store", **problem.headers}
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(problem.encode(), problem.status, headers, problem.media_type)


async def _answer(_request: Request, error: Exception) -> Response:
    return render(as_problem(error))


# For `Exception`, Starlette answers and then raises again, so that the server logs the traceback.
HANDLERS: Mapping[Any, Any] = dict.fromkeys((Problem, HTTPException, ClientDisconnect, Exception), _answer)
