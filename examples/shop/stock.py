"""Stock: how many packs are left of a tea. One number for all buyers, and the origin does the sums.

A record says by how much the number has changed since the catalog was written, so nobody has to put it
there first: `{"change": -3}` after three packs were sold. Selling is an `increment` whose floor is what the
catalog began with: however many buy at once, none collides and none gets what is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from edge import Context

FEW = 5  # packs; so few are worth saying so


def take(ctx: Context, sku: str, product: Mapping[str, Any], packs: int) -> bool:
    """Sell `packs` of a tea with this request's commit; False if there are not so many."""
    return ctx.records.increment("stock", sku, "change", -packs, floor=-int(product["stock"]))


async def left(ctx: Context, products: Mapping[str, Mapping[str, Any]]) -> dict[str, int] | None:
    """Packs that are left of each of `products`; None if nobody can tell now, as without a network."""
    changes: dict[str, int] = {}
    after: str | None = ""
    while after is not None:
        page = await ctx.records.peek("stock", after=after or None)
        if page is None:
            return None
        changes |= {record.id: int(record.value.get("change", 0)) for record in page.items}
        after = page.next
    return {sku: max(0, int(product["stock"]) + changes.get(sku, 0)) for sku, product in products.items()}


class Short(TypedDict):
    """A line of a cart that wants more than there is; `left` is None if that is not known."""

    sku: str
    name: str
    wanted: int
    left: int | None


def shortage(line: Mapping[str, Any], left: Mapping[str, int] | None) -> Short:
    """What there is to say of a line that cannot be had."""
    rest = None if left is None else left[line["sku"]]
    return {"sku": line["sku"], "name": line["name"], "wanted": line["quantity"], "left": rest}


def shortages(lines: Iterable[Mapping[str, Any]], left: Mapping[str, int] | None) -> list[Short]:
    """The lines of a cart that want more than there is, as far as that is known."""
    if left is None:
        return []
    return [shortage(line, left) for line in lines if line["quantity"] > left[line["sku"]]]


def sentence(item: Short) -> str:
    """A shortage as people read it."""
    name, left = item["name"], item["left"]
    if left == 0:
        return f"{name} is sold out."
    if left is None or left >= item["wanted"]:  # somebody has brought some back meanwhile
        return f"{name}: there are not enough left."
    return f"{name}: only {left} left, and you asked for {item['wanted']}."
