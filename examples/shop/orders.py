"""Orders: a cart becomes a record of the user, and the shared stock goes down in the same commit."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from edge import Context, context

from . import stock
from .answers import answer, problem
from .cart import contents
from .negotiation import prefers_json
from .prices import Totals

RECORD_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")
ORDER_LINE = ("sku", "name", "kind", "grams", "steep", "look", "price", "quantity", "line_total")
ORDER_SUMS = tuple(Totals.__annotations__)
PAGE_SIZE, MOST_ADOPTED = 50, 200
DIGITS = "234567abcdefghijklmnopqrstuvwxyz"  # in the order of ASCII; those of `new_id`
END_OF_TIME = 32**9 - 1  # ms since 1970, in the year 3084


async def place(request: Request) -> Response:
    """POST /orders: everything in the cart, at the catalog's prices, or nothing at all."""
    ctx = context(request)
    cart = await contents(ctx)
    if not cart["lines"]:
        detail = "Choose a tea first; there was nothing to order."
        return problem(request, "cart-empty", detail, template="cart.html", model=cart)
    products = await ctx.catalog.all("products")
    sold = [stock.take(ctx, line["sku"], products[line["sku"]], line["quantity"]) for line in cart["lines"]]
    if not all(sold):
        lines = [line for line, is_sold in zip(cart["lines"], sold, strict=True) if not is_sold]
        return await _out_of_stock(request, cart, lines)
    order: dict[str, Any] = {
        "placed_at": ctx.now,
        "lines": [{name: line[name] for name in ORDER_LINE} for line in cart["lines"]],
    } | {name: cart[name] for name in ORDER_SUMS}
    order_id = newest_first(ctx.now) + ctx.new_id()[9:]
    ctx.records.put("orders", order_id, order)
    del ctx.state["cart"]
    shown = _shown(order_id, order)
    if prefers_json(request.headers.get("accept", "")):
        made = answer(request, "order.html", shown, 201)
        made.headers["location"] = shown["url"]
        return made
    return RedirectResponse(shown["url"], status_code=303)


async def index(request: Request) -> Response:
    """GET /orders: the user's own, newest first; `after` continues a long list."""
    after = request.query_params.get("after")
    if after is not None and not RECORD_ID.fullmatch(after):
        return problem(request, "not-found", "No list of orders goes on from there.")
    page = await context(request).records.list("orders", PAGE_SIZE, after)
    orders = [_shown(record.id, record.value) for record in page.items]
    orders.sort(key=lambda order: order["placed_at"], reverse=True)
    more = f"/orders?after={page.next}" if page.next else None
    return answer(request, "orders.html", {"orders": orders, "next": more})


async def show(request: Request) -> Response:
    """GET /orders/{id}: somebody else's order is as absent as one that never was."""
    order_id = request.path_params["id"]
    found = None
    if RECORD_ID.fullmatch(order_id):
        found = await context(request).records.get("orders", order_id)
    if found is None:
        return problem(request, "not-found", "You have no order by that number.")
    return answer(request, "order.html", _shown(order_id, found.value))


async def _out_of_stock(request: Request, cart: dict[str, Any], lines: list[dict[str, Any]]) -> Response:
    """There is not enough of the teas in `lines`."""
    ctx = context(request)
    left = await stock.left(ctx, await ctx.catalog.all("products"))
    short = [stock.shortage(line, left) for line in lines]
    detail = " ".join(map(stock.sentence, short)) + " Your cart is unchanged."
    return problem(request, "out-of-stock", detail, template="cart.html", model=cart, short=short)


def newest_first(seconds: float) -> str:
    """The beginning of an order's id: lists come in order of ids, and people look for their newest order."""
    left = END_OF_TIME - int(seconds * 1000)
    return "".join(DIGITS[left >> shift & 31] for shift in range(40, -1, -5))


async def adopt(ctx: Context) -> None:
    """Give a user who has just signed in what the guest ordered who they were until now."""
    if ctx.guest_records is None:
        return
    for record in (await ctx.guest_records.list("orders", MOST_ADOPTED)).items:
        ctx.records.put("orders", record.id, record.value)


def _shown(order_id: str, order: dict[str, Any]) -> dict[str, Any]:
    return {"id": order_id, "url": f"/orders/{order_id}"} | order
