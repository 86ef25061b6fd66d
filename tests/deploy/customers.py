"""Customers of the tea shop behind its public address, for some seconds: `customers.py SECONDS CA_FILE`.

Each opens an account, then fills a cart and orders it, again and again. As browsers' service workers do, a
request that is idempotent is tried a second time if the first try breaks. Prints one JSON object when done.
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import sys
import time
from collections import Counter
from typing import Any

import httpx2

SITE = "https://tea.example"
PEOPLE = 8
JSON = {"accept": "application/json"}


class Customer:
    def __init__(self, number: int, http: httpx2.AsyncClient, teas: list[str]) -> None:
        self._name = f"customer {number}"
        self._number = number
        self._http = http
        self._teas = teas
        self._random = random.Random(number)
        self._serial = 0
        self.told: list[str] = []
        self.failed: list[str] = []
        self.seen: Counter[str] = Counter()

    async def request(self, method: str, path: str, **more: Any) -> httpx2.Response | None:
        """The answer of the first try or else of the second; None, and remembered, if both fail."""
        headers = dict(JSON)
        if method == "POST":
            self._serial += 1
            headers["idempotency-key"] = f"customer-{self._number:04}-{self._serial:08}"
        self.seen["requests"] += 1
        why = ""
        for attempt in (1, 2):
            try:
                response = await self._http.request(method, SITE + path, headers=headers, **more)
            except httpx2.TransportError as error:
                why = repr(error)
            else:
                self.seen[response.headers.get("edgekit-host", "nobody")] += 1
                if response.status_code < 500:
                    return response
                why = f"{response.status_code} {response.text[:200]}"
            self.seen["second tries"] += attempt == 1
        self.failed.append(f"{method} {path}: {why}")
        return None

    async def open_account(self) -> None:
        form = {"name": self._name, "password": "correct horse", "action": "open"}
        response = await self.request("POST", "/account", data=form)
        assert response is not None
        assert response.status_code == 303, response.text

    async def shop(self, until: float) -> None:
        while time.monotonic() < until:
            sku = self._random.choice(self._teas)
            await self._expect(200, "GET", f"/products/{sku}")
            if await self._expect(200, "POST", "/cart", json={"sku": sku, "quantity": 1}):
                order = await self._expect(201, "POST", "/orders")
                if order is not None:
                    self.told.append(order.json()["id"])
            account = await self._expect(200, "GET", "/account")
            if account is not None and account.json()["signed_in"] != self._name:
                self.failed.append("signed out")

    async def _expect(self, status: int, method: str, path: str, **more: Any) -> httpx2.Response | None:
        response = await self.request(method, path, **more)
        if response is not None and response.status_code != status:
            self.failed.append(f"{method} {path}: {response.status_code} {response.text[:200]}")
            return None
        return response

    async def orders(self) -> list[str]:
        """The ids of all their orders, as the shop knows them."""
        found: list[str] = []
        path = "/orders"
        while path:
            response = await self.request("GET", path)
            assert response is not None
            page = response.json()
            found += [order["id"] for order in page["orders"]]
            path = page["next"]
        return found


async def main(seconds: float, certificate: str) -> None:
    context = ssl.create_default_context(cafile=certificate)
    clients = [httpx2.AsyncClient(verify=context, timeout=30, trust_env=False) for _ in range(PEOPLE)]
    teas = [tea["sku"] for tea in (await clients[0].get(SITE, headers=JSON)).json()["items"]]
    people = [Customer(number, http, teas) for number, http in enumerate(clients)]
    await asyncio.gather(*(one.open_account() for one in people))
    print("shopping", flush=True)
    until = time.monotonic() + seconds
    await asyncio.gather(*(one.shop(until) for one in people))
    stored = [await one.orders() for one in people]
    total = sum((one.seen for one in people), Counter[str]())
    result = {
        "failed": [line for one in people for line in one.failed],
        "told": len([order for one in people for order in one.told]),
        "lost": [
            order for one, kept in zip(people, stored, strict=True) for order in set(one.told) - {*kept}
        ],
        "doubled": [
            order for one, kept in zip(people, stored, strict=True) for order in {*kept} - {*one.told}
        ],
        **total,
    }
    print(json.dumps(result))
    for client in clients:
        await client.aclose()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), sys.argv[2]))
