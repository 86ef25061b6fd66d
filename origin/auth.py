"""Who calls: the user and the session that an edge's signed assertion vouches for."""

from __future__ import annotations

from starlette.requests import Request

from edge.errors import Problem
from edge.tokens import check_assertion
from edge.types import Clock, Principal, Verifier


async def authenticate(request: Request, verifier: Verifier, clock: Clock) -> Principal:
    """The principal of the bearer assertion (RFC 6750 section 2.1), which must cover this very call:
    method, target as sent, body and idempotency key. Raises `Problem("unauthorized")`."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Problem("unauthorized")
    path, query = request.scope["raw_path"], request.scope["query_string"]
    target = (path + b"?" + query if query else path).decode("latin-1")
    key = request.headers.get("idempotency-key", "")
    body = await request.body()
    principal = await check_assertion(token, verifier, request.method, target, body, key, clock)
    if not principal.subject:  # or everybody whom an edge does not know would be one user
        raise Problem("unauthorized")
    return principal
