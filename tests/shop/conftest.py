"""The shop over an origin in memory, with the catalog that it is published with."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))  # what `--app-dir examples` does

from shop.app import app  # noqa: E402 - only importable from here on
from shop.attempts import Failures  # noqa: E402

from edge.testing import Client  # noqa: E402


class Shopper(Client):
    """A person with a browser: pages by default, JSON on request, and what is in a page's form."""

    def json(self, path: str) -> dict:
        answer = self.get(path, headers={"accept": "application/json"})
        assert answer.headers["content-type"].startswith("application/"), answer.text
        return answer.json()

    def put_in_cart(self, sku: str, quantity: object = 1):
        return self.post("/cart", data={"sku": sku, "quantity": quantity})

    def left(self, sku: str) -> int:
        """Packs that are left, as the product's page says."""
        return self.json(f"/products/{sku}")["left"]

    def somebody_else(self) -> None:
        """From here on a first-time visitor with another browser."""
        self.cookies.clear()


def form_key(html: str, action: str) -> str:
    """The hidden idempotency key of the first form that posts to `action`."""
    form = re.search(rf'<form[^>]* action="{action}" method="post">(.*?)</form>', html, re.DOTALL)
    return re.search(r'name="_key" value="([^"]+)"', form[1])[1]


@pytest.fixture(scope="session")
def catalog() -> dict:
    return json.loads((EXAMPLES / "shop/catalog/products.json").read_text("utf-8"))


@pytest.fixture
def timer(monkeypatch) -> list[float]:
    """Seconds, as the shop counts failures; `timer[0]` may be set. No test sees those of another one."""
    now = [0.0]
    monkeypatch.setattr("shop.attempts.failures", Failures(lambda: now[0]))
    return now


@pytest.fixture
def shopper(catalog: dict, timer: list[float]) -> Shopper:
    return Shopper(app, catalog={"products": catalog})


@pytest.fixture
def key_of():
    return form_key
