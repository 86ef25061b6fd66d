"""An app in JSON, for programs that sign in, read and write as fast as they can."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from edge import Stateless, context


async def show(request):
    """Who asks, that user's state and one of the records."""
    ctx = context(request)
    note = await ctx.records.get("notes", "latest") if ctx.user is not None else None
    return JSONResponse(
        {
            "user": None if ctx.user is None or ctx.user.is_guest else ctx.user.id,
            "count": ctx.state.get("count", 0),
            "note": None if note is None else note.value["text"],
        }
    )


async def me(request):
    """The same without the origin."""
    user = context(request).user
    return JSONResponse({"user": None if user is None or user.is_guest else user.id})


async def sign_in(request):
    context(request).sign_in((await request.json())["user"])
    return JSONResponse({})


async def sign_out(request):
    context(request).sign_out(everywhere=(await request.json())["everywhere"])
    return JSONResponse({})


async def count(request):
    state = context(request).state
    state["count"] = state.get("count", 0) + 1
    return JSONResponse({"count": state["count"]})


async def charge(request):
    """What a service that takes money would be given, and the number of what was bought."""
    ctx = context(request)
    return JSONResponse({"key": ctx.key, "order": ctx.new_id()})


async def note(request):
    context(request).records.put("notes", "latest", {"text": (await request.json())["text"]})
    return JSONResponse({})


routes = [
    Route("/", show),
    Route("/me", me),
    Route("/in", sign_in, methods=["POST"]),
    Route("/out", sign_out, methods=["POST"]),
    Route("/count", count, methods=["POST"]),
    Route("/charge", charge, methods=["POST"]),
    Route("/note", note, methods=["POST"]),
]
app = Stateless(Starlette(routes=routes), script=False)
