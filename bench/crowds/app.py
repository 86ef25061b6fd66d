"""What crowds are measured with: a number in a shared record, changed in both ways that the kit has."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from edge import Stateless, context


async def page(request: Request) -> Response:
    """Makes its visitor a guest."""
    return HTMLResponse(f"<!doctype html><title>Crowds</title><form>{context(request).form_key()}</form>")


async def increment(request: Request) -> Response:
    """The origin adds, to whatever the number is by then."""
    context(request).records.increment("numbers", request.path_params["name"], "count")
    return PlainTextResponse("counted", 201)


async def change(request: Request) -> Response:
    """Read, change, write; run again if somebody else has written meanwhile."""
    records, name = context(request).records, request.path_params["name"]
    found = await records.get("numbers", name)
    records.put("numbers", name, {"count": (found.value["count"] if found else 0) + 1})
    return PlainTextResponse("counted", 201)


app = Stateless(
    Starlette(
        routes=[
            Route("/", page),
            Route("/increment/{name}", increment, methods=["POST"]),
            Route("/change/{name}", change, methods=["POST"]),
        ]
    ),
    shared=["numbers"],
    readable=["numbers"],
)
