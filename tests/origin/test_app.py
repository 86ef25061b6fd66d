"""The HTTP API as an edge meets it."""

from __future__ import annotations

import asyncio
import json

import pytest

from edge.wire import Outcome, Read, RecordKey, decode_outcome, encode_commit
from origin.store import Collection

pytestmark = pytest.mark.anyio

KEY = "client-1.00000001"
CUP = RecordKey("user", "cups", "1")


async def test_health(client):
    response = await client.get("/health")
    assert (response.status_code, response.content) == (200, b'{"status":"ok"}')


async def test_a_commit_and_its_replay(call, make_commit):
    commit = make_commit(
        {"cups/1": {"size": 2}},
        status=201,
        headers=(("location", "/cups/1"), ("set-cookie", "a=1"), ("set-cookie", "b=2")),
        body=bytes(range(256)),
        state={"cups": [1, 2.5, None, "é"]},
    )
    body = encode_commit(commit)
    first = await call("POST", "/commit", body=body, key=KEY)
    again = await call("POST", "/commit", body=body, key=KEY)
    looked_up = await call("GET", f"/commit/{KEY}")
    assert [response.status_code for response in (first, again, looked_up)] == [200, 200, 200]
    assert decode_outcome(first.content) == Outcome(False, commit.response)
    assert decode_outcome(again.content) == Outcome(True, commit.response)
    assert again.content == looked_up.content
    assert first.content.replace(b"false", b"true", 1) == again.content
    assert again.headers["cache-control"] == "no-store"


async def test_a_replay_keeps_the_first_answer_even_if_the_retry_brings_another(call, make_commit):
    """Two edges that ran the same request may differ; the first one's answer is the answer."""
    first = make_commit({"cups/1": {"size": 2}}, body=b"first")
    second = make_commit({"cups/1": {"size": 3}}, body=b"second", fingerprint=first.fingerprint)
    await call("POST", "/commit", body=encode_commit(first), key=KEY)
    again = await call("POST", "/commit", body=encode_commit(second), key=KEY)
    assert decode_outcome(again.content) == Outcome(True, first.response)
    assert (await call("GET", "/records/user/cups/1")).json()["value"] == {"size": 2}


async def test_a_reused_key_is_422(call, make_commit):
    await call("POST", "/commit", body=encode_commit(make_commit({})), key=KEY)
    response = await call("POST", "/commit", body=encode_commit(make_commit({})), key=KEY)
    assert (response.status_code, response.json()["code"]) == (422, "key-reused")


async def test_a_conflict_is_409_and_leaves_nothing(call, make_commit):
    commit = make_commit({"cups/1": {"size": 2}}, reads=(Read(CUP, 7),))
    response = await call("POST", "/commit", body=encode_commit(commit), key=KEY)
    assert (response.status_code, response.json()["code"]) == (409, "version-conflict")
    assert response.json()["retryable"] is True
    assert (await call("GET", f"/commit/{KEY}")).status_code == 404
    assert (await call("GET", "/records/user/cups/1")).status_code == 404


async def test_whoever_is_refused_has_the_next_turn(call, make_commit):  # case C1
    """A commit of somebody else waits for it, instead of making the next run vain as well."""
    place = RecordKey("shared", "stock", "tea")

    def change(count, version):
        return encode_commit(make_commit({"shared:stock/tea": {"n": count}}, reads=(Read(place, version),)))

    await call("POST", "/commit", "cora", body=change(1, 0), key="key-of-cora-00001")
    late = await call("POST", "/commit", "ann", body=change(1, 0), key="key-of-ann-000001")
    assert (late.status_code, late.json()["turn"]) == (409, True)
    waiting = asyncio.create_task(call("POST", "/commit", "bob", body=change(2, 1), key="key-of-bob-000001"))
    again = await call("POST", "/commit", "ann", body=change(2, 1), key="key-of-ann-000001")
    assert again.status_code == 200
    assert (await waiting).json()["turn"] is True


async def test_two_users_with_one_key(call, make_commit):
    answers = await asyncio.gather(
        *(
            call("POST", "/commit", user, encode_commit(make_commit({}, body=user.encode())), KEY)
            for user in "ab"
        )
    )
    assert [decode_outcome(answer.content).response.body for answer in answers] == [b"a", b"b"]
    assert (await call("GET", f"/commit/{KEY}", "c")).status_code == 404


@pytest.mark.parametrize("key", ["", "short", "x" * 65, "sixteen or more!", "ünïcödé-ünïcödé-"])
async def test_a_malformed_key_is_400(client, signer, clock, make_commit, key):
    from edge.tokens import mint_assertion
    from edge.types import Principal

    body = encode_commit(make_commit({}))
    # Header values reach the app as latin-1, and that is what an assertion vouches for.
    header = key.encode()
    token = await mint_assertion(
        signer, Principal("ann"), "POST", "/commit", body, header.decode("latin-1"), clock
    )
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": header}
    response = await client.post("/commit", content=body, headers=headers)
    assert (response.status_code, response.json()["code"]) == (400, "malformed-key")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"fingerprint":"x"}', b"\xff", b"[" * 100_000])
async def test_a_malformed_commit_is_400(call, body):
    response = await call("POST", "/commit", body=body, key=KEY)
    assert (response.status_code, response.json()["code"]) == (400, "malformed-commit")


async def test_a_state_too_deep_for_json_is_400_and_leaves_nothing(call, make_commit):
    document = json.loads(encode_commit(make_commit({"cups/1": {}})))
    body = json.dumps(document).replace('"state": null', '"state": {"a": ' + "[" * 990 + "]" * 990 + "}")
    response = await call("POST", "/commit", body=body.encode(), key=KEY)
    assert (response.status_code, response.json()["code"]) == (400, "malformed-commit")
    assert (await call("GET", "/records/user/cups/1")).status_code == 404


async def test_a_large_record_is_413(call, make_commit):
    body = encode_commit(make_commit({"cups/1": {"x": "y" * 70_000}}))
    response = await call("POST", "/commit", body=body, key=KEY)
    assert (response.status_code, response.json()["code"]) == (413, "record-too-large")


async def test_a_record(call, make_commit):
    for number in (1, 2):
        commit = make_commit({"cups/1": {"size": number}, "shared:stock/tea": {"left": number}})
        await call("POST", "/commit", body=encode_commit(commit), key=f"{KEY}{number}")
    response = await call("GET", "/records/user/cups/1")
    assert response.json() == {"id": "1", "version": 2, "value": {"size": 2}}
    assert response.headers["etag"] == '"2"'
    assert response.headers["cache-control"] == "no-store"
    shared = await call("GET", "/records/shared/stock/tea", subject="bob")
    assert shared.json() == {"id": "tea", "version": 2, "value": {"left": 2}}
    assert (await call("GET", "/records/user/cups/1", subject="bob")).status_code == 404


async def test_pages(call, make_commit):
    writes = {f"cups/{number:03}": {"n": number} for number in range(60)}
    await call("POST", "/commit", body=encode_commit(make_commit(writes)), key=KEY)
    first = (await call("GET", "/records/user/cups")).json()
    assert [item["id"] for item in first["items"]] == [f"{number:03}" for number in range(50)]
    assert first["items"][7] == {"id": "007", "version": 1, "value": {"n": 7}}
    assert first["next"] == "049"
    rest = (await call("GET", "/records/user/cups?limit=200&after=049")).json()
    assert [item["id"] for item in rest["items"]] == [f"{number:03}" for number in range(50, 60)]
    assert rest["next"] is None
    assert (await call("GET", "/records/shared/cups")).json() == {"items": [], "next": None}


@pytest.mark.parametrize(
    "target",
    [
        "/records/other/cups",
        "/records/user/cu%20ps",
        "/records/user/cups/a%20b",
        "/records/user/cups/..",
        "/commit/short",
    ],
)
async def test_what_cannot_be_there_is_404(call, target):
    response = await call("GET", target)
    assert (response.status_code, response.json()["code"]) == (404, "not-found")


async def test_the_catalog_is_for_everybody(client, store):
    await store.publish([Collection("teas", "abc", b'{"collection":"teas"}')])
    plain = await client.get("/catalog/teas")
    assert (plain.status_code, plain.content) == (200, b'{"collection":"teas"}')
    assert plain.headers["content-type"] == "application/json"
    assert plain.headers["etag"] == '"abc"'
    caching = "public, max-age=60, stale-while-revalidate=60, stale-if-error=86400"
    assert plain.headers["cache-control"] == caching
    personal = await client.get("/catalog/teas", headers={"Authorization": "Bearer x", "Cookie": "a=b"})
    assert (personal.content, personal.headers) == (plain.content, plain.headers)


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ('"abc"', 304),
        ('W/"abc"', 304),
        ('"x", "abc"', 304),
        ("*", 304),
        ('"x"', 200),
        ("abc", 200),
        ("", 200),
    ],
)
async def test_an_unchanged_collection_is_304(client, store, condition, status):
    await store.publish([Collection("teas", "abc", b"{}")])
    response = await client.get("/catalog/teas", headers={"If-None-Match": condition})
    assert response.status_code == status
    assert response.headers["etag"] == '"abc"'
    assert "max-age=60" in response.headers["cache-control"]


@pytest.mark.parametrize(
    "target",
    [
        "/records/user/cups?limit=0",
        "/records/user/cups?limit=201",
        "/records/user/cups?limit=x",
        "/records/user/cups?limit=",
        "/records/user/cups?after=a%20b",
    ],
)
async def test_a_query_that_makes_no_sense_is_400(call, target):
    answer = await call("GET", target)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed-query")
