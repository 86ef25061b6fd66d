"""A small app in which somebody signs in: what a thief would want, and the ways there and out."""

from __future__ import annotations

import html

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.routing import Route

from edge import Stateless, context

PAGE = """<!doctype html><html lang="en"><title>Account</title><link rel="icon" href="data:,">
<main><h1>{who}</h1><p id="notes">{notes}</p>{forms}</main></html>"""
FORM = '<form method="post" action="{path}">{key}{more}<button>{label}</button></form>'


def page(ctx):
    who, key = ctx.user, ctx.form_key()
    if who is None or who.is_guest:
        forms = FORM.format(path="/in", key=key, more='<input name="user" value="ada">', label="Sign in")
    else:
        forms = FORM.format(path="/note", key=key, more='<input name="text">', label="Note")
        forms += FORM.format(path="/out", key=key, more="", label="Sign out")
        forms += FORM.format(path="/out-everywhere", key=key, more="", label="Sign out everywhere")
    name = "nobody" if who is None or who.is_guest else who.claims["name"]
    notes = ", ".join(ctx.state.get("notes", []))
    return HTMLResponse(PAGE.format(who=html.escape(name), notes=html.escape(notes), forms=forms))


async def show(request):
    return page(context(request))


async def sign_in(request):
    form = await request.form()
    context(request).sign_in(form["user"], name=form["user"].capitalize())
    return RedirectResponse("/", status_code=303)


async def sign_out(request):
    context(request).sign_out(everywhere=request.url.path != "/out")
    return RedirectResponse("/", status_code=303)


async def note(request):
    form = await request.form()
    state = context(request).state
    state["notes"] = [*state.get("notes", []), form["text"]]
    return RedirectResponse("/", status_code=303)


async def secret(request):
    who = context(request).user
    return JSONResponse({"host": context(request).host, "user": None if who is None else who.id})


async def safe(request):
    return JSONResponse({"user": context(request).user.id})


routes = [
    Route("/", show),
    Route("/local", show),
    Route("/edge", show),
    Route("/in", sign_in, methods=["POST"]),
    Route("/out", sign_out, methods=["POST"]),
    Route("/out-everywhere", sign_out, methods=["POST"]),
    Route("/note", note, methods=["POST"]),
    Route("/secret", secret),
    Route("/safe", safe),
]
app = Stateless(Starlette(routes=routes), anywhere=["/", "/local"], bound=["/safe"])
