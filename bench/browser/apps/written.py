"""What writes are measured with: one handler, at a route that browsers may answer ahead and at another."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from edge import Stateless, context


async def page(_request: Request) -> Response:
    return HTMLResponse("<!doctype html><title>Writes</title><link rel=icon href=data:,><body></body>")


async def write(request: Request) -> Response:
    """A change of the user's state, as a cart makes it."""
    async with request.form() as form:
        name = form["name"]
    state = context(request).state
    state["cart"] = {**state.get("cart", {}), name: state.get("cart", {}).get(name, 0) + 1}
    return JSONResponse(state["cart"])


ROUTES = [
    Route("/", page),
    Route("/ahead", write, methods=["POST"]),
    Route("/edge", write, methods=["POST"]),
]
app = Stateless(Starlette(routes=ROUTES), anywhere=["/"], optimistic=["/ahead"])
