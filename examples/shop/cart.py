"""The cart: `{sku: quantity}` in the user's own state, priced from the catalog each time it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from edge import Context, context

from . import stock
from .answers import answer, problem
from .negotiation import prefers_json
from .prices import totals
from .products import product_page, tea

MOST_PACKS = 99  # of one tea
MOST_LINES = 30


async def contents(ctx: Context) -> dict[str, Any]:
    """The priced lines and their sums; `gone` lists what was put in but is no longer sold."""
    cart: dict[str, int] = ctx.state.get("cart", {})
    catalog = await ctx.catalog.all("products")
    lines = [
        tea(sku, catalog[sku]) | {"quantity": quantity, "line_total": catalog[sku]["price"] * quantity}
        for sku, quantity in cart.items()
        if sku in catalog
    ]
    return {"lines": lines, "gone": [sku for sku in cart if sku not in catalog]} | totals(lines)


async def show(request: Request) -> Response:
    """GET /cart: with what is no longer to be had, where that can be told now."""
    ctx = context(request)
    cart = await contents(ctx)
    left = await stock.left(ctx, await ctx.catalog.all("products")) if cart["lines"] else None
    short = stock.shortages(cart["lines"], left)
    return answer(request, "cart.html", cart | ({"short": short} if short else {}))


async def change(request: Request) -> Response:
    """POST /cart: `quantity` packs of `sku`, whatever was in the cart before; 0 takes it out."""
    ctx = context(request)
    fields = await _fields(request)
    sku, typed = fields.get("sku"), fields.get("quantity")
    if not isinstance(sku, str) or not sku:
        return problem(request, "unknown-tea", "The request names no tea (sku).", model={"q": ""})
    cart: dict[str, int] = dict(ctx.state.get("cart", {}))
    quantity = packs(typed)
    page = await product_page(request, sku)
    if page is None and (quantity != 0 or sku not in cart):
        detail = f"Nothing in the catalog is called “{sku[:60]}”."
        return problem(request, "unknown-tea", detail, model={"q": sku[:60]})
    if quantity is None:
        detail = f"Please give a whole number from 0 to {MOST_PACKS}."
        kept = {**(page or {}), "quantity": "" if typed is None else str(typed)[:20]}
        return problem(request, "bad-quantity", detail, template="product.html", model=kept)
    if quantity and sku not in cart and len(cart) >= MOST_LINES:
        detail = f"A cart holds {MOST_LINES} different teas. Take one out to make room."
        kept = {**(page or {}), "quantity": quantity}
        return problem(request, "cart-full", detail, template="product.html", model=kept)
    cart[sku] = quantity
    if quantity == 0:
        del cart[sku]
    ctx.state["cart"] = cart
    if prefers_json(request.headers.get("accept", "")):
        return answer(request, "cart.html", await contents(ctx))
    return RedirectResponse("/cart", status_code=303)


def packs(typed: object) -> int | None:
    """A number of packs as a form or JSON gives it, or None if it is not one from 0 to 99."""
    if isinstance(typed, str):
        digits = typed.strip()
        typed = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 5 else None
    if not isinstance(typed, int) or isinstance(typed, bool) or not 0 <= typed <= MOST_PACKS:
        return None
    return typed


async def _fields(request: Request) -> Mapping[str, Any]:
    """The body's fields, from a form or a JSON object. Raises HTTPException(400)."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        async with request.form(max_files=0, max_fields=10) as form:
            return dict(form)
    try:
        value = await request.json()
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "The body is not valid JSON") from error
    if not isinstance(value, dict):
        raise HTTPException(400, "The body is not a JSON object")
    return value
