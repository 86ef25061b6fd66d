"""An app with a module that stays on servers."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from edge import Stateless


async def show(request: Request) -> HTMLResponse:
    return HTMLResponse('<!doctype html><title>Home</title><link rel="icon" href="data:,"><h1>Start</h1>')


async def secret(request: Request) -> JSONResponse:
    import home_secrets

    return JSONResponse(len(home_secrets.KEY))


app = Stateless(Starlette(routes=[Route("/", show), Route("/secret", secret)]), anywhere=["/", "/secret"])
