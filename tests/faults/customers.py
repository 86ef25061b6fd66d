"""What customers of the demo shop do, and what the shop promises: no pack is sold twice, no order is lost.

`edgekit verify shop.app:app --app-dir examples --scenario customers:Customers`, this folder on PYTHONPATH.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from edge.verify import Page, Records, Scenario, User

CATALOG = Path(__file__).parents[2] / "examples" / "shop" / "catalog" / "products.json"
ORDERS = 3  # of a visit


class Customers(Scenario):
    """Fills carts and orders what is in them."""

    def __init__(self) -> None:
        self.stock = {name: tea["stock"] for name, tea in json.loads(CATALOG.read_bytes()).items()}
        self.ordered: set[str] = set()  # as customers were told

    async def visit(self, user: User) -> None:
        for _ in range(ORDERS):
            wanted: dict[str, int] = {}
            for _ in range(user.random.randint(1, 2)):
                sku = user.random.choice(sorted(self.stock))
                page = await user.get(f"/products/{sku}")
                await self._press(user, page, "/cart", quantity="1")
                wanted[sku] = 1
            cart = await user.get("/cart", accept="application/json")
            found = {line["sku"]: line["quantity"] for line in cart.json()["lines"]}
            assert found == wanted, f"the cart holds {found} instead of {wanted}"
            done = await self._press(user, await user.get("/cart"), "/orders")
            if done.first.status == 303:
                self.ordered.add(done.first.headers["location"].rpartition("/")[2])
                continue
            assert done.first.status == 409, f"an order was answered with {done.first.status}"
            for sku in wanted:  # sold out: put it back
                await user.send("POST", "/cart", json={"sku": sku, "quantity": 0})

    @staticmethod
    async def _press(user: User, page: Page, action: str, **values: str) -> Page:
        form = next(form for form in page.forms if form.action == action)
        return await user.submit(form, **values)

    def check(self, records: Records) -> Iterable[str]:
        orders = records("orders")
        lost = self.ordered - {order.id for order in orders}
        if lost:
            yield f"{len(lost)} orders are lost, {min(lost)} for one"
        sold: Counter[str] = Counter()
        for order in orders:
            for line in order.value["lines"]:
                sold[line["sku"]] += line["quantity"]
        changes = {one.id: one.value["change"] for one in records("stock")}
        for sku, count in sold.items():
            if changes.get(sku) != -count or count > self.stock[sku]:
                yield f"{sku}: {count} of {self.stock[sku]} are sold, and the stock says {changes.get(sku)}"
