"""An app's own CORS policy, for answers that the app does not give itself.

Without it a page of another site that may read the app's answers would see a network error in place of a
refusal by the kit. The policy is not told to the kit, so it is asked for: by the preflight that a browser
would have sent (Fetch, section 4.8 "CORS-preflight fetch"), which is safe and changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from starlette.types import ASGIApp

from .csrf import origin_of_site
from .intake import METHODS

Headers = list[tuple[bytes, bytes]]

# Of what a preflight is told, what an answer itself says too.
GRANTS = (b"access-control-allow-origin", b"access-control-allow-credentials")
VARY = (b"vary", b"origin")
PATIENCE = 1.0  # seconds; middleware answers at once, and whatever else would is no policy
logger = logging.getLogger("edgekit")


async def granted(app: ASGIApp, scope: dict[str, Any]) -> Headers:
    """What `app` grants to the page of another origin that sent this request; nothing to all others."""
    asking = [value for name, value in scope["headers"] if name == b"origin"]
    if len(asking) != 1 or asking[0].decode("latin-1") == origin_of_site(scope):
        return []
    said: Headers = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            said.extend((bytes(name).lower(), bytes(value)) for name, value in message.get("headers", ()))

    try:
        async with asyncio.timeout(PATIENCE):
            await app(_preflight(scope, asking[0]), receive, send)
    except Exception as error:  # not our question's fault, nor the client's
        logger.debug("no CORS policy of the app: %r", error)
    grants = [pair for pair in said if pair[0] in GRANTS]
    return [*grants, VARY] if GRANTS[0] in dict(grants) else []


def _preflight(scope: dict[str, Any], origin: bytes) -> dict[str, Any]:
    method = scope["method"] if scope["method"] in METHODS else "GET"
    path = scope["path"] if scope["path"].isprintable() and "\ufffd" not in scope["path"] else "/"
    return {
        **scope,
        "method": "OPTIONS",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [
            *(pair for pair in scope["headers"] if pair[0] == b"host"),
            (b"origin", origin),
            (b"access-control-request-method", method.encode()),
        ],
        "state": dict(scope.get("state", {})),
        "extensions": {},
    }
