"""Things, and comments on them: the page of a thing lists its comments, whoever wrote them."""

from __future__ import annotations

import html

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Route

from edge import Stateless, context

PAGE = """<!doctype html><html lang="en"><head><title>{title}</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/_edge/page.css"></head>
<body><main><h1>{title}</h1>{body}</main></body></html>"""
FORM = """<form method="post" action="{path}">{key}<input name="text" aria-label="{label}">
<button>{label}</button></form>"""


def page(request, title, items, path, label):
    listed = "".join(f"<li>{item}</li>" for item in items)
    form = FORM.format(path=path, key=context(request).form_key(), label=label)
    return HTMLResponse(PAGE.format(title=html.escape(title), body=f"<ul>{listed}</ul>{form}"))


async def things(request):
    found = (await context(request).records.list("things")).items
    items = [f'<a href="/things/{thing.id}">{html.escape(thing.value["text"])}</a>' for thing in found]
    return page(request, "Things", items, "/things", "Add")


async def show(request):
    thing = await context(request).records.get("things", request.path_params["id"])
    if thing is None:
        return HTMLResponse("There is no such thing", 404)
    comments = (await context(request).records.list(f"comments-{thing.id}")).items
    items = [html.escape(comment.value["text"]) for comment in comments]
    return page(request, thing.value["text"], items, f"/things/{thing.id}/comments", "Comment")


async def add(request):
    ctx = context(request)
    async with request.form() as form:
        text = form["text"]
    if text == "bad" and ctx.host != "browser":
        return HTMLResponse("<!doctype html><title>No bad words</title><h1>No bad words</h1>", 422)
    thing = ctx.new_id()
    ctx.records.put("things", thing, {"text": text})
    return RedirectResponse("/" if text == "bad" else f"/things/{thing}", status_code=303)


async def comment(request):
    """Needs to know whether the thing is locked, which no browser may read."""
    ctx, name = context(request), request.path_params["id"]
    async with request.form() as form:
        text = form["text"]
    if await ctx.records.get("locks", name) is not None:
        return HTMLResponse("It is locked", 409)
    ctx.records.put(f"comments-{name}", ctx.new_id(), {"text": text})
    return RedirectResponse(f"/things/{name}", status_code=303)


class Readable(frozenset):
    """Whatever is about things and comments."""

    def __contains__(self, name):
        return str(name).startswith(("things", "comments"))


app = Stateless(
    Starlette(
        routes=[
            Route("/", things),
            Route("/things", add, methods=["POST"]),
            Route("/things/{id}", show),
            Route("/things/{id}/comments", comment, methods=["POST"]),
        ]
    ),
    anywhere=["/", "/things/{id}"],
    optimistic=["/things", "/things/{id}/comments"],
)
app.readable = Readable()
