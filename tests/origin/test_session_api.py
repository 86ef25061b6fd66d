"""Sessions over HTTP, as an edge meets them."""

from __future__ import annotations

import asyncio

import pytest

from edge.session_wire import (
    decode_begun,
    decode_renewed,
    encode_end,
    encode_refresh,
    encode_session,
)
from edge.tokens import open_revocations
from edge.wire import encode_commit

pytestmark = pytest.mark.anyio

SID = "S" * 22
JKT = "k" * 43
KEY = "client-1.00000001"


@pytest.fixture
def begin(call):
    async def begin(subject="ann", sid=SID, jkt=None):
        body = encode_session({"role": "admin"}, jkt)
        response = await call("POST", "/sessions", subject, body, sid=sid)
        assert response.status_code == 200
        assert response.headers["cache-control"] == "no-store"
        return decode_begun(response.content)

    return begin


@pytest.fixture
def renew(call):
    async def renew(token, jkt=None):
        return await call("POST", "/sessions/refresh", "nobody", encode_refresh(token, jkt))

    return renew


@pytest.fixture
def end(call):
    async def end(everywhere=False, subject="ann", sid=SID):
        return await call("POST", "/sessions/end", subject, encode_end(everywhere), sid=sid)

    return end


@pytest.fixture
def listed(client, own_keys, clock):
    async def listed():
        response = await client.get("/revocations")
        assert response.status_code == 200
        return await open_revocations(response.text, own_keys, clock())

    return listed


async def test_a_session_from_beginning_to_end(begin, renew, end, listed, clock):
    epoch, token = await begin(jkt=JKT)
    clock.now += 300
    response = await renew(token, JKT)
    assert response.headers["cache-control"] == "no-store"
    renewed = decode_renewed(response.content)
    assert renewed[:6] == (SID, "ann", {"role": "admin"}, epoch, JKT, clock.now - 300)
    assert renewed.refresh != token
    assert (await listed()).sids == frozenset()
    clock.now += 300
    assert (await end()).json() == {}
    refused = await renew(renewed.refresh, JKT)
    assert (refused.status_code, refused.json()["code"]) == (401, "session-ended")
    assert (await listed()).sids == {SID}


async def test_secrets_are_random(begin):
    tokens = {(await begin(sid=f"{number:022}"))[1].partition(".")[2] for number in range(50)}
    assert len(tokens) == 50
    assert {len(token) for token in tokens} == {43}


async def test_parallel_requests_of_one_browser_are_all_answered(begin, renew):
    _, token = await begin()
    answers = await asyncio.gather(*(renew(token) for _ in range(20)))
    assert [answer.status_code for answer in answers] == [200] * 20
    tokens = {decode_renewed(answer.content).refresh for answer in answers}
    assert len(tokens) == 20
    assert (await renew(tokens.pop())).status_code == 200


async def test_reuse_ends_the_session_and_is_listed(begin, renew, listed, clock):
    _, stolen = await begin()
    mine = decode_renewed((await renew(stolen)).content).refresh
    clock.now += 300
    mine = decode_renewed((await renew(mine)).content).refresh
    clock.now += 300
    for token in (stolen, mine):
        refused = await renew(token)
        assert (refused.status_code, refused.json()["code"]) == (401, "session-ended")
    assert (await listed()).sids == {SID}


async def test_without_the_device_a_bound_session_is_not_renewed(begin, renew, listed):
    _, token = await begin(jkt=JKT)
    for jkt in (None, "o" * 43):
        refused = await renew(token, jkt)
        assert (refused.status_code, refused.json()["code"]) == (401, "device-proof")
    assert (await renew(token, JKT)).status_code == 200
    assert (await listed()).sids == frozenset()


async def test_an_ended_session_commits_nothing(call, begin, end, make_commit):
    epoch, _ = await begin()
    await begin(sid="T" * 22)
    session = {"sid": SID, "epoch": epoch}
    commit = encode_commit(make_commit({"cups/1": {"size": 1}}))
    assert (await call("POST", "/commit", body=commit, key=KEY, **session)).status_code == 200
    await end()
    for key in (KEY, "client-1.00000002"):  # not even what is stored comes back
        body = encode_commit(make_commit({"cups/1": {"size": 2}}))
        refused = await call("POST", "/commit", body=body, key=key, **session)
        assert (refused.status_code, refused.json()["code"]) == (401, "session-ended")
    other = {"sid": "T" * 22, "epoch": epoch}
    body = encode_commit(make_commit({"cups/1": {"size": 3}}))
    assert (await call("POST", "/commit", body=body, key=KEY + "3", **other)).status_code == 200
    await end(everywhere=True, sid="T" * 22)
    for sid in ("T" * 22, "U" * 22):
        body = encode_commit(make_commit({"cups/1": {"size": 4}}))
        session = {"sid": sid, "epoch": epoch}
        refused = await call("POST", "/commit", body=body, key=KEY + "4", **session)
        assert refused.json()["code"] == "session-ended"
    assert (await call("GET", "/records/user/cups/1")).json()["value"] == {"size": 3}


async def test_the_list_is_for_everybody_and_signed_once_a_second(client, begin, end, listed, clock):
    await begin()
    before = await client.get("/revocations")
    assert before.headers["content-type"] == "application/jwt"
    assert before.headers["cache-control"] == "public, max-age=15, stale-if-error=60"
    personal = await client.get("/revocations", headers={"Authorization": "Bearer x", "Cookie": "a=b"})
    assert (personal.content, personal.headers) == (before.content, before.headers)
    await end()
    assert (await client.get("/revocations")).content == before.content
    clock.now += 1
    assert (await listed()).sids == {SID}


async def test_the_public_keys_are_for_everybody(client, own_keys):
    response = await client.get("/keys")
    assert response.json() == own_keys.jwks
    assert response.headers["cache-control"] == "public, max-age=300"
    assert not {"d", "k"} & response.json()["keys"][0].keys()


@pytest.mark.parametrize("target", ["/sessions", "/sessions/end"])
@pytest.mark.parametrize("sid", ["", "short", "S" * 23])
async def test_a_session_needs_a_name(call, target, sid):
    assert (await call("POST", target, body=encode_session({}, None), sid=sid)).status_code == 401


@pytest.mark.parametrize("target", ["/sessions", "/sessions/refresh", "/sessions/end"])
async def test_what_is_not_json_is_400(call, target):
    response = await call("POST", target, body=b"{", sid=SID)
    assert (response.status_code, response.json()["code"]) == (400, "malformed-json")


async def test_a_token_that_is_none_is_refused(renew):
    assert (await renew("x")).json()["code"] == "session-ended"


async def test_two_users_sessions_do_not_meet(begin, call):
    await begin("ann")
    refused = await call("POST", "/sessions", "bob", encode_session({}, None), sid=SID)
    assert refused.status_code == 401
