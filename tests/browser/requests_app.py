"""An app that says what it sees of a request, on a route of any host and on one of edges alone."""

from __future__ import annotations

import asyncio

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, StreamingResponse
from starlette.routing import Route

from edge import Stateless, context

PAGE = """<!doctype html><title>Requests</title><link rel="icon" href="data:,">
<form method="post" action="{action}">{key}
<textarea name="t" aria-label="Text"></textarea><button>go</button></form>
<form method="post" action="/in">{key}<button>sign in</button></form>
<p id="notes">{notes}</p>"""
BOTH = ["GET", "POST"]
NAMES = [
    *("accept", "accept-language", "user-agent", "referer", "origin", "content-type", "content-length"),
    *("sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"),
    *("cache-control", "pragma", "upgrade-insecure-requests"),
]
HINTS = ["sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform"]  # where a browser has them


async def page(request):
    """A form; `?policy=` is the page's referrer policy, `?action=` where the form goes."""
    ctx = context(request)
    action = request.query_params.get("action", "/h")
    html = PAGE.format(action=action, key=ctx.form_key(), notes=" ".join(ctx.state.get("notes", [])))
    policy = request.query_params.get("policy")
    return HTMLResponse(html, headers={"referrer-policy": policy} if policy else None)


async def seen(request):
    """Headers as they are, but for those that only edges see; a POST is also noted."""
    ctx = context(request)
    if request.method == "POST":
        async with request.form() as form:
            ctx.state["notes"] = [*ctx.state.get("notes", []), str(form.get("t"))]
    names = [*NAMES, *HINTS] if "hints" in request.query_params else NAMES
    return JSONResponse({"by": ctx.host} | {name: request.headers.get(name) for name in names})


async def note(request):
    """As `seen`, but the answer is the page."""
    ctx = context(request)
    async with request.form() as form:
        ctx.state["notes"] = [*ctx.state.get("notes", []), str(form.get("t"))]
    return RedirectResponse("/", 303)


async def back(request):
    """To where the request came from, but only an edge can do what comes before."""
    context(request).sealed["n"] = 1
    return RedirectResponse(request.headers.get("referer", "/none"), 303)


async def sign_in(request):
    context(request).sign_in("ada")
    return RedirectResponse(request.headers.get("referer", "/none"), 303)


async def events(request):
    async def endless():
        while True:
            yield "data: tick\n\n"
            await asyncio.sleep(0.2)

    return StreamingResponse(endless(), media_type="text/event-stream")


app = Stateless(
    Starlette(
        routes=[
            Route("/", page),
            Route("/edge", page),
            Route("/h", seen, methods=BOTH),
            Route("/edge/h", seen, methods=BOTH),
            Route("/note", note, methods=["POST"]),
            Route("/back", back, methods=BOTH),
            Route("/edge/back", back, methods=BOTH),
            Route("/in", sign_in, methods=["POST"]),
            Route("/edge/events", events),
        ]
    ),
    anywhere=["/", "/h", "/back"],
    optimistic=["/h", "/back", "/note"],
)
