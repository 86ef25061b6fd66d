"""How a session ends: at the origin, for everybody who holds it, and in this browser, which forgets it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from .errors import Problem
from .host import Host
from .tokens import Session
from .types import Principal
from .visitor import Headers

PATIENCE = 3.0  # seconds for the origin, while somebody wants to leave
logger = logging.getLogger("edgekit")


async def end(host: Host, session: Session | None, *, everywhere: bool = False) -> None:
    """End a user's session at the origin, or all of that user's; a guest's is in cookies only.

    Raises `Problem("origin-unavailable")`.
    """
    if session is not None and not session.guest:
        principal = Principal(session.subject, session.sid, session.epoch)
        await host.origin.end_session(principal, everywhere=everywhere)


async def sign_out(
    host: Host, scope: dict[str, Any], session: Session | None, *, everywhere: bool
) -> Headers:
    """End the session; returns the headers after which this browser knows nothing of it.

    Whoever leaves a computer that others use must be able to, so the cookies go even if the origin cannot be
    told; then a copy of them is good for as long as the session would have been. Raises
    `Problem("origin-unavailable")` if it was to end `everywhere`: that is not done, and can be tried again.
    """
    try:
        async with asyncio.timeout(None if everywhere else PATIENCE):
            await end(host, session, everywhere=everywhere)
    except (Problem, TimeoutError) as error:
        if everywhere or (isinstance(error, Problem) and error.code != "origin-unavailable"):
            raise
        logger.warning("signed out without the origin, where the session goes on until it expires")
    # Pages that the browser keeps for going back show whose they were.
    return [*host.visitors.dismiss(scope), (b"clear-site-data", b'"cache"')]
