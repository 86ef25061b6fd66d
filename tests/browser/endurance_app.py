"""An app whose answers tell whether they are whole, and whose records tell how often they were made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from edge import Stateless, context

PAUSE = 0.03  # seconds
PAGE = """<!doctype html><title>{0}</title><link rel="icon" href="data:,"><h1>{0}</h1>
<form method="post" action="/count">{1}<input name="what" value="form-{0}"><button>Count</button></form>"""


async def start(_request: Request) -> Response:
    return HTMLResponse('<!doctype html><title>Endurance</title><link rel="icon" href="data:,">')


async def page(request: Request) -> Response:
    return HTMLResponse(PAGE.format(request.path_params["number"], context(request).form_key()))


async def data(request: Request) -> Response:
    return JSONResponse({"number": request.path_params["number"]})


async def count(request: Request) -> Response:
    """Adds one to a counter: a second effect of one request would show."""
    async with request.form() as form:
        what = str(form["what"])
    records = context(request).records
    before = await records.get("counts", what)
    records.put("counts", what, {"times": (before.value["times"] if before else 0) + 1})
    return RedirectResponse(f"/counted/{what}", status_code=303)


async def counted(request: Request) -> Response:
    record = await context(request).records.get("counts", request.path_params["what"])
    return JSONResponse(record.value if record else None)


async def counts(request: Request) -> Response:
    found, after = {}, None
    while True:
        page = await context(request).records.list("counts", limit=200, after=after)
        found |= {record.id: record.value["times"] for record in page.items}
        after = page.next
        if after is None:
            return JSONResponse(found)


async def lines(request: Request) -> Response:
    """Numbered lines after the one named by `after`, with time between them."""
    first = int(request.query_params["after"]) + 1

    async def parts() -> AsyncIterator[str]:
        for number in range(first, request.path_params["total"] + 1):
            await asyncio.sleep(PAUSE)
            yield f"{number}\n"

    return StreamingResponse(parts(), media_type="text/plain")


async def size(request: Request) -> Response:
    return JSONResponse(sum([len(part) async for part in request.stream()]))


app = Stateless(
    Starlette(
        routes=[
            Route("/", start),
            Route("/page/{number:int}", page),
            Route("/data/{number:int}", data),
            Route("/count", count, methods=["POST"]),
            Route("/counted/{what}", counted),
            Route("/counts", counts),
            Route("/size", size, methods=["PUT"]),
            Route("/lines/{total:int}", lines),
            Route("/edge-lines/{total:int}", lines),
        ]
    ),
    anywhere=["/", "/page/{number:int}", "/data/{number:int}", "/lines/{total:int}"],
)
