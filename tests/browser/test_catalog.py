"""A catalog that is large for a browser is transferred to it once (case P14)."""

from __future__ import annotations

import json

import httpx2 as httpx
import pytest

from ..visit import LIMIT, READY, host_of, stop_worker, take_over

APP = """
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from edge import Stateless, context

asked = []


class Noted(Stateless):
    async def __call__(self, scope, receive, send):
        async def note(message):
            if message["type"] == "http.response.start":
                asked.append(message["status"])
            await send(message)

        browsers = scope["type"] == "http" and scope["path"].startswith("/_edge/catalog/")
        await super().__call__(scope, receive, note if browsers else send)


async def show(request):
    tea = await context(request).catalog.get("products", "tea-3999")
    return HTMLResponse(f"<!doctype html><link rel=icon href=data:,><h1>{tea['name']}</h1>")


async def tell(request):
    return JSONResponse(asked)


app = Noted(Starlette(routes=[Route("/", show), Route("/asked", tell)]), anywhere=["/"])
"""
ITEMS, SIZE = 4_000, 400


@pytest.fixture(scope="module")
def served(serve, tmp_path_factory):
    folder = tmp_path_factory.mktemp("app")
    (folder / "catalog").mkdir()
    rows = {f"tea-{i}": {"name": f"Tea {i}", "text": "x" * (SIZE - 40)} for i in range(ITEMS)}
    (folder / "catalog" / "products.json").write_text(json.dumps(rows))
    (folder / "large.py").write_text(APP)
    return serve("large:app", folder, tmp_path_factory.mktemp("data"), "--no-reload")


def asked(served):
    return httpx.get(f"{served.url}/asked").json()


def test_a_large_catalog_is_transferred_once(served, chromium):
    page = chromium.new_context().new_page()
    take_over(page, served.url)
    for _ in range(10):
        assert host_of(page.goto(served.url)) == "browser"
        assert page.text_content("h1") == f"Tea {ITEMS - 1}"
    assert asked(served).count(200) == 1
    assert set(asked(served)) <= {200, 304}
    # Another interpreter holds nothing, but what it is given from the cache has a tag.
    stop_worker(page)
    page.goto(served.url)
    page.wait_for_function(READY, timeout=LIMIT)
    assert host_of(page.goto(served.url)) == "browser"
    assert asked(served).count(200) == 1
    assert asked(served)[-1] == 304
