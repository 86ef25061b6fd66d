"""Whether a request comes from the device that it says it comes from."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from edge.jose import PROOF_WINDOW
from edge.keys import NativeKeys, fixed, generate
from edge.proof import NONCE_LIFE, PIECE, Proof, Proofs, body_digest

SID = "s" * 22
KEY = "a-key-of-a-test-0001"
URL = "http://testserver/orders?a=1"
Scope = dict[str, Any]
MakeScope = Callable[..., Scope]


@pytest.fixture
def proofs(keys: NativeKeys, clock: Any) -> Proofs:
    return Proofs(keys.verify_proof_signature, keys, clock, clock)


@pytest.fixture
def request_with(make_scope: MakeScope) -> Callable[..., Scope]:
    """`request_with(proof, …)`: a POST to `URL` that carries these proofs."""

    def make(*tokens: str, method: str = "POST", target: str = "/orders?a=1", key: str = KEY) -> Scope:
        headers = [("host", "testserver"), *(("dpop", token) for token in tokens)]
        if key:
            headers.append(("idempotency-key", key))
        return make_scope(method, target, headers)

    return make


RequestWith = Callable[..., Scope]


def check(proofs: Proofs, scope: Scope) -> Proof | None:
    return asyncio.run(proofs.check(scope))


def admits(proofs: Proofs, scope: Scope) -> bool:
    """Whether it is there, and for the first time."""
    proof = check(proofs, scope)
    return proof is not None and proofs.admit(proof)


def test_good_proof_names_the_device_the_session_and_the_body(
    proofs: Proofs, request_with: RequestWith, device: Any
) -> None:
    token = device.prove("POST", URL, sid=SID, nonce=proofs.nonce(), key=KEY, body=b"tea")
    proof = check(proofs, request_with(token))
    assert proof is not None
    assert (proof.jkt, proof.fresh) == (device.jkt, True)
    assert (proof.names(SID), proof.names("t" * 22)) == (True, False)
    assert (proof.covers(b"tea"), proof.covers(b"tee"), proof.covers(b"")) == (True, False, False)


def test_request_without_a_proof_has_none(proofs: Proofs, request_with: RequestWith) -> None:
    assert check(proofs, request_with()) is None


@pytest.mark.parametrize(
    "claims",
    [
        {"htm": "GET"},
        {"htm": "post"},
        {"htu": "http://testserver/orders/2"},
        {"htu": "http://testserver/orders?a=1"},
        {"htu": "https://testserver/orders"},
        {"htu": "http://testserver:80/orders"},
        {"htu": "http://elsewhere/orders"},
        {"htu": "/orders"},
        {"htq": ""},
        {"htq": "a=2"},
        {"htq": None},
        {"ik": ""},
        {"ik": "a-key-of-a-test-0002"},
        {"ik": None},
        {"iat": 1_767_225_600 - PROOF_WINDOW - 1},
        {"iat": 1_767_225_600 + PROOF_WINDOW + 1},
        {"iat": None},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
    ],
    ids=str,
)
def test_proof_is_for_one_request_only(
    proofs: Proofs, request_with: RequestWith, device: Any, claims: dict[str, Any]
) -> None:
    token = device.prove("POST", URL, nonce=proofs.nonce(), key=KEY, **claims)
    assert check(proofs, request_with(token)) is None


def test_proof_without_a_good_signature_is_none(
    proofs: Proofs, request_with: RequestWith, device: Any, make_device: Any, clock: Any
) -> None:
    token = device.prove("POST", URL, nonce=proofs.nonce(), key=KEY)
    head, payload, signature = token.split(".")
    other = make_device(clock).prove("POST", URL, nonce=proofs.nonce(), key=KEY)
    for bad in ("", "x", f"{head}.{payload}.{signature[::-1]}", f"{head}.{payload}.{other.split('.')[2]}"):
        assert check(proofs, request_with(bad)) is None
    assert check(proofs, request_with(token)) is not None


def test_more_than_one_proof_is_none(proofs: Proofs, request_with: RequestWith, device: Any) -> None:
    tokens = [device.prove("POST", URL, nonce=proofs.nonce(), key=KEY) for _ in range(2)]
    assert check(proofs, request_with(*tokens)) is None


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_proof_of_a_safe_request_names_no_key(
    proofs: Proofs, request_with: RequestWith, device: Any, method: str
) -> None:
    token = device.prove(method, URL, nonce=proofs.nonce())
    assert check(proofs, request_with(token, method=method, key="")) is not None


def test_proof_of_a_form_whose_key_is_in_its_body_names_the_empty_one(
    proofs: Proofs, request_with: RequestWith, device: Any
) -> None:
    assert check(proofs, request_with(device.prove("POST", URL), key="")) is not None


def test_path_counts_as_it_was_sent(proofs: Proofs, make_scope: MakeScope, device: Any) -> None:
    headers = [("host", "testserver")]
    for target in ("/gr%C3%BCn%2Ftee", "/a%20b?q=%20+"):
        token = device.prove("GET", f"http://testserver{target}")
        assert check(proofs, make_scope("GET", target, [*headers, ("dpop", token)])) is not None
    token = device.prove("GET", "http://testserver/plain")
    scope = make_scope("GET", "/plain", [*headers, ("dpop", token)], raw_path=None)
    assert check(proofs, scope) is not None
    token = device.prove("GET", "http://testserver/plain?q")
    # Some servers leave the query in it.
    scope = make_scope("GET", "/plain?q", [*headers, ("dpop", token)], raw_path=b"/plain?q")
    assert check(proofs, scope) is not None


# Replays


def test_each_edge_accepts_a_proof_once(
    proofs: Proofs, request_with: RequestWith, device: Any, keys: NativeKeys, clock: Any
) -> None:
    token = device.prove("POST", URL, nonce=proofs.nonce(), key=KEY)
    assert admits(proofs, request_with(token))
    assert not admits(proofs, request_with(token))
    clock.now += PROOF_WINDOW
    assert not admits(proofs, request_with(token))
    neighbour = Proofs(keys.verify_proof_signature, keys, clock, clock)
    assert admits(neighbour, request_with(token))  # nothing is shared between edges


def test_a_proof_is_another_ones_even_if_it_has_the_same_name(
    proofs: Proofs, request_with: RequestWith, device: Any, make_device: Callable[..., Any], clock: Any
) -> None:
    tokens = [one.prove("POST", URL, key=KEY, jti="j" * 22) for one in (device, make_device(clock))]
    assert [admits(proofs, request_with(token)) for token in (*tokens, *tokens)] == [True, True, False, False]


def test_only_what_is_admitted_is_remembered(proofs: Proofs, request_with: RequestWith, device: Any) -> None:
    """case T9: anybody can sign proofs, and flush the memory of others with them."""
    token = device.prove("POST", URL, key=KEY)
    for _ in range(3):
        assert check(proofs, request_with(token)) is not None
    assert proofs._seen.size == 0
    assert admits(proofs, request_with(token))
    assert 0 < proofs._seen.size < 200


def test_proof_of_the_future_is_remembered_until_it_is_old(
    proofs: Proofs, request_with: RequestWith, device: Any, clock: Any
) -> None:
    token = device.prove("POST", URL, key=KEY, iat=int(clock()) + PROOF_WINDOW)
    assert admits(proofs, request_with(token))
    clock.now += 2 * PROOF_WINDOW
    assert not admits(proofs, request_with(token))


def test_proof_for_another_request_is_not_used_up(
    proofs: Proofs, request_with: RequestWith, device: Any
) -> None:
    token = device.prove("POST", URL, key=KEY)
    assert check(proofs, request_with(token, target="/other")) is None
    assert check(proofs, request_with(token)) is not None


# Nonces


@pytest.mark.parametrize("claim", [None, "", "made-up", 7, ["list"]])
def test_proof_without_a_nonce_of_ours_is_not_fresh(
    proofs: Proofs, request_with: RequestWith, device: Any, claim: Any
) -> None:
    proof = check(proofs, request_with(device.prove("POST", URL, key=KEY, nonce=claim)))
    assert proof is not None
    assert not proof.fresh


def test_nonce_is_good_in_its_own_period_and_in_the_next(
    proofs: Proofs, request_with: RequestWith, device: Any, clock: Any
) -> None:
    clock.now = start = clock.now - clock.now % NONCE_LIFE
    nonce = proofs.nonce()
    for later, fresh in ((0, True), (2 * NONCE_LIFE - 1, True), (2 * NONCE_LIFE, False)):
        clock.now = start + later
        proof = check(proofs, request_with(device.prove("POST", URL, key=KEY, nonce=nonce)))
        assert proof is not None
        assert proof.fresh is fresh


def test_edges_with_the_same_keys_hand_out_the_same_nonce(
    proofs: Proofs, keys: NativeKeys, clock: Any
) -> None:
    assert Proofs(keys.verify_proof_signature, keys, clock, clock).nonce() == proofs.nonce()
    stranger = NativeKeys(fixed(generate()), clock)
    assert Proofs(stranger.verify_proof_signature, stranger, clock, clock).nonce() != proofs.nonce()
    before = proofs.nonce()
    clock.now += NONCE_LIFE
    assert proofs.nonce() != before
    assert len(before) == 22


# Bodies


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 7])
def test_body_is_hashed_in_pieces(size: int) -> None:
    body = bytes(i % 251 for i in range(1000)) * (size // 1000 + 1)
    body = body[:size]
    digests = b"".join(hashlib.sha256(body[at : at + PIECE]).digest() for at in range(0, size, PIECE))
    expected = base64.urlsafe_b64encode(hashlib.sha256(digests).digest()).rstrip(b"=").decode()
    assert body_digest(body) == expected


def test_digest_of_nothing_is_the_digest_of_no_pieces() -> None:
    assert body_digest(b"") == "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"


def test_proof_shows_no_claims_in_a_log() -> None:
    assert "secret" not in repr(Proof("jkt", True, {"jti": "secret"}))
