"""A notebook whose writes a browser may answer ahead: each adds a line to the user's state and one record."""

from __future__ import annotations

import html

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.routing import Route

from edge import Stateless, context

opened: set[str] = set()  # what this server has become able to do
IDS = 5  # of the newest notes, as pages would link them
SHOWN = 45  # lines; the state travels in a cookie
PAGE = """<!doctype html><html lang="en"><head><title>Notes</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/_edge/page.css"></head><body><main><h1>{who}</h1>
<ol id="lines">{lines}</ol>{forms}</main><edgekit-strip></edgekit-strip>
<script type="module" src="/_edge/strip.js"></script></body></html>"""
FORM = '<form method="post" action="{path}"{more}>{key}{field}<button>{label}</button></form>'


async def show(request):
    """The newest lines, in order."""
    ctx = context(request)
    key = ctx.form_key()
    is_guest = ctx.user is None or ctx.user.is_guest
    field = '<input name="text" aria-label="Text">'
    forms = FORM.format(path="/notes", more="", key=key, field=field, label="Note")
    if is_guest:
        field = '<input name="user" value="ada" aria-label="User">'
        forms += FORM.format(path="/in", more="", key=key, field=field, label="Sign in")
    else:
        leave = ' data-edgekit="sign-out"'
        forms += FORM.format(path="/out", more=leave, key=key, field="", label="Sign out")
    lines = "".join(f"<li>{html.escape(line)}</li>" for line in ctx.state.get("lines", []))
    return HTMLResponse(PAGE.format(who="nobody" if is_guest else ctx.user.id, lines=lines, forms=forms))


async def add(request):
    """One line more. “bad” is refused, and “later” has to wait for `/open`; no browser knows that."""
    ctx = context(request)
    async with request.form() as form:
        text = form["text"]
    if text == "bad" and ctx.host != "browser":
        return HTMLResponse("<!doctype html><title>No bad words</title><h1>No bad words</h1>", 422)
    if text == "later" and ctx.host != "browser" and not opened:
        return HTMLResponse("Not yet", 503)
    count = ctx.state.get("count", 0)
    ctx.state["count"] = count + 1
    ctx.state["lines"] = [*ctx.state.get("lines", []), text][-SHOWN:]
    note = ctx.new_id()
    ctx.state["ids"] = [*ctx.state.get("ids", []), note][-IDS:]
    ctx.records.put("notes", note, {"text": text, "at": count})
    return RedirectResponse("/", status_code=303)


async def ids(request):
    return JSONResponse(context(request).state.get("ids", []))


async def open_up(request):
    opened.add("later")
    return JSONResponse({})


async def stamp(request):
    """A write that only an edge does; it answers with the lines that it sees."""
    async with request.form():
        lines = context(request).state.get("lines", [])
    context(request).state["stamped"] = len(lines)
    return JSONResponse(lines)


async def truth(request):
    """What has happened, as the servers know it: the texts of all notes, in the order of their numbers."""
    ctx = context(request)
    notes, after = [], None
    while True:
        page = await ctx.records.list("notes", 200, after)
        notes += [record.value for record in page.items]
        after = page.next
        if after is None:
            break
    notes.sort(key=lambda note: note["at"])
    return JSONResponse({"texts": [note["text"] for note in notes], "lines": ctx.state.get("lines", [])})


async def sign_in(request):
    async with request.form() as form:
        context(request).sign_in(form["user"])
    return RedirectResponse("/", status_code=303)


async def sign_out(request):
    context(request).sign_out()
    return RedirectResponse("/", status_code=303)


ROUTES = [
    Route("/", show),
    Route("/notes", add, methods=["POST"]),
    Route("/stamp", stamp, methods=["POST"]),
    Route("/ids", ids),
    Route("/open", open_up),
    Route("/truth", truth),
    Route("/in", sign_in, methods=["POST"]),
    Route("/out", sign_out, methods=["POST"]),
]
app = Stateless(Starlette(routes=ROUTES), anywhere=["/", "/ids"], readable=["notes"], optimistic=["/notes"])
