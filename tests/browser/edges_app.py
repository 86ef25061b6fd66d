"""An app that says which of several edges has answered, and what that edge was asked."""

from __future__ import annotations

import os

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.routing import Route

from edge import Stateless, context

NAME = os.environ.get("TEST_EDGE", "browser")
seen = []  # per process; only tests may keep something between requests


def page(text, **headers):
    body = f'<!doctype html><title>Edges</title><link rel="icon" href="data:,"><h1>{text} by {NAME}</h1>'
    return HTMLResponse(body, headers=headers)


async def everybody(request):
    return page("For everybody", **{"cache-control": "public, max-age=0"})


async def mine(request):
    return page(f"For {context(request).user}")


async def write(request):
    context(request).state["written"] = True
    return PlainTextResponse(NAME)


async def sign_in(request):
    context(request).sign_in("ada")
    return PlainTextResponse(NAME)


async def asked(request):
    return JSONResponse(seen)


routes = Starlette(
    routes=[
        Route("/", everybody),
        Route("/open", everybody),
        Route("/mine", mine),
        Route("/write", write, methods=["POST"]),
        Route("/in", sign_in, methods=["POST"]),
        Route("/asked", asked),
    ]
)


async def noting(scope, receive, send):
    if scope["type"] == "http" and scope["path"] != "/asked":
        names = sorted(name.decode() for name, _ in scope["headers"])
        seen.append([scope["method"], scope["path"], names])
    await routes(scope, receive, send)


app = Stateless(noting, anywhere=["/"])
