"""An app whose answers tell what came out of a snapshot and what did not."""

from __future__ import annotations

import random
import secrets

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from edge import Stateless

IMPORTED = secrets.token_hex(8)  # frozen into the snapshot: whoever has it again was restored


async def start(request):
    return HTMLResponse('<!doctype html><title>Snapshot</title><link rel="icon" href="data:,">')


async def numbers(request):
    shown = {"imported": IMPORTED, "random": random.random(), "secret": secrets.token_hex(8)}
    return JSONResponse(shown)


app = Stateless(Starlette(routes=[Route("/", start), Route("/numbers", numbers)]), anywhere=["/", "/numbers"])
