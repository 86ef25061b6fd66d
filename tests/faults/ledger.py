"""An app whose promises are easy to count: shared accounts, entries and a log of one's own, numbers, a state.

`edgekit verify ledger:app --app-dir tests/faults --scenario bookkeeping:Bookkeeping` checks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from edge import Stateless, conditional, context

ACCOUNTS = 5
OPENING = 100  # on each account
TICKETS = 500  # to be had
WORDS = ("red", "green", "blue")  # a note says one of them

FORM = '<form method="post" action="{action}">{key}{fields}<button>go</button></form>'


async def home(request: Request) -> Response:
    ctx = context(request)
    names = "".join(f"<option>{number}</option>" for number in range(ACCOUNTS))
    forms = {
        "/transfers": f'<select name="source">{names}</select><select name="target">{names}</select>'
        '<input name="amount" type="number" min="1" max="60">',
        "/entries": '<input name="text">',
        "/tickets": "",
        "/marks": "",
        "/session": '<input name="name">',
    }
    page = "".join(
        FORM.format(action=action, key=ctx.form_key(), fields=fields) for action, fields in forms.items()
    )
    marks = ctx.state.get("marks", 0)
    return HTMLResponse(f"<!doctype html><p id=marks>{marks}</p>{page}<a href=/entries>entries</a>")


async def fields(request: Request) -> Mapping[str, Any]:
    if request.headers["content-type"] == "application/json":
        sent: dict[str, Any] = await request.json()
        return sent
    return await request.form()


async def balance(request: Request, account: str) -> int:
    record = await context(request).records.get("accounts", account)
    return OPENING if record is None else int(record.value["balance"])


async def transfer(request: Request) -> Response:
    """Both accounts change or none; the state of the payer counts."""
    ctx, form = context(request), await fields(request)
    source, target, amount = f"account-{form['source']}", f"account-{form['target']}", int(form["amount"])
    if source == target:
        raise HTTPException(422, "the same account")
    left, reached = await balance(request, source), await balance(request, target)
    if left < amount:
        raise HTTPException(409, f"only {left} left")
    ctx.records.put("accounts", source, {"balance": left - amount})
    ctx.records.put("accounts", target, {"balance": reached + amount})
    ctx.records.put("receipts", ctx.new_id(), {"amount": amount})
    ctx.state["paid"] = ctx.state.get("paid", 0) + amount
    return JSONResponse({"left": left - amount, "paid": ctx.state["paid"]})


async def entries(request: Request) -> Response:
    page = await context(request).records.list("entries", 200)
    return JSONResponse([record.value["text"] for record in page.items])


async def enter(request: Request) -> Response:
    """One more entry of one's own, and one more in the number of all."""
    ctx, form = context(request), await fields(request)
    entry = {"text": form["text"], "at": ctx.now, "number": ctx.random.randrange(10**6)}
    ctx.records.put("entries", ctx.new_id(), entry)
    ctx.records.increment("totals", "entries", "count")
    return RedirectResponse("/", 303)


async def ticket(request: Request) -> Response:
    """As long as there are some."""
    if not context(request).records.increment("totals", "tickets", "sold", -1, floor=-TICKETS):
        raise HTTPException(409, "sold out")
    return RedirectResponse("/", 303)


async def mark(request: Request) -> Response:
    """Touches nothing but the state."""
    ctx = context(request)
    ctx.state["marks"] = ctx.state.get("marks", 0) + 1
    return RedirectResponse("/", 303)


async def log(request: Request) -> Response:
    """A line at the end of one's own log, whose length is in the state as well."""
    ctx, form = context(request), await fields(request)
    record = await ctx.records.get("logs", "log")
    lines = [] if record is None else record.value["lines"]
    ctx.records.put("logs", "log", {"lines": [*lines, form["line"]]})
    ctx.state["lines"] = len(lines) + 1
    return JSONResponse({"lines": len(lines) + 1}, 201)


async def read_note(request: Request) -> Response:
    record = await context(request).records.get("notes", request.path_params["name"])
    if record is None:
        return JSONResponse(None, headers={"etag": '"none"'})
    return JSONResponse(record.value, headers={"etag": conditional.etag(record.value)})


async def write_note(request: Request) -> Response:
    """Everybody may, who has seen what is there. Notes have so few words that they come back."""
    ctx, name = context(request), request.path_params["name"]
    record = await ctx.records.get("notes", name)
    conditional.check(request, record and record.value)
    value = {"word": (await fields(request))["word"]}
    ctx.records.put("notes", name, value)
    ctx.records.increment("totals", "notes", "count")
    return JSONResponse(value, headers={"etag": conditional.etag(value)})


async def sign_in(request: Request) -> Response:
    ctx, form = context(request), await fields(request)
    if ctx.user is not None and not ctx.user.is_guest:
        ctx.sign_out()
    else:
        ctx.sign_in(f"user-{str(form['name'])[:20] or 'nobody'}".encode("ascii", "replace").decode(), rank=1)
    return RedirectResponse("/", 303)


def build() -> Stateless:
    """A new one: a simulation runs several at once."""
    routes = [
        Route("/", home),
        Route("/transfers", transfer, methods=["POST"]),
        Route("/entries", entries),
        Route("/entries", enter, methods=["POST"]),
        Route("/tickets", ticket, methods=["POST"]),
        Route("/marks", mark, methods=["POST"]),
        Route("/log", log, methods=["POST"]),
        Route("/notes/{name}", read_note),
        Route("/notes/{name}", write_note, methods=["PUT"]),
        Route("/session", sign_in, methods=["POST"]),
    ]
    return Stateless(Starlette(routes=routes), shared=["accounts", "totals", "notes"])


app = build()
