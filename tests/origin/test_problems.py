"""Whatever fails, the answer is a problem document that tells nothing it should not."""

from __future__ import annotations

import httpx2
import pytest

from edge.errors import Problem
from origin.app import create_app

pytestmark = pytest.mark.anyio


class BrokenStore:
    async def collection(self, name):
        raise RuntimeError("the password is swordfish")


@pytest.mark.parametrize(
    ("method", "target", "status", "code"),
    [
        ("GET", "/", 404, "not-found"),
        ("GET", "/health/", 404, "not-found"),
        ("GET", "/catalog/none", 404, "not-found"),
        ("GET", "/commit", 405, "method-not-allowed"),
        ("DELETE", "/records/user/cups/1", 405, "method-not-allowed"),
    ],
)
async def test_starlettes_own_answers_are_problems_too(client, method, target, status, code):
    response = await client.request(method, target)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert response.content == Problem(code).encode()


async def test_405_says_what_is_allowed(client):
    assert (await client.get("/commit")).headers["allow"] == "POST"


async def test_an_unexpected_error_is_logged_and_not_told():
    transport = httpx2.ASGITransport(create_app(BrokenStore(), *[None] * 4), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://origin") as client:
        response = await client.get("/catalog/teas")
    assert response.status_code == 500
    assert response.content == Problem("internal-error").encode()
    transport = httpx2.ASGITransport(create_app(BrokenStore(), *[None] * 4))
    async with httpx2.AsyncClient(transport=transport, base_url="http://origin") as client:
        with pytest.raises(RuntimeError):  # what the server gets to log
            await client.get("/catalog/teas")


async def test_a_client_that_leaves_early_is_no_error_of_ours(store):
    messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])
    sent = []

    async def receive():
        return next(messages)

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/commit",
        "raw_path": b"/commit",
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer x")],
    }
    await create_app(store, *[None] * 4)(scope, receive, send)
    assert sent[0]["status"] == 400
