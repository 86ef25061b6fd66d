"""The size gate counts what comes, whatever the headers claim."""

from __future__ import annotations

import pytest

from edge.wire import COMMIT_LIMIT
from origin.limits import HEADERS_LIMIT

pytestmark = pytest.mark.anyio


async def chunks(size):
    for start in range(0, size, 65_536):
        yield b"x" * min(65_536, size - start)


async def test_large_headers_are_refused_on_every_route(client):
    for target in ("/health", "/catalog/teas", "/records/user/cups"):
        response = await client.get(target, headers={"Cookie": "c" * HEADERS_LIMIT})
        assert response.status_code == 431
        assert response.json()["code"] == "headers-too-large"
    assert (await client.get("/health", headers={"Cookie": "c" * (HEADERS_LIMIT - 500)})).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "10"}], ids=["chunked", "lying"])
async def test_a_large_body_is_refused_while_it_streams(client, headers):
    headers |= {"Authorization": "Bearer x"}
    response = await client.post("/commit", content=chunks(COMMIT_LIMIT + 1), headers=headers)
    assert response.status_code == 413
    assert response.json()["code"] == "body-too-large"


async def test_a_body_of_the_limit_passes_the_gate(client):
    headers = {"Authorization": "Bearer x"}
    response = await client.post("/commit", content=b"x" * COMMIT_LIMIT, headers=headers)
    assert response.status_code == 401
