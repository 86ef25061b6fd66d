"""The edge that brings the release of a guest, and knows no page of it: who shows one is the browser."""

from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from edge import Stateless


async def show(request):
    return HTMLResponse("<!doctype html><link rel=icon href=data:,><title>An edge</title>")


app = Stateless(Starlette(routes=[Route("/{path:path}", show)]))
