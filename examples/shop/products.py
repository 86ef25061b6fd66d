"""The shelves: searching the catalog and looking at one tea. Works on the catalog and the cart alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from edge import context

from . import stock
from .answers import answer, problem
from .kinds import KINDS
from .search import Tea, matching

PAGE_SIZE = 24
QUERY_LIMIT = 80  # characters
RELATED = 4


def tea(sku: str, product: Mapping[str, Any]) -> Tea:
    """A product of the catalog as pages and JSON show it; `stock` is what the shop started with."""
    kind = KINDS[product["kind"]]
    shown = {name: value for name, value in product.items() if name != "stock"}
    return {"sku": sku, "url": f"/products/{sku}", "kind_name": kind.name, "look": kind.look} | shown


def shelf_url(q: str = "", kind: str = "", page: int = 1) -> str:
    """The address of a list of teas, without what is at its default."""
    wanted = {"q": q, "kind": kind, "page": page if page > 1 else ""}
    query = urlencode({name: value for name, value in wanted.items() if value})
    return f"/?{query}" if query else "/"


async def index(request: Request) -> Response:
    """GET /: `q` searches, `kind` filters, `page` counts from 1."""
    catalog = await context(request).catalog.all("products")
    q = request.query_params.get("q", "").strip()[:QUERY_LIMIT]
    kind = request.query_params.get("kind", "")
    number = request.query_params.get("page", "1")
    found = matching((tea(sku, product) for sku, product in catalog.items()), q)
    counts = Counter(item["kind"] for item in found)
    shown = [item for item in found if kind in ("", item["kind"])]
    pages = max(1, -(-len(shown) // PAGE_SIZE))
    page = int(number) if number.isascii() and number.isdecimal() and len(number) < 6 else 0
    if not 1 <= page <= pages:
        return problem(request, "not-found", f"This list has {pages} pages.", model={"q": q})
    everything = not (q or kind or page > 1)
    model = {
        "today": of_the_day(found, context(request).now) if everything else None,
        "q": q,
        "kind": kind,
        "kinds": [
            {"kind": name, "name": KINDS[name].name, "count": counts[name], "url": shelf_url(q, name)}
            for name in KINDS
        ],
        "everything": {"count": len(found), "url": shelf_url(q)},
        "items": shown[(page - 1) * PAGE_SIZE : page * PAGE_SIZE],
        "total": len(shown),
        "page": page,
        "pages": pages,
        "per_page": PAGE_SIZE,
        "previous": shelf_url(q, kind, page - 1) if page > 1 else None,
        "next": shelf_url(q, kind, page + 1) if page < pages else None,
    }
    return answer(request, "index.html", model)


def of_the_day(teas: Sequence[Tea], now: float) -> Tea | None:
    """The tea that is in the shop's own pot all day (UTC)."""
    return teas[int(now // 86_400) * 37 % len(teas)] if teas else None


async def show(request: Request) -> Response:
    """GET /products/{sku}"""
    model = await product_page(request, request.path_params["sku"])
    if model is None:
        return problem(request, "not-found", "We do not sell a tea by that name.")
    ctx = context(request)
    left = await stock.left(ctx, await ctx.catalog.all("products"))
    return answer(
        request, "product.html", model | {"left": None if left is None else left[model["tea"]["sku"]]}
    )


async def product_page(request: Request, sku: str) -> dict[str, Any] | None:
    """The model of one tea's page, or None if the shop does not sell it."""
    ctx = context(request)
    catalog = await ctx.catalog.all("products")
    if sku not in catalog:
        return None
    shown = tea(sku, catalog[sku])
    others = [key for key, product in catalog.items() if product["kind"] == shown["kind"] and key != sku]
    # The teas that follow this one on the shelf, so that each page leads somewhere else.
    start = sum(key < sku for key in sorted(others))
    following = (sorted(others) * 2)[start : start + min(RELATED, len(others))]
    return {
        "tea": shown,
        "quantity": ctx.state.get("cart", {}).get(sku, 0),
        "related": [tea(key, catalog[key]) for key in following],
    }
