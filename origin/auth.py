"""Who calls: the subject that an edge's signed assertion vouches for."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request

from edge.errors import Problem
from edge.keys import KeyFile, NativeKeys
from edge.tokens import check_assertion
from edge.types import Clock, Verifier

from .errors import StartError


async def authenticate(request: Request, verifier: Verifier, clock: Clock) -> str:
    """The subject of the bearer assertion (RFC 6750 section 2.1), which must cover this very call:
    method, target as sent, body and idempotency key. Raises `Problem("unauthorized")`."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Problem("unauthorized")
    path, query = request.scope["raw_path"], request.scope["query_string"]
    target = (path + b"?" + query if query else path).decode("latin-1")
    key = request.headers.get("idempotency-key", "")
    body = await request.body()
    principal = await check_assertion(token, verifier, request.method, target, body, key, clock)
    subject = principal.subject
    if not subject:  # or everybody whom an edge does not know would be one user
        raise Problem("unauthorized")
    return subject


def load_verifier(file: Path, clock: Clock, timer: Clock) -> NativeKeys:
    """Read the edges' public keys, a JWK set (RFC 7517 section 5); raises `StartError`."""
    try:
        keys = KeyFile(file, timer)
        if not keys().set.keys:
            raise ValueError("the set is empty")
        if keys().set.private:
            raise ValueError("it holds a private key, which only edges may have")
        return NativeKeys(keys, clock)
    except (OSError, ValueError) as error:
        raise StartError(f"{file} is not a usable set of public keys: {error}") from error
