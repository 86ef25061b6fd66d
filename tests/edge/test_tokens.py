"""Tokens: good ones are read, and everything else is refused in one and the same way (RFC 8725)."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Coroutine
from typing import Any

import pytest

from edge.errors import Problem
from edge.keys import KeySigner, KeyVerifier, generate
from edge.tokens import (
    LEEWAY,
    TOKEN_LIMIT,
    VIEW_LIFE,
    VIEW_TYPE,
    check,
    check_assertion,
    decode_segment,
    encode_segment,
    mint,
    mint_assertion,
    mint_view,
    open_view,
    public_set,
    thumbprint,
)
from edge.types import View
from edge.wire import ASSERTION_LIFE, ASSERTION_TYPE

NOW = 1_767_225_600.0
ISSUED = int(NOW)
VIEW = View("guest", 3, {"cart": {"tea": 2}, "名": "緑茶"}, ("key-one", "key-two"), ISSUED)
CALL = ("POST", "/commit?x=1", b'{"a":1}', "idempotency-key-1")


def refused(work: Coroutine[Any, Any, Any]) -> None:
    """The input is refused as a problem, with no other exception and without a reason."""
    with pytest.raises(Problem) as caught:
        asyncio.run(work)
    assert (caught.value.code, caught.value.detail) == ("unauthorized", "")


def view_token(signer: KeySigner, view: View = VIEW, now: float = NOW) -> str:
    return asyncio.run(mint_view(signer, view, now))


def assertion(signer: KeySigner, now: float = NOW) -> str:
    return asyncio.run(mint_assertion(signer, "guest", *CALL, lambda: now))


def claims(**members: Any) -> dict[str, Any]:
    good = {"sub": "guest", "iat": ISSUED, "exp": ISSUED + 60, "ver": 1, "keys": [], "state": {}}
    return {name: value for name, value in {**good, **members}.items() if value is not ...}


def sign(signer: KeySigner, header: str | bytes, payload: str | bytes) -> str:
    """A token over these very bytes, well signed: only the checker can find fault with it."""
    parts = [part.encode() if isinstance(part, str) else part for part in (header, payload)]
    message = ".".join(map(encode_segment, parts))
    signature = asyncio.run(signer.sign(message.encode()))
    return f"{message}.{encode_segment(signature)}"


def header_of(signer: KeySigner, **members: Any) -> str:
    good = {"alg": "ES256", "kid": signer.kid, "typ": VIEW_TYPE}
    return json.dumps({name: value for name, value in {**good, **members}.items() if value is not ...})


# What is good


def test_view_survives_the_roundtrip(signer: KeySigner, verifier: KeyVerifier) -> None:
    assert asyncio.run(open_view(view_token(signer), verifier, NOW)) == VIEW


def test_assertion_vouches_for_its_call(signer: KeySigner, verifier: KeyVerifier) -> None:
    subject = asyncio.run(check_assertion(assertion(signer), verifier, *CALL, lambda: NOW))
    assert subject == "guest"


def test_hand_made_token_is_good_before_it_is_made_bad(signer: KeySigner, verifier: KeyVerifier) -> None:
    token = sign(signer, header_of(signer), json.dumps(claims()))
    assert asyncio.run(open_view(token, verifier, NOW)).subject == "guest"


@pytest.mark.parametrize("now", [ISSUED - LEEWAY, ISSUED + VIEW_LIFE + LEEWAY - 1])
def test_clocks_may_differ_by_the_leeway(signer: KeySigner, verifier: KeyVerifier, now: float) -> None:
    assert asyncio.run(open_view(view_token(signer), verifier, now)) == VIEW


def test_state_of_the_largest_size_is_read_again(signer: KeySigner, verifier: KeyVerifier) -> None:
    view = VIEW.__class__("guest", 1, {"x": "y" * 2000}, (), ISSUED)
    assert asyncio.run(open_view(view_token(signer, view), verifier, NOW)) == view


# What is broken


def test_every_single_bit_flip_of_a_view_is_refused(signer: KeySigner, verifier: KeyVerifier) -> None:
    every_bit_flip(view_token(signer), lambda token: open_view(token, verifier, NOW))


def test_every_single_bit_flip_of_an_assertion_is_refused(signer: KeySigner, verifier: KeyVerifier) -> None:
    every_bit_flip(assertion(signer), lambda token: check_assertion(token, verifier, *CALL, lambda: NOW))


def test_every_truncation_of_a_view_is_refused(signer: KeySigner, verifier: KeyVerifier) -> None:
    every_cut(view_token(signer), lambda token: open_view(token, verifier, NOW))


def test_every_truncation_of_an_assertion_is_refused(signer: KeySigner, verifier: KeyVerifier) -> None:
    every_cut(assertion(signer), lambda token: check_assertion(token, verifier, *CALL, lambda: NOW))


def every_bit_flip(token: str, read: Any) -> None:
    raw = token.encode()
    places = ((index, 1 << bit) for index in range(len(raw)) for bit in range(8))
    flipped = (raw[:i] + bytes([raw[i] ^ mask]) + raw[i + 1 :] for i, mask in places)
    all_refused((bad.decode("latin-1") for bad in flipped), read)


def every_cut(token: str, read: Any) -> None:
    all_refused((token[:end] for end in range(len(token))), read)
    all_refused((token[start:] for start in range(1, len(token))), read)


def all_refused(tokens: Any, read: Any) -> None:
    async def verdict(token: str) -> str:
        try:
            await read(token)
        except Problem as problem:
            return problem.code
        return f"accepted {token}"

    async def verdicts() -> set[str]:
        return {await verdict(token) for token in tokens}

    assert asyncio.run(verdicts()) == {"unauthorized"}


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "...", "a.b.c", "a.b", "a.b.c.d", "é.é.é", "=.=.=", " . . ", "\0.\0.\0", "e30.e30.e30"],
)
def test_nonsense_is_refused(verifier: KeyVerifier, token: str) -> None:
    refused(open_view(token, verifier, NOW))


def test_ten_megabytes_are_refused(signer: KeySigner, verifier: KeyVerifier) -> None:
    refused(open_view("a" * 10_000_000, verifier, NOW))
    refused(open_view(view_token(signer) + "." * 10_000_000, verifier, NOW))


def test_well_signed_token_over_the_limit_is_refused(signer: KeySigner, verifier: KeyVerifier) -> None:
    token = view_token(signer, View("guest", 1, {"x": "y" * TOKEN_LIMIT}))
    refused(open_view(token, verifier, NOW))


# What is well signed but not ours


@pytest.mark.parametrize(
    "members",
    [
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "HS256"},
        {"alg": "ES384"},
        {"alg": ["ES256"]},
        {"alg": ...},
        {"typ": ASSERTION_TYPE},
        {"typ": "JWT"},
        {"typ": VIEW_TYPE.upper()},
        {"typ": ...},
        {"kid": ...},
        {"kid": ""},
        {"kid": None},
        {"kid": 7},
        {"kid": ["a"]},
        {"kid": "../../key"},
        {"kid": "x" * 44},
        {"crit": ["exp"]},
        {"jwk": {}},
        {"jku": "http://attacker"},
        {"b64": False},
        {"zip": "DEF"},
    ],
    ids=str,
)
def test_header_with_anything_else_is_refused(
    signer: KeySigner, verifier: KeyVerifier, members: dict[str, Any]
) -> None:
    refused(open_view(sign(signer, header_of(signer, **members), json.dumps(claims())), verifier, NOW))


def test_alg_none_without_signature_is_refused(signer: KeySigner, verifier: KeyVerifier) -> None:
    message = ".".join(
        encode_segment(part.encode()) for part in (header_of(signer, alg="none"), json.dumps(claims()))
    )
    refused(open_view(f"{message}.", verifier, NOW))


@pytest.mark.parametrize("header", ["[]", '"text"', "null", "1", "{", "[" * 1500, "9" * 1500])
def test_header_that_is_no_object_is_refused(signer: KeySigner, verifier: KeyVerifier, header: str) -> None:
    refused(open_view(sign(signer, header, json.dumps(claims())), verifier, NOW))


def test_duplicate_members_are_refused(signer: KeySigner, verifier: KeyVerifier) -> None:
    twice = header_of(signer).replace("{", '{"alg": "ES256", ', 1)
    refused(open_view(sign(signer, twice, json.dumps(claims())), verifier, NOW))
    twice = json.dumps(claims()).replace("{", '{"sub": "guest", ', 1)
    refused(open_view(sign(signer, header_of(signer), twice), verifier, NOW))
    nested = json.dumps(claims()).replace('"state": {}', '"state": {"a": 1, "a": 1}')
    refused(open_view(sign(signer, header_of(signer), nested), verifier, NOW))


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b"\xff", b"\xc0\x80"])
def test_payload_that_is_not_plain_utf_8_is_refused(
    signer: KeySigner, verifier: KeyVerifier, prefix: bytes
) -> None:
    payload = prefix + json.dumps(claims()).encode()
    refused(open_view(sign(signer, header_of(signer), payload), verifier, NOW))


def test_other_spellings_of_the_same_bytes_are_refused(signer: KeySigner, verifier: KeyVerifier) -> None:
    head, payload, signature = view_token(signer).split(".")
    refused(open_view(f"{head}.{payload}.{signature}==", verifier, NOW))
    refused(open_view(f"{head}==.{payload}.{signature}", verifier, NOW))
    refused(open_view(f"{head}.{payload}.{signature}\n", verifier, NOW))
    padded = base64.urlsafe_b64encode(json.dumps(claims(sub="gues")).encode()).decode()
    assert padded.endswith("=")
    message = f"{encode_segment(header_of(signer).encode())}.{padded}"
    again = asyncio.run(signer.sign(message.encode()))
    refused(open_view(f"{message}.{encode_segment(again)}", verifier, NOW))


@pytest.mark.parametrize("text", ["+/+/", "YQ==", "YQ=", "YR", "Y", "Y Q", "YQ\n", "ä"])
def test_only_one_spelling_of_base64url_is_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_segment(text)


@pytest.mark.parametrize("data", [b"", b"a", b"ab", b"abc", b"\xfb\xff\xfe"])
def test_canonical_segment_is_read(data: bytes) -> None:
    assert decode_segment(encode_segment(data)) == data


@pytest.mark.parametrize(
    "members",
    [
        {"iat": NOW},
        {"exp": NOW + 60},
        {"iat": str(ISSUED)},
        {"exp": str(ISSUED + 60)},
        {"iat": None},
        {"iat": ...},
        {"exp": ...},
        {"iat": True},
        {"exp": ISSUED},
        {"exp": ISSUED - 1},
        {"iat": ISSUED + LEEWAY + 1, "exp": ISSUED + 60},
        {"iat": ISSUED - 100, "exp": ISSUED - LEEWAY},
        {"exp": ISSUED + VIEW_LIFE + 1},
        {"iat": -(10**400), "exp": ISSUED + 60},
    ],
    ids=str,
)
def test_times_that_are_wrong_are_refused(
    signer: KeySigner, verifier: KeyVerifier, members: dict[str, Any]
) -> None:
    refused(open_view(sign(signer, header_of(signer), json.dumps(claims(**members))), verifier, NOW))


@pytest.mark.parametrize("now", [ISSUED - LEEWAY - 1, ISSUED + VIEW_LIFE + LEEWAY])
def test_view_of_another_time_is_refused(signer: KeySigner, verifier: KeyVerifier, now: float) -> None:
    refused(open_view(view_token(signer), verifier, now))


@pytest.mark.parametrize(
    "members",
    [
        {"sub": 7},
        {"sub": None},
        {"sub": ...},
        {"ver": "1"},
        {"ver": True},
        {"ver": ...},
        {"state": []},
        {"state": None},
        {"state": ...},
        {"keys": 1},
        {"keys": None},
        {"keys": ...},
        {"keys": "text"},
        {"keys": [1]},
        {"keys": {"a": 1}},
    ],
    ids=str,
)
def test_view_with_claims_of_the_wrong_type_is_refused(
    signer: KeySigner, verifier: KeyVerifier, members: dict[str, Any]
) -> None:
    refused(open_view(sign(signer, header_of(signer), json.dumps(claims(**members))), verifier, NOW))


def test_signature_of_another_length_is_refused_whatever_the_verifier_says(signer: KeySigner) -> None:
    class Trusting:
        """Finds every signature good."""

        async def verify(self, kid: str, message: bytes, signature: bytes) -> bool:
            return True

    token = view_token(signer)
    assert asyncio.run(open_view(token, Trusting(), NOW)) == VIEW
    for length in (0, 63, 65):
        refused(open_view(f"{token.rpartition('.')[0]}.{encode_segment(bytes(length))}", Trusting(), NOW))


def test_payload_that_is_no_object_is_refused(signer: KeySigner, verifier: KeyVerifier) -> None:
    for payload in ("[]", "null", "7", '"text"', ""):
        refused(open_view(sign(signer, header_of(signer), payload), verifier, NOW))


def test_token_of_another_key_is_refused(verifier: KeyVerifier) -> None:
    stranger = KeySigner(generate())
    refused(open_view(view_token(stranger), verifier, NOW))


def test_token_of_another_key_under_a_known_kid_is_refused(signer: KeySigner, verifier: KeyVerifier) -> None:
    stranger = KeySigner(generate())
    refused(open_view(sign(stranger, header_of(signer), json.dumps(claims())), verifier, NOW))


def test_view_and_assertion_are_not_interchangeable(signer: KeySigner, verifier: KeyVerifier) -> None:
    refused(open_view(assertion(signer), verifier, NOW))
    refused(check_assertion(view_token(signer), verifier, *CALL, lambda: NOW))


@pytest.mark.parametrize(
    "other",
    [
        ("GET", *CALL[1:]),
        ("POST", "/commit?x=2", *CALL[2:]),
        ("POST", "/commit", *CALL[2:]),
        ("POST", "/Commit?x=1", *CALL[2:]),
        (*CALL[:2], b'{"a":2}', CALL[3]),
        (*CALL[:2], b"", CALL[3]),
        (*CALL[:3], "idempotency-key-2"),
        (*CALL[:3], ""),
    ],
    ids=str,
)
def test_assertion_for_another_call_is_refused(
    signer: KeySigner, verifier: KeyVerifier, other: tuple[str, str, bytes, str]
) -> None:
    refused(check_assertion(assertion(signer), verifier, *other, lambda: NOW))


@pytest.mark.parametrize("later", [ASSERTION_LIFE + LEEWAY, -LEEWAY - 1])
def test_assertion_of_another_time_is_refused(signer: KeySigner, verifier: KeyVerifier, later: int) -> None:
    refused(check_assertion(assertion(signer), verifier, *CALL, lambda: NOW + later))


@pytest.mark.parametrize("members", [{"aud": "another"}, {"aud": ...}, {"sub": 1}, {"sub": ...}])
def test_assertion_for_somebody_else_is_refused(
    signer: KeySigner, verifier: KeyVerifier, members: dict[str, Any]
) -> None:
    good = json.loads(decode_segment(assertion(signer).split(".")[1]))
    bad = {name: value for name, value in {**good, **members}.items() if value is not ...}
    token = asyncio.run(mint(signer, ASSERTION_TYPE, bad))
    refused(check_assertion(token, verifier, *CALL, lambda: NOW))


def test_an_assertion_may_not_live_longer_than_a_minute(signer: KeySigner, verifier: KeyVerifier) -> None:
    good = json.loads(decode_segment(assertion(signer).split(".")[1]))
    token = asyncio.run(mint(signer, ASSERTION_TYPE, {**good, "exp": good["iat"] + ASSERTION_LIFE + 1}))
    refused(check_assertion(token, verifier, *CALL, lambda: NOW))


def test_check_returns_the_claims(signer: KeySigner, verifier: KeyVerifier) -> None:
    token = asyncio.run(mint(signer, "x+jwt", claims()))
    assert asyncio.run(check(token, "x+jwt", verifier, now=NOW, max_life=60)) == claims()


# Key ids


def test_thumbprint_hashes_the_required_members_in_order_and_nothing_else() -> None:
    # The construction of RFC 7638 section 3.1 on the key of RFC 7515 appendix A.3; `EXPECTED` is what
    # `openssl dgst -sha256` makes of it.
    jwk = {
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "kty": "EC",
        "crv": "P-256",
    }
    assert thumbprint(jwk) == EXPECTED
    assert thumbprint({**jwk, "alg": "ES256", "kid": "old", "use": "sig", "d": "secret"}) == EXPECTED
    assert thumbprint({**jwk, "x": jwk["y"]}) != EXPECTED


def test_public_set_leaves_the_private_member_out(jwk: dict[str, str]) -> None:
    (public,) = public_set(jwk)["keys"]
    assert public == {
        "kty": "EC",
        "crv": "P-256",
        "x": jwk["x"],
        "y": jwk["y"],
        "kid": thumbprint(jwk),
        "alg": "ES256",
        "use": "sig",
    }


EXPECTED = "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"
