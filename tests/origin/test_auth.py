"""An assertion opens exactly the call that it was made for; everything else gets the same 401."""

from __future__ import annotations

import httpx2
import pytest

from edge.errors import Problem
from edge.keys import NativeKeys, fixed, generate
from edge.tokens import check_assertion, mint_assertion, mint_view
from edge.types import Principal, View
from edge.wire import encode_commit

pytestmark = pytest.mark.anyio

KEY = "client-1.00000001"
TARGET = "/records/user/cups?limit=5"


@pytest.fixture
def send(client, signer, clock):
    """Mint for one call, send another: `await send(minted={…}, sent={…})`."""
    call = {"method": "GET", "target": TARGET, "body": b"", "key": ""}

    async def send(signer=signer, subject="ann", minted=None, sent=None):
        mint, real = call | (minted or {}), call | (sent or {})
        token = await mint_assertion(signer, Principal(subject), **mint, clock=clock)
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": real["key"]}
        return await client.request(real["method"], real["target"], content=real["body"], headers=headers)

    return send


def assert_refused(response: httpx2.Response) -> None:
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.content == Problem("unauthorized").encode()


async def test_the_very_call_is_let_in(send):
    assert (await send()).status_code == 200


@pytest.mark.parametrize(
    "minted",
    [
        {"method": "POST"},
        {"target": "/records/user/cups"},
        {"target": "/records/user/cups?limit=6"},
        {"target": "/records/user/%63ups?limit=5"},
        {"body": b"other"},
        {"key": KEY},
    ],
    ids=str,
)
async def test_another_call_is_refused(send, minted):
    assert_refused(await send(minted=minted))


async def test_a_commit_with_another_body_or_key_is_refused(send, make_commit):
    body, other = encode_commit(make_commit({"cups/1": {}})), encode_commit(make_commit({"cups/2": {}}))
    call = {"method": "POST", "target": "/commit", "body": body, "key": KEY}
    assert_refused(await send(minted=call | {"body": other}, sent=call))
    assert_refused(await send(minted=call | {"key": KEY + "0"}, sent=call))
    assert (await send(minted=call, sent=call)).status_code == 200


async def test_a_strange_key_is_refused(send, clock):
    assert_refused(await send(signer=NativeKeys(fixed(generate()), clock)))


async def test_nobody_is_refused(send):
    assert_refused(await send(subject=""))


@pytest.mark.parametrize(("seconds", "status"), [(64, 200), (65, 401), (-6, 401)])
async def test_an_assertion_lives_a_minute(client, signer, clock, seconds, status):
    token = await mint_assertion(signer, Principal("ann"), "GET", TARGET, b"", "", clock)
    clock.now += seconds
    response = await client.get(TARGET, headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == status


@pytest.mark.parametrize(
    ("scheme", "status"), [("Bearer", 200), ("bearer", 200), ("DPoP", 401), ("Basic", 401)]
)
async def test_the_scheme_is_bearer(client, signer, clock, scheme, status):
    token = await mint_assertion(signer, Principal("ann"), "GET", TARGET, b"", "", clock)
    response = await client.get(TARGET, headers={"Authorization": f"{scheme} {token}"})
    assert response.status_code == status


async def test_another_type_of_token_is_refused(client, signer, clock):
    token = await mint_view(signer, View("ann", 1, {}), clock())
    assert_refused(await client.get(TARGET, headers={"Authorization": f"Bearer {token}"}))


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Bearer " + "x" * 9000, "Basic eDp5", "Bearer é"],
)
async def test_garbage_is_refused(client, header):
    assert_refused(await client.get(TARGET, headers={"Authorization": header.encode()}))


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/records/user/cups"),
        ("GET", "/records/user/cups/1"),
        ("POST", "/commit"),
        ("GET", f"/commit/{KEY}"),
        ("POST", "/sessions"),
        ("POST", "/sessions/refresh"),
        ("POST", "/sessions/end"),
    ],
)
async def test_no_token_is_refused_everywhere(client, method, target):
    assert_refused(await client.request(method, target))


async def test_ten_megabytes_of_token_are_not_even_parsed(client, signer, clock):
    token = await mint_assertion(signer, Principal("ann"), "GET", TARGET, b"", "", clock)
    head, payload, signature = token.split(".")
    huge = f"{head}.{payload}{'A' * 10_000_000}.{signature}"
    response = await client.get(TARGET, headers={"Authorization": f"Bearer {huge}"})
    assert response.status_code == 431

    class Untouched:
        async def verify(self, *_):
            raise AssertionError

    with pytest.raises(Problem, match="unauthorized"):
        await check_assertion(huge, Untouched(), "GET", TARGET, b"", "", clock)
