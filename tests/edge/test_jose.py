"""The strict checker: good tokens are read, and everything else is refused in one way (RFC 8725)."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Coroutine
from itertools import count
from typing import Any

import pytest

from edge import jose
from edge.errors import Problem
from edge.jose import (
    HEADER_LIMIT,
    LEEWAY,
    PROOF_TYPE,
    PROOF_WINDOW,
    TOKEN_LIMIT,
    decode_segment,
    encode_segment,
    seal,
    sign,
    thumbprint,
    unseal,
    verify,
    verify_proof,
)
from edge.keys import NativeKeys, fixed, generate

NOW = 1_767_225_600.0
ISSUED = int(NOW)
LIFE = 3600
DOCUMENT = generate()
KEYS = NativeKeys(fixed(DOCUMENT), lambda: NOW)
STRANGER = NativeKeys(fixed(generate()), lambda: NOW)
DEVICE = {name: DOCUMENT["keys"][0][name] for name in ("crv", "kty", "x", "y")}
CLAIMS = {"sub": "guest", "iat": ISSUED, "exp": ISSUED + LIFE, "名": "緑茶"}
IV = bytes(range(12))


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def entropy(size: int) -> bytes:
    return IV[:size]


def read_jws(token: Any, now: float = NOW, **options: Any) -> dict[str, Any]:
    claims: dict[str, Any] = run(verify(token, "x+jwt", KEYS, now=now, max_life=LIFE, **options))
    return claims


def read_jwe(token: Any, now: float = NOW, **options: Any) -> dict[str, Any]:
    claims: dict[str, Any] = run(unseal(token, "x+jwe", KEYS, now=now, max_life=LIFE, **options))
    return claims


def read_proof(token: Any, now: float = NOW) -> dict[str, Any]:
    claims, jkt = run(verify_proof(token, NativeKeys.verify_proof_signature, now=now))
    assert jkt == thumbprint(DEVICE)
    return dict(claims)


def refused(read: Any, token: Any, *rest: Any) -> None:
    """The input is refused as a problem, with no other exception and without a reason."""
    with pytest.raises(Problem) as caught:
        read(token, *rest)
    assert (caught.value.code, caught.value.detail, caught.value.members) == ("unauthorized", "", {})


# Makers: whatever they are told to make is signed or sealed well; only the checker can find fault with it.


def raw(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value)).encode()


def changed(good: dict[str, Any], **members: Any) -> dict[str, Any]:
    """`good` with `members`; those that are `...` are left out."""
    return {name: value for name, value in {**good, **members}.items() if value is not ...}


def jws(header: Any = None, payload: Any = CLAIMS, keys: NativeKeys = KEYS) -> str:
    header = {"alg": "ES256", "kid": KEYS.kid, "typ": "x+jwt"} if header is None else header
    message = f"{encode_segment(raw(header))}.{encode_segment(raw(payload))}"
    return f"{message}.{encode_segment(run(keys.sign(keys.kid, message.encode())))}"


def jwe(
    header: Any = None, payload: Any = CLAIMS, keys: NativeKeys = KEYS, key: str = "", iv: bytes = IV
) -> str:
    header = JWE_HEADER if header is None else header
    head = encode_segment(raw(header))
    sealed = run(keys.seal(keys.sealing_kid, iv, raw(payload), head.encode()))
    return ".".join((head, key, *map(encode_segment, (iv, sealed[:-16], sealed[-16:]))))


def proof(header: Any = None, payload: Any = None) -> str:
    header = PROOF_HEADER if header is None else header
    return jws(header, PROOF if payload is None else payload)


JWS_HEADER = {"alg": "ES256", "kid": KEYS.kid, "typ": "x+jwt"}
JWE_HEADER = {"alg": "dir", "enc": "A256GCM", "kid": KEYS.sealing_kid, "typ": "x+jwe"}
PROOF_HEADER = {"typ": PROOF_TYPE, "alg": "ES256", "jwk": DEVICE}
PROOF = {"jti": "j" * 22, "htm": "GET", "htu": "https://shop.test/", "iat": ISSUED}
KINDS = pytest.mark.parametrize(
    ("make", "read", "header"),
    [(jws, read_jws, JWS_HEADER), (jwe, read_jwe, JWE_HEADER), (proof, read_proof, PROOF_HEADER)],
    ids=["jws", "jwe", "proof"],
)


# What is good


def test_what_is_signed_is_verified() -> None:
    token = run(sign(KEYS, "x+jwt", CLAIMS))
    assert read_jws(token) == CLAIMS
    header = f'{{"alg":"ES256","kid":"{KEYS.kid}","typ":"x+jwt"}}'
    assert decode_segment(token.split(".")[0]) == header.encode()
    assert (
        decode_segment(token.split(".")[1])
        == json.dumps(CLAIMS, ensure_ascii=False, separators=(",", ":")).encode()
    )


def test_what_is_sealed_is_unsealed_and_readable_to_nobody() -> None:
    token = run(seal(KEYS, "x+jwe", CLAIMS, entropy))
    assert read_jwe(token) == CLAIMS
    head, key, iv, content, tag = token.split(".")
    header = f'{{"alg":"dir","enc":"A256GCM","kid":"{KEYS.sealing_kid}","typ":"x+jwe"}}'
    assert decode_segment(head) == header.encode()
    assert (key, decode_segment(iv), len(decode_segment(tag))) == ("", IV, 16)
    assert b"guest" not in decode_segment(content)


def test_a_proof_yields_its_claims_and_the_thumbprint_of_its_key() -> None:
    more = {**PROOF, "nonce": "n", "bd": "b", "other": [1]}
    assert read_proof(proof(payload=more)) == more


@KINDS
def test_hand_made_token_is_good_before_it_is_made_bad(make: Any, read: Any, header: dict[str, Any]) -> None:
    assert read(make()) in (CLAIMS, PROOF)
    assert read(make(dict(reversed(header.items())))) in (CLAIMS, PROOF)


@pytest.mark.parametrize(("make", "read"), [(jws, read_jws), (jwe, read_jwe)])
@pytest.mark.parametrize("now", [ISSUED - LEEWAY, ISSUED + LIFE + LEEWAY - 0.01])
def test_clocks_may_differ_by_the_leeway(make: Any, read: Any, now: float) -> None:
    assert read(make(), now) == CLAIMS


@pytest.mark.parametrize("now", [ISSUED - PROOF_WINDOW, ISSUED, ISSUED + PROOF_WINDOW])
def test_a_proof_may_be_half_a_minute_off(now: float) -> None:
    assert read_proof(proof(), now) == PROOF


@pytest.mark.parametrize(("make", "read"), [(jws, read_jws), (jwe, read_jwe)])
def test_a_token_may_be_as_long_as_its_limit(make: Any, read: Any) -> None:
    token = make()
    assert read(token, limit=len(token)) == CLAIMS
    with pytest.raises(Problem):
        read(token, limit=len(token) - 1)


@KINDS
def test_the_usual_limit(make: Any, read: Any, header: dict[str, Any]) -> None:
    good = CLAIMS if make is not proof else PROOF
    longest = next(
        n for n in range(2000, 4096) if len(make(payload={**good, "x": "y" * (n + 1)})) > TOKEN_LIMIT
    )
    assert read(make(payload={**good, "x": "y" * longest}))["x"] == "y" * longest
    refused(read, make(payload={**good, "x": "y" * (longest + 1)}))
    assert TOKEN_LIMIT == 4096


# What is broken


@KINDS
def test_every_truncation_is_refused(make: Any, read: Any, header: dict[str, Any]) -> None:
    token = make()
    for end in range(len(token)):
        refused(read, token[:end])
        refused(read, token[end + 1 :])


@KINDS
@pytest.mark.parametrize(
    "token",
    [
        *("", ".", "..", "...", "....", ".....", "a.b.c", "a.b", "a.b.c.d", "a.b.c.d.e", "é.é.é", "=.=.="),
        *(" . . ", "\0.\0.\0", "e30.e30.e30", "e30..e30.e30.e30", "\ud800.a.b"),
        *(None, 7, b"a.b.c", [], ["a", "b", "c"]),
    ],
    ids=count(),
)
def test_nonsense_is_refused(make: Any, read: Any, header: dict[str, Any], token: Any) -> None:
    refused(read, token)


@KINDS
def test_nothing_of_ten_megabytes_is_looked_at(
    make: Any, read: Any, header: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = make()

    def untouched(*_: Any) -> Any:
        raise BaseExceptionGroup("looked at", [KeyboardInterrupt()])  # no `except Exception` hides it

    class Long(str):
        __slots__ = ()
        split = partition = rpartition = encode = __iter__ = __getitem__ = untouched

    monkeypatch.setattr(jose, "decode_segment", untouched)
    for long in ("a" * 10_000_000, token + "." * 10_000_000, token + "A" * 10_000_000):
        refused(read, Long(long))


@KINDS
def test_a_long_header_is_not_decoded(make: Any, read: Any, header: dict[str, Any]) -> None:
    def padded(n: int) -> str:
        return json.dumps(header) + " " * n

    fits = next(n for n in range(HEADER_LIMIT) if len(encode_segment(padded(n).encode())) == HEADER_LIMIT)
    assert read(make(padded(fits)))
    refused(read, make(padded(fits + 1)))


# What is well signed but not ours


@KINDS
@pytest.mark.parametrize(
    "members",
    [
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "HS256"},
        {"alg": "ES384"},
        {"alg": "RSA1_5"},
        {"alg": "A256GCMKW"},
        {"alg": ["ES256"]},
        {"alg": ["dir"]},
        {"alg": ...},
        {"enc": "A128GCM"},
        {"enc": "A256CBC-HS512"},
        {"typ": "y+jwt"},
        {"typ": "JWT"},
        {"typ": ...},
        {"typ": None},
        {"crit": ["exp"]},
        {"crit": []},
        {"jku": "http://attacker"},
        {"x5u": "http://attacker"},
        {"x5c": []},
        {"b64": False},
        {"zip": "DEF"},
        {"cty": "JWT"},
    ],
    ids=str,
)
def test_header_with_anything_else_is_refused(
    make: Any, read: Any, header: dict[str, Any], members: dict[str, Any]
) -> None:
    refused(read, make(changed(header, **members)))


@pytest.mark.parametrize(
    ("make", "read", "header"), [(jws, read_jws, JWS_HEADER), (jwe, read_jwe, JWE_HEADER)]
)
@pytest.mark.parametrize(
    "members",
    [
        {"kid": ...},
        {"kid": ""},
        {"kid": None},
        {"kid": 7},
        {"kid": ["a"]},
        {"kid": "../../key"},
        {"kid": "x" * 44},
        {"kid": "unknown"},
        {"jwk": DEVICE},
        {"typ": "X+JWT"},
        {"typ": "X+JWE"},
    ],
)
def test_key_ids_that_are_none_are_refused(
    make: Any, read: Any, header: Any, members: dict[str, Any]
) -> None:
    refused(read, make(changed(header, **members)))


@pytest.mark.parametrize(
    ("make", "header", "method"),
    [(jws, JWS_HEADER, "verify"), (jwe, JWE_HEADER, "unseal")],
    ids=["jws", "jwe"],
)
@pytest.mark.parametrize(
    ("kid", "asked"), [("x" * 43, True), ("x" * 44, False), ("a/b", False), ("a\n", False)], ids=count()
)
def test_only_a_well_formed_key_id_is_looked_up(
    make: Any, header: dict[str, Any], method: str, kid: str, asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    async def look(self: NativeKeys, kid: str, *_: bytes) -> None:
        seen.append(kid)

    token = make(changed(header, kid=kid))
    monkeypatch.setattr(NativeKeys, method, look)
    refused(read_jws if make is jws else read_jwe, token)
    assert seen == ([kid] if asked else [])


@pytest.mark.parametrize(
    "jwk",
    [
        None,
        [],
        "key",
        {},
        changed(DEVICE, crv="P-384"),
        changed(DEVICE, kty="oct"),
        changed(DEVICE, x=...),
        changed(DEVICE, y=...),
        changed(DEVICE, x=7),
        changed(DEVICE, x=[DEVICE["x"]]),
        changed(DEVICE, x=DEVICE["x"][:-1]),
        changed(DEVICE, y=DEVICE["y"] + "AA"),
        changed(DEVICE, y=DEVICE["y"] + "="),
        changed(DEVICE, x="A" * 43),
        changed(DEVICE, y=DEVICE["x"]),
        changed(DEVICE, d=DOCUMENT["keys"][0]["d"]),
        changed(DEVICE, kid="a"),
        changed(DEVICE, alg="ES256"),
        {"kty": "oct", "k": "AAAA"},
        {"kty": "RSA", "n": "AAAA", "e": "AQAB"},
    ],
)
def test_a_proof_names_a_public_key_and_nothing_beside_it(jwk: Any) -> None:
    refused(read_proof, proof({**PROOF_HEADER, "jwk": jwk}))
    refused(read_proof, proof({**PROOF_HEADER, "kid": KEYS.kid}))
    refused(read_proof, proof({"typ": PROOF_TYPE, "alg": "ES256"}))


def test_a_coordinate_of_another_length_never_reaches_the_library() -> None:
    async def trusting(*_: Any) -> bool:
        return True

    for length, good in ((31, False), (32, True), (33, False)):
        for name in ("x", "y"):
            jwk = {**DEVICE, name: encode_segment(bytes(length))}
            work = verify_proof(proof({**PROOF_HEADER, "jwk": jwk}), trusting, now=NOW)
            if good:
                assert run(work)[1] == thumbprint(jwk)
            else:
                with pytest.raises(Problem):
                    run(work)


def test_alg_none_without_signature_is_refused() -> None:
    header = changed(JWS_HEADER, alg="none")
    refused(read_jws, f"{encode_segment(raw(header))}.{encode_segment(raw(CLAIMS))}.")


@KINDS
@pytest.mark.parametrize("text", ["[]", '"text"', "null", "1", "{", "", "[" * 700, "9" * 700, "NaN"])
def test_what_is_no_object_is_refused(make: Any, read: Any, header: dict[str, Any], text: str) -> None:
    refused(read, make(text))
    refused(read, make(payload=text))


@KINDS
def test_deep_nesting_never_reaches_the_parser(
    make: Any, read: Any, header: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    good = CLAIMS if make is not proof else PROOF
    deep, allowed = (json.dumps(good)[:-1] + ', "x": ' + "[" * n + "]" * n + "}" for n in (500, 499))
    assert read(make(payload=allowed))["x"] is not None
    parsed = []
    loads = json.loads
    monkeypatch.setattr(jose.json, "loads", lambda text, **how: parsed.append(text) or loads(text, **how))
    refused(read, make(payload=deep))
    assert len(parsed) == 1  # the header


@KINDS
def test_duplicate_members_are_refused(make: Any, read: Any, header: dict[str, Any]) -> None:
    good = CLAIMS if make is not proof else PROOF
    refused(read, make(json.dumps(header).replace("{", '{"alg": "none", ', 1)))
    refused(read, make(payload=json.dumps(good).replace("{", '{"iat": 1, ', 1)))
    nested = json.dumps({**good, "x": {}}).replace('"x": {}', '"x": {"a": 1, "a": 1}')
    refused(read, make(payload=nested))


@KINDS
@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_constants_that_json_has_not_are_refused(
    make: Any, read: Any, header: dict[str, Any], constant: str
) -> None:
    good = CLAIMS if make is not proof else PROOF
    refused(read, make(payload=json.dumps(good)[:-1] + f', "x": {constant}}}'))


@KINDS
@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b"\xff", b"\xc0\x80", b"\0"], ids=count())
def test_what_is_not_plain_utf_8_is_refused(
    make: Any, read: Any, header: dict[str, Any], prefix: bytes
) -> None:
    good = CLAIMS if make is not proof else PROOF
    refused(read, make(prefix + raw(header)))
    refused(read, make(payload=prefix + raw(good)))
    refused(read, make(payload=raw(good).decode().encode("utf-16")))


@KINDS
def test_other_spellings_of_the_same_bytes_are_refused(make: Any, read: Any, header: dict[str, Any]) -> None:
    token = make()
    parts = token.split(".")
    for place, part in enumerate(parts):
        for other in (part + "=", part + "==", part + "\n", " " + part, part + "A", part + "%3D"):
            refused(read, ".".join([*parts[:place], other, *parts[place + 1 :]]))
    refused(read, token + ".")
    refused(read, "." + token)


def test_padding_that_is_signed_is_refused() -> None:
    padded = base64.urlsafe_b64encode(raw({**CLAIMS, "sub": "gues"})).decode()
    assert padded.endswith("=")
    message = f"{encode_segment(raw(JWS_HEADER))}.{padded}"
    refused(read_jws, f"{message}.{encode_segment(run(KEYS.sign(KEYS.kid, message.encode())))}")


@pytest.mark.parametrize("text", ["+/+/", "YQ==", "YQ=", "YR", "Y", "Y Q", "YQ\n", "ä"], ids=count())
def test_only_one_spelling_of_base64url_is_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_segment(text)


@pytest.mark.parametrize("data", [b"", b"a", b"ab", b"abc", b"\xfb\xff\xfe"], ids=count())
def test_canonical_segment_is_read(data: bytes) -> None:
    assert decode_segment(encode_segment(data)) == data


@pytest.mark.parametrize(("make", "read"), [(jws, read_jws), (jwe, read_jwe)])
@pytest.mark.parametrize(
    "members",
    [
        {"iat": NOW},
        {"exp": NOW + 60},
        {"iat": str(ISSUED)},
        {"exp": str(ISSUED + 60)},
        {"iat": None},
        {"exp": None},
        {"iat": ...},
        {"exp": ...},
        {"iat": True},
        {"exp": False},
        {"exp": ISSUED},
        {"exp": ISSUED - 1},
        {"iat": ISSUED + LEEWAY + 1, "exp": ISSUED + 60},
        {"iat": ISSUED - 100, "exp": ISSUED - LEEWAY},
        {"exp": ISSUED + LIFE + 1},
        {"iat": ISSUED - 1},
        {"iat": -(10**400), "exp": ISSUED + 60},
        {"iat": 1e400},
    ],
    ids=str,
)
def test_times_that_are_wrong_are_refused(make: Any, read: Any, members: dict[str, Any]) -> None:
    text = json.dumps(changed(CLAIMS, **members)).replace("Infinity", "1e400")
    refused(read, make(payload=text))


@pytest.mark.parametrize(("make", "read"), [(jws, read_jws), (jwe, read_jwe)])
@pytest.mark.parametrize("now", [ISSUED - LEEWAY - 0.01, ISSUED + LIFE + LEEWAY])
def test_token_of_another_time_is_refused(make: Any, read: Any, now: float) -> None:
    refused(read, make(), now)


@pytest.mark.parametrize("now", [ISSUED - PROOF_WINDOW - 0.01, ISSUED + PROOF_WINDOW + 0.01])
def test_proof_of_another_time_is_refused(now: float) -> None:
    refused(read_proof, proof(), now)


@pytest.mark.parametrize(
    "members",
    [
        *(
            {name: value}
            for name in ("jti", "htm", "htu")
            for value in (..., None, 7, "", [], "é", ["a"], {})
        ),
        *({"iat": value} for value in (..., None, NOW, str(ISSUED), True, 10**400, 1e400)),
        {"jti": "\ud800"},
    ],
    ids=count(),
)
def test_proof_without_what_the_rfc_asks_for_is_refused(members: dict[str, Any]) -> None:
    refused(read_proof, proof(payload=json.dumps(changed(PROOF, **members)).replace("Infinity", "1e400")))


def flipped(token: str) -> str:
    """The token with another last byte, spelled as it should be."""
    rest, _, last = token.rpartition(".")
    data = decode_segment(last)
    return f"{rest}.{encode_segment(data[:-1] + bytes([data[-1] ^ 1]))}"


REASONS = {
    "length": [(read_jws, "a" * 4097), (read_jwe, "a" * 4097), (read_proof, "a" * 4097)],
    "header": [
        (read_jws, jws(changed(JWS_HEADER, alg="none"))),
        (read_jwe, jwe(changed(JWE_HEADER, kid="a/b"))),
        (read_proof, proof(changed(PROOF_HEADER, kid="a"))),
        (read_jws, jws(json.dumps(JWS_HEADER) + " " * 800)),
    ],
    "signature": [
        *((read_jws, token) for token in (flipped(jws()), jws() + "AAAA")),
        *((read_proof, token) for token in (flipped(proof()), proof() + "AAAA")),
    ],
    "segments": [(read_jwe, jwe(key="AAAA")), (read_jwe, jwe() + "AA")],
    "tag": [(read_jwe, flipped(jwe()))],
    "jwk": [(read_proof, proof({**PROOF_HEADER, "jwk": {**DEVICE, "kid": "a"}}))],
    "coordinates": [(read_proof, proof({**PROOF_HEADER, "jwk": {**DEVICE, "x": "AA"}}))],
    "depth": [(read_jws, jws(payload="[" * 501)), (read_jwe, jwe(payload="[" * 501))],
    "object": [
        (read_jws, jws(payload="[]")),
        (read_jwe, jwe(payload="[]")),
        (read_proof, proof(payload="[]")),
    ],
    "duplicate member": [(read_jws, jws(payload='{"a": 1, "a": 1}'))],
    "not canonical base64url": [
        (read_jws, f"{jws()[:-1]}{chr(ord(jws()[-1]) + 1)}"),
        (read_jwe, "YR..YR.YR.YR"),
    ],
    "times are integers": [
        (read_jws, jws(payload={"iat": 1.0, "exp": 2})),
        (read_jwe, jwe(payload={"iat": 1, "exp": "2"})),
    ],
    "time": [
        (read_jws, jws(payload={"iat": 1, "exp": 2})),
        (read_proof, proof(payload=changed(PROOF, iat=1))),
    ],
    "claims": [(read_proof, proof(payload=changed(PROOF, jti="")))],
}


@pytest.mark.parametrize(
    ("reason", "read", "token"),
    [(reason, *case) for reason, cases in REASONS.items() for case in cases],
    ids=count(),
)
def test_each_check_refuses_what_it_is_there_for(reason: str, read: Any, token: str) -> None:
    """The reason is for a debugger only: the problem itself does not tell it."""
    with pytest.raises(Problem) as caught:
        read(token)
    assert str(caught.value.__cause__) == reason


def test_a_token_may_live_for_a_second() -> None:
    claims = {"iat": ISSUED, "exp": ISSUED + 1}
    assert read_jws(jws(payload=claims)) == read_jwe(jwe(payload=claims)) == claims


# Signatures, keys, tags


def test_signature_of_another_length_is_refused_whatever_the_verifier_says() -> None:
    class Trusting:
        """Finds every signature good."""

        async def verify(self, kid: str, message: bytes, signature: bytes) -> bool:
            return True

    async def trusting(*_: Any) -> bool:
        return True

    for length, good in ((0, False), (63, False), (64, True), (65, False)):
        ending = encode_segment(bytes(length))
        works = [
            verify(f"{jws().rpartition('.')[0]}.{ending}", "x+jwt", Trusting(), now=NOW, max_life=LIFE),
            verify_proof(f"{proof().rpartition('.')[0]}.{ending}", trusting, now=NOW),
        ]
        for work in works:
            if good:
                assert run(work)
            else:
                with pytest.raises(Problem):
                    run(work)


@pytest.mark.parametrize("iv", [b"", IV[:8], IV[:11], IV + b"\0", IV + IV[:4]], ids=len)
def test_iv_of_another_length_never_reaches_the_library(iv: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = jwe().split(".")
    asked = []
    monkeypatch.setattr(NativeKeys, "unseal", lambda *_: asked.append(1))
    refused(read_jwe, ".".join([*parts[:2], encode_segment(iv), *parts[3:]]))
    assert asked == []


@pytest.mark.parametrize("length", [0, 4, 12, 15, 17])
def test_tag_of_another_length_is_refused(length: int) -> None:
    head, key, iv, content, tag = jwe().split(".")
    # The bytes stay the same altogether: only where content ends and tag begins moves.
    whole = decode_segment(content) + decode_segment(tag)
    parts = map(encode_segment, (whole[: len(whole) - length], whole[len(whole) - length :]))
    refused(read_jwe, ".".join((head, key, iv, *parts)))


def test_an_encrypted_key_is_refused() -> None:
    refused(read_jwe, jwe(key="AAAA"))


def test_token_of_another_key_is_refused() -> None:
    refused(read_jws, jws(changed(JWS_HEADER, kid=STRANGER.kid), keys=STRANGER))
    refused(read_jwe, jwe(changed(JWE_HEADER, kid=STRANGER.sealing_kid), keys=STRANGER))


def test_token_of_another_key_under_a_known_kid_is_refused() -> None:
    refused(read_jws, jws(keys=STRANGER))
    refused(read_jwe, jwe(keys=STRANGER))
    refused(read_proof, jws(PROOF_HEADER, PROOF, keys=STRANGER))


def test_kinds_are_not_interchangeable() -> None:
    for read in (read_jws, read_jwe, read_proof):
        for make in (jws, jwe, proof):
            if (make, read) not in ((jws, read_jws), (jwe, read_jwe), (proof, read_proof)):
                refused(read, make())
    refused(read_jws, jws(changed(JWS_HEADER, kid=KEYS.sealing_kid)))
    refused(read_jwe, jwe(changed(JWE_HEADER, kid=KEYS.kid)))


@pytest.mark.parametrize("failure", [ValueError, KeyError, LookupError, RuntimeError, MemoryError])
def test_no_exception_of_a_library_escapes(failure: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> Any:
        raise failure

    tokens = {read_jws: jws(), read_jwe: jwe()}
    for method in ("verify", "unseal"):
        monkeypatch.setattr(NativeKeys, method, fail)
    for read, token in tokens.items():
        refused(read, token)
    with pytest.raises(Problem):
        run(verify_proof(proof(), fail, now=NOW))


# Published examples


def test_thumbprint_hashes_the_required_members_in_order_and_nothing_else() -> None:
    # RFC 9449 section 6.1 gives the thumbprint of the key of its section 4.1.
    jwk = {
        "kty": "EC",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
        "crv": "P-256",
    }
    expected = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    assert thumbprint(jwk) == expected
    assert thumbprint({**jwk, "alg": "ES256", "kid": "old", "use": "sig", "d": "secret"}) == expected
    assert thumbprint({**jwk, "x": jwk["y"]}) != expected
