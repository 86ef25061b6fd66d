"""Money rules. Pure: integers in, integers out, always cents of a euro."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypedDict

CURRENCY = "EUR"
SHIPPING = 490  # cents for one parcel
FREE_SHIPPING_FROM = 4900  # cents of goods


class Totals(TypedDict):
    """What an order costs, in cents; `count` is the number of packs."""

    count: int
    subtotal: int
    shipping: int
    total: int
    currency: str


def shipping(subtotal: int) -> int:
    """Cents to send goods worth `subtotal`; nothing is sent for nothing."""
    return SHIPPING if 0 < subtotal < FREE_SHIPPING_FROM else 0


def totals(lines: Iterable[dict[str, Any]]) -> Totals:
    """The sums over lines that each have `price` (cents) and `quantity`."""
    bought = [(line["price"], line["quantity"]) for line in lines]
    subtotal = sum(price * quantity for price, quantity in bought)
    fee = shipping(subtotal)
    return {
        "count": sum(quantity for _, quantity in bought),
        "subtotal": subtotal,
        "shipping": fee,
        "total": subtotal + fee,
        "currency": CURRENCY,
    }


def per_100_grams(price: int, grams: int) -> int:
    """The price of a pack as cents per 100 g, half a cent rounded up."""
    return (200 * price + grams) // (2 * grams)


def money(cents: int) -> str:
    """Cents as people read them: `1234567` is `€12,345.67`."""
    euros, rest = divmod(cents, 100)
    return f"€{euros:,}.{rest:02}"
