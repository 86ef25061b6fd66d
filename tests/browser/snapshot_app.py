"""An app whose answers tell what came out of a snapshot and what did not."""

from __future__ import annotations

import os
import random
import secrets
import sys
import tempfile
import uuid

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from edge import Stateless, context

IMPORTED = secrets.token_hex(8)  # frozen into the snapshot: whoever has it again was restored
GENERATOR = random.Random()
SEEDED = random.Random(7)


async def start(request):
    return HTMLResponse('<!doctype html><title>Snapshot</title><link rel="icon" href="data:,">')


async def numbers(request):
    fresh = {
        "random": random.random(),
        "generator": GENERATOR.random(),
        "system": random.SystemRandom().random(),
        "secret": secrets.token_hex(8),
        "bytes": os.urandom(16).hex(),
        "uuid": str(uuid.uuid4()),
        "name": next(tempfile._get_candidate_names()),
        "key": context(request).new_id(),
    }
    return JSONResponse({"imported": IMPORTED, "seeded": SEEDED.random(), "fresh": fresh})


async def crash(request):
    def deeper(_):
        return sorted([1, 2], key=deeper)

    if request.url.query and context(request).host == "browser":  # not when it is warmed up
        sys.setrecursionlimit(1_000_000_000)  # the stack of the JavaScript engine ends before
        deeper(0)
    return JSONResponse({})


PATHS = {"/": start, "/numbers": numbers, "/crash": crash}
app = Stateless(Starlette(routes=[Route(path, PATHS[path]) for path in PATHS]), anywhere=list(PATHS))
