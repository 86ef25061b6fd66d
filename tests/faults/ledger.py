"""An app whose promises are easy to count: shared accounts, entries of one's own, a number, a state.

`edgekit verify ledger:app --app-dir tests/faults --scenario bookkeeping:Bookkeeping` checks it.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from edge import Stateless, context

ACCOUNTS = 5
OPENING = 100  # on each account
TICKETS = 500  # to be had

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


async def balance(request: Request, account: str) -> int:
    record = await context(request).records.get("accounts", account)
    return OPENING if record is None else int(record.value["balance"])


async def transfer(request: Request) -> Response:
    """Both accounts change or none; the state of the payer counts."""
    ctx = context(request)
    form = await request.form()
    source, target = f"account-{form['source']}", f"account-{form['target']}"
    amount = int(str(form["amount"]))
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
    ctx = context(request)
    if request.headers["content-type"] == "application/json":
        text = (await request.json())["text"]
    else:
        text = str((await request.form())["text"])
    name = ctx.new_id()
    ctx.records.put("entries", name, {"text": text, "at": ctx.now, "number": ctx.random.randrange(10**6)})
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


async def sign_in(request: Request) -> Response:
    ctx = context(request)
    form = await request.form()
    if ctx.user is not None and not ctx.user.is_guest:
        ctx.sign_out()
    else:
        ctx.sign_in(f"user-{str(form['name'])[:20] or 'nobody'}".encode("ascii", "replace").decode(), rank=1)
    return RedirectResponse("/", 303)


app = Stateless(
    Starlette(
        routes=[
            Route("/", home),
            Route("/transfers", transfer, methods=["POST"]),
            Route("/entries", entries),
            Route("/entries", enter, methods=["POST"]),
            Route("/tickets", ticket, methods=["POST"]),
            Route("/marks", mark, methods=["POST"]),
            Route("/session", sign_in, methods=["POST"]),
        ]
    ),
    shared=["accounts", "totals"],
)
