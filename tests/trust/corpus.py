"""Hostile tokens, each with a name. Whatever can be signed or sealed well is, so that only the strict
checker can find fault with it. Attacks that became a CVE elsewhere bear its id.

`KEYS` is the private set that makes them, `GOOD` an unharmed token of each kind.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge.jose import decode_segment, encode_segment
from edge.keys import Loaded, NativeKeys, fixed, generate

NOW = 1_767_225_600
SID = "s" * 22
LIFE = {
    "session": 600,
    "guest": 1_209_600,
    "sealed": 86_400,
    "view": 1_209_600,
    "assertion": 60,
    "revocations": 60,
}
ENDED = generate()  # a whole set whose time is over
for _row in ENDED["keys"]:
    _row["exp"] = NOW
KEYS: dict[str, Any] = {"keys": generate()["keys"] + ENDED["keys"]}
SIGNING, SEALING = KEYS["keys"][:2]
STRANGER = generate()["keys"]
DEVICE = {name: SIGNING[name] for name in ("crv", "kty", "x", "y")}
IV = bytes(range(12))

ALL = NativeKeys(fixed({"keys": [*KEYS["keys"][:2], *generate()["keys"]]}), lambda: NOW)
KINDS = ("session", "guest", "sealed", "view", "assertion", "revocations", "proof")
SEALED = ("session", "guest", "sealed")

TIMES = {"iat": NOW, "exp": NOW + 60}
CALL = {"htm": "POST", "htu": "/commit", "bd": encode_segment(hashlib.sha256(b"{}").digest()), "ik": "k" * 16}
CLAIMS: dict[str, dict[str, Any]] = {
    "session": {"sub": "ann", "sid": SID, **TIMES, "aut": NOW, "epo": 0, "usr": {}},
    "guest": {"sub": "ann", "sid": SID, **TIMES, "aut": NOW, "epo": 0, "usr": {}},
    "sealed": {"sid": SID, **TIMES, "ver": 1, "val": {}},
    "view": {
        "sub": "ann",
        "sid": SID,
        **TIMES,
        "ver": 1,
        "keys": [],
        "state": {},
        "usr": {},
        "guest": False,
        "frm": "f" * 22,
        "shp": 0,
    },
    "assertion": {"aud": "edgekit-origin", "sub": "ann", "sid": SID, "epo": 0, **TIMES, **CALL},
    "revocations": {**TIMES, "floor": 0, "sids": []},
    "proof": {"jti": "j" * 22, "htm": "GET", "htu": "https://shop.test/", "iat": NOW},
}


class Hostile(NamedTuple):
    """A token that has to be refused. `repeat`: it is that many times as long."""

    name: str
    kind: str
    token: Any
    repeat: int = 1


def header_of(kind: str) -> dict[str, Any]:
    if kind == "proof":
        return {"typ": "dpop+jwt", "alg": "ES256", "jwk": DEVICE}
    if kind in SEALED:
        return {"alg": "dir", "enc": "A256GCM", "kid": SEALING["kid"], "typ": f"edgekit-{kind}+jwe"}
    return {"alg": "ES256", "kid": SIGNING["kid"], "typ": f"edgekit-{kind}+jwt"}


def raw(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value)).encode()


def signature(message: str, jwk: dict[str, Any] = SIGNING) -> bytes:
    keys = NativeKeys(fixed({"keys": [{**jwk, "exp": NOW + 1}]}), lambda: NOW)
    return asyncio.run(keys.sign(jwk["kid"], message.encode()))


def jws(header: Any, claims: Any, jwk: dict[str, Any] = SIGNING) -> str:
    message = f"{encode_segment(raw(header))}.{encode_segment(raw(claims))}"
    return f"{message}.{encode_segment(signature(message, jwk))}"


def jwe(header: Any, claims: Any, jwk: dict[str, Any] = SEALING, key: str = "", iv: bytes = IV) -> str:
    head = encode_segment(raw(header))
    keys = NativeKeys(fixed({"keys": [{**jwk, "exp": NOW + 1}]}), lambda: NOW)
    sealed = asyncio.run(keys.seal(jwk["kid"], iv, raw(claims), head.encode()))
    return ".".join((head, key, *map(encode_segment, (iv, sealed[:-16], sealed[-16:]))))


def make(kind: str, header: Any = None, claims: Any = None, jwk: dict[str, Any] | None = None) -> str:
    """A token of `kind` over these very bytes, well signed or sealed."""
    header = header_of(kind) if header is None else header
    claims = CLAIMS[kind] if claims is None else claims
    return jwe(header, claims, jwk or SEALING) if kind in SEALED else jws(header, claims, jwk or SIGNING)


def changed(members: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """`members` with `change`; those that are `...` are left out."""
    return {name: value for name, value in (members | change).items() if value is not ...}


GOOD = {kind: make(kind) for kind in KINDS}
SHORT = ("session", "view", "proof")  # one kind for each of the three ways of checking


def hostile() -> Iterator[Hostile]:
    for kind in SHORT:
        yield from _nonsense(kind)
        yield from _spelling(kind)
        yield from _headers(kind)
        yield from _json(kind)
    for kind in KINDS:
        yield from _times(kind)
        yield from _keys(kind)
    yield from _swapped()
    yield from _claims()
    yield from _proof_keys()
    yield from _signatures()
    yield from _encryption()
    yield from _cves()


def _nonsense(kind: str) -> Iterator[Hostile]:
    token = GOOD[kind]
    texts = {
        "empty": "",
        "a dot": ".",
        "dots only": "." * token.count("."),
        "a dot too few": token.rpartition(".")[0],
        "a dot too many": token + ".",
        "a dot in front": "." + token,
        "empty objects": ".".join(["e30"] * (token.count(".") + 1)),
        "no base64": ".".join(["!!"] * (token.count(".") + 1)),
        "not ASCII": token.replace(".", "。"),
        "other digits": token.replace("e", "е"),  # noqa: RUF001 - a Cyrillic letter
        "a surrogate": "\ud800" + token,
        "a null": token + "\0",
        "a line break": token + "\n",
        "spaces": f" {token} ",
        "quotes": f'"{token}"',
        "twice": f"{token},{token}",
        "a list of parts": token.split("."),
        "no text": None,
        "a number": 7,
        "percent encoded": token.replace(".", "%2E"),
        "upper case": token.upper(),
    }
    yield from (Hostile(name, kind, text) for name, text in texts.items())
    yield Hostile("10 MB of one letter", kind, "a", 10_000_000)
    yield Hostile("10 MB of dots", kind, ".", 10_000_000)
    yield Hostile("10 MB of good tokens", kind, token, 10_000_000 // len(token))
    yield Hostile("4097 characters, well made", kind, make(kind, claims={**CLAIMS[kind], "x": "y" * 4096}))


def _spelling(kind: str) -> Iterator[Hostile]:
    parts = GOOD[kind].split(".")
    for place, part in enumerate(parts):
        other = chr(ord(part[-1]) + 1) if part else "A"  # the unused bits of the last digit
        for name, text in {
            "padded": part + "=" * (-len(part) % 4 or 1),
            "with a line break": part + "\n",
            "with a space": part + " ",
            "in the other alphabet": "+/" + part[2:],
            "with unused bits": part[:-1] + other,
        }.items():
            yield Hostile(
                f"segment {place} {name}", kind, ".".join([*parts[:place], text, *parts[place + 1 :]])
            )
    if kind != "session":
        yield Hostile("payload padded before signing", kind, _signed_padding(kind))


def _signed_padding(kind: str) -> str:
    message = f"{encode_segment(raw(header_of(kind)))}.{encode_segment(raw(CLAIMS[kind]) + b' ')}"
    while len(message.split(".")[1]) % 4 == 0:
        message = f"{encode_segment(raw(header_of(kind)))}.{encode_segment(raw(CLAIMS[kind]) + b'  ')}"
    message += "=" * (-len(message.split(".")[1]) % 4)
    return f"{message}.{encode_segment(signature(message))}"


HEADERS: dict[str, dict[str, Any]] = {
    "alg none": {"alg": "none"},
    "alg None": {"alg": "None"},
    "alg nOnE": {"alg": "nOnE"},
    "alg empty": {"alg": ""},
    "alg null": {"alg": None},
    "alg missing": {"alg": ...},
    "alg a list": {"alg": ["ES256"]},
    "alg HS256": {"alg": "HS256"},
    "alg RS256": {"alg": "RS256"},
    "alg PS256": {"alg": "PS256"},
    "alg ES384": {"alg": "ES384"},
    "alg ES256K": {"alg": "ES256K"},
    "alg EdDSA": {"alg": "EdDSA"},
    "alg es256": {"alg": "es256"},
    "alg RSA1_5": {"alg": "RSA1_5"},
    "alg RSA-OAEP": {"alg": "RSA-OAEP"},
    "alg PBES2": {"alg": "PBES2-HS256+A128KW", "p2c": 2**31, "p2s": "AAAA"},
    "alg ECDH-ES": {"alg": "ECDH-ES", "epk": DEVICE},
    "alg A256KW": {"alg": "A256KW"},
    "alg A256GCMKW": {"alg": "A256GCMKW"},
    "enc A128GCM": {"enc": "A128GCM"},
    "enc A256CBC-HS512": {"enc": "A256CBC-HS512"},
    "typ missing": {"typ": ...},
    "typ JWT": {"typ": "JWT"},
    "typ at+jwt": {"typ": "at+jwt"},
    "typ with a media type in front": {"typ": "application/edgekit-view+jwt"},
    "typ with a space": {"typ": "edgekit-view+jwt "},
    "typ in capitals": {"typ": "EDGEKIT-VIEW+JWT"},
    "typ a list": {"typ": ["edgekit-view+jwt", "edgekit-session+jwe", "dpop+jwt"]},
    "x5u": {"x5u": "https://attacker.test/cert.pem"},
    "x5c": {"x5c": ["MIIB"]},
    "x5t": {"x5t": "AAAA"},
    "cty JWT": {"cty": "JWT"},
    "zip": {"zip": "DEF"},
    "an unknown member": {"x": 1},
}


def _headers(kind: str) -> Iterator[Hostile]:
    good = header_of(kind)
    yield from (
        Hostile(f"header: {name}", kind, make(kind, changed(good, change)))
        for name, change in HEADERS.items()
    )
    if kind != "proof":
        for kid in (
            ...,
            "",
            None,
            7,
            [good["kid"]],
            {"a": 1},
            "unknown",
            good["kid"].lower(),
            good["kid"] + "A",
        ):
            yield Hostile(f"header: kid {kid!r}"[:40], kind, make(kind, changed(good, {"kid": kid})))
        for kid in ("../../../../etc/passwd", "/dev/null", "' OR '1'='1", "a\0b", "x" * 1000, "__proto__"):
            yield Hostile(f"header: kid {kid!r}"[:40], kind, make(kind, changed(good, {"kid": kid})))
    yield Hostile("header of 1025 characters", kind, make(kind, json.dumps(good) + " " * 700))


def _json(kind: str) -> Iterator[Hostile]:
    header, claims = header_of(kind), CLAIMS[kind]
    twice = json.dumps(header).replace("{", '{"alg": "none", ', 1)
    yield Hostile("header: alg twice", kind, make(kind, twice))
    yield Hostile(
        "claims: iat twice", kind, make(kind, claims=json.dumps(claims).replace("{", '{"iat": 1, ', 1))
    )
    nested = json.dumps({**claims, "x": 0}).replace('"x": 0', '"x": {"a": {"b": 1, "b": 2}}')
    yield Hostile("claims: a nested member twice", kind, make(kind, claims=nested))
    for name, text in {
        "a list": "[]",
        "null": "null",
        "a text": '"text"',
        "nothing": "",
        "open": "{",
        "two objects": json.dumps(header) + json.dumps(header),
        "a comment": "/**/" + json.dumps(header),
        "single quotes": json.dumps(header).replace('"', "'"),
        "a comma too many": json.dumps(header).replace("}", ",}"),
        "700 brackets": "[" * 700,
        "700 digits": "9" * 700,
    }.items():
        yield Hostile(f"header: {name}", kind, make(kind, text))
        yield Hostile(
            f"claims: {name}", kind, make(kind, claims=text.replace(json.dumps(header), json.dumps(claims)))
        )
    for name, prefix in {
        "a byte order mark": b"\xef\xbb\xbf",
        "overlong UTF-8": b"\xc0\xa0",
        "latin-1": b"\xe4",
    }.items():
        yield Hostile(f"header: {name}", kind, make(kind, prefix + raw(header)))
        yield Hostile(f"claims: {name}", kind, make(kind, claims=prefix + raw(claims)))
    yield Hostile("claims: UTF-16", kind, make(kind, claims=json.dumps(claims).encode("utf-16")))
    deep = json.dumps(claims)[:-1] + ', "x": ' + "[" * 600 + "]" * 600 + "}"
    yield Hostile("claims: 600 levels", kind, make(kind, claims=deep))
    for constant in ("NaN", "Infinity", "-Infinity"):
        text = json.dumps(claims)[:-1] + f', "x": {constant}}}'
        yield Hostile(f"claims: {constant}", kind, make(kind, claims=text))


def _times(kind: str) -> Iterator[Hostile]:
    issued: dict[str, Any] = {
        "a float": float(NOW),
        "a text": str(NOW),
        "null": None,
        "true": True,
        "missing": ...,
        "a list": [NOW],
        "in a minute": NOW + 60,
        "in milliseconds": NOW * 1000,
        "minus infinity": -(10**400),
        "plus infinity": 10**400,
    }
    for name, value in issued.items():
        yield Hostile(f"iat {name}", kind, make(kind, claims=changed(CLAIMS[kind], {"iat": value})))
    if kind == "proof":
        yield Hostile("iat 31 seconds ago", kind, make(kind, claims={**CLAIMS[kind], "iat": NOW - 31}))
        return
    for name, change in {
        "exp a float": {"exp": NOW + 60.0},
        "exp a text": {"exp": str(NOW + 60)},
        "exp null": {"exp": None},
        "exp true": {"exp": True},
        "exp missing": {"exp": ...},
        "exp as iat": {"exp": NOW},
        "exp before iat": {"exp": NOW - 1},
        "exp reached": {"iat": NOW - 60, "exp": NOW - 5},
        "exp in a hundred years": {"exp": NOW + 100 * 365 * 86_400},
        "exp a second too late": {"exp": NOW + LIFE[kind] + 1},
    }.items():
        yield Hostile(name, kind, make(kind, claims=changed(CLAIMS[kind], change)))


def _keys(kind: str) -> Iterator[Hostile]:
    own, strange, ended = (
        (1, STRANGER[1], ENDED["keys"][1]) if kind in SEALED else (0, STRANGER[0], ENDED["keys"][0])
    )
    yield Hostile("the key of a stranger under our kid", kind, make(kind, jwk=strange))
    if kind != "proof":
        for name, jwk in {"a stranger": strange, "a key that has ended": ended}.items():
            yield Hostile(
                f"{name}, under its kid", kind, make(kind, {**header_of(kind), "kid": jwk["kid"]}, jwk=jwk)
            )
        other = KEYS["keys"][1 - own]["kid"]
        yield Hostile(
            "the kid of a key of the other use", kind, make(kind, {**header_of(kind), "kid": other})
        )


def _swapped() -> Iterator[Hostile]:
    """Good tokens where others belong."""
    for kind in KINDS:
        for other in KINDS:
            if kind != other and {kind, other} != {"session", "guest"}:
                yield Hostile(f"a good {other}", kind, GOOD[other])
    for kind in SHORT:
        first, second = (
            make(kind).split("."),
            make(kind, claims={**CLAIMS[kind], "sub": "eve", "jti": "eve"}).split("."),
        )
        for place in range(1, len(first)):
            if first[place] != second[place]:
                mixed = [*first[:place], second[place], *first[place + 1 :]]
                yield Hostile(f"segment {place} of another token", kind, ".".join(mixed))


def _claims() -> Iterator[Hostile]:
    wrong: dict[str, dict[str, Any]] = {
        "session": {"sub": 7, "sid": None, "aut": "1", "epo": 1.5, "usr": [], "jkt": None},
        "guest": {"sub": ..., "sid": ..., "aut": ..., "epo": ..., "usr": ..., "jkt": 7},
        "sealed": {"sid": "another", "ver": True, "val": None},
        "view": {
            "sub": {},
            "sid": 1,
            "ver": "1",
            "keys": [1],
            "state": [],
            "usr": 1,
            "guest": 0,
            "frm": None,
            "jkt": [],
        },
        "assertion": {
            "aud": "another",
            "sub": None,
            "sid": 7,
            "epo": "0",
            "htm": "GET",
            "htu": "/",
            "bd": "",
            "ik": "",
        },
        "revocations": {"floor": "0", "sids": {"a": 1}},
        "proof": {"jti": "", "htm": ["GET"], "htu": None},
    }
    for kind, members in wrong.items():
        for name, value in members.items():
            token = make(kind, claims=changed(CLAIMS[kind], {name: value}))
            yield Hostile(f"{name} {'missing' if value is ... else value!r}", kind, token)
    yield Hostile(
        "aud a list with ours in it",
        "assertion",
        make("assertion", claims={**CLAIMS["assertion"], "aud": ["edgekit-origin"]}),
    )


def _proof_keys() -> Iterator[Hostile]:
    good = header_of("proof")
    for name, jwk in {
        "a private key": {**DEVICE, "d": SIGNING["d"]},
        "a symmetric key": {"kty": "oct", "k": SEALING["k"]},
        "an RSA key": {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        "another curve": {**DEVICE, "crv": "P-384"},
        "a kid beside": {**DEVICE, "kid": "a"},
        "an alg beside": {**DEVICE, "alg": "ES256"},
        "x short": {**DEVICE, "x": DEVICE["x"][:-2]},
        "x long": {**DEVICE, "x": "AA" + DEVICE["x"]},
        "x padded": {**DEVICE, "x": DEVICE["x"] + "="},
        "x a number": {**DEVICE, "x": 7},
        "y missing": {name: value for name, value in DEVICE.items() if name != "y"},
        "a point off the curve": {**DEVICE, "y": DEVICE["x"]},
        "the point at infinity": {**DEVICE, "x": "A" * 43, "y": "A" * 43},
        "x above the field": {**DEVICE, "x": encode_segment(b"\xff" * 32)},
        "no key": None,
        "a URL": "https://attacker.test/key",
    }.items():
        yield Hostile(f"jwk: {name}", "proof", make("proof", {**good, "jwk": jwk}))
    yield Hostile(
        "jwk missing, kid instead",
        "proof",
        make("proof", {"typ": "dpop+jwt", "alg": "ES256", "kid": SIGNING["kid"]}),
    )
    yield Hostile("kid beside jwk", "proof", make("proof", {**good, "kid": SIGNING["kid"]}))


ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def _signatures() -> Iterator[Hostile]:
    for kind in ("view", "proof"):
        message = GOOD[kind].rpartition(".")[0]
        good = decode_segment(GOOD[kind].rpartition(".")[2])
        r, s = int.from_bytes(good[:32], "big"), int.from_bytes(good[32:], "big")
        for name, value in {
            "empty": b"",
            "half": good[:32],
            "a byte short": good[:-1],
            "a byte long": good + b"\0",
            "twice": good + good,
            "r and s swapped": good[32:] + good[:32],
            "DER": _der(r, s),
            "r zero": bytes(32) + good[32:],
            "s zero": good[:32] + bytes(32),
            "r the order": ORDER.to_bytes(32, "big") + good[32:],
            "s the order": good[:32] + ORDER.to_bytes(32, "big"),
            "all ones": b"\xff" * 64,
        }.items():
            yield Hostile(f"signature: {name}", kind, f"{message}.{encode_segment(value)}")


def _der(*numbers: int) -> bytes:
    parts = b"".join(b"\x02" + bytes([len(n)]) + n for n in (v.to_bytes(33, "big") for v in numbers))
    return b"\x30" + bytes([len(parts)]) + parts


def _encryption() -> Iterator[Hostile]:
    head, _, iv, content, tag = GOOD["session"].split(".")
    whole = decode_segment(content) + decode_segment(tag)
    other_head = encode_segment(json.dumps(header_of("session"), separators=(", ", ":")).encode())
    for name, parts in {
        "an encrypted key": (head, "AAAA", iv, content, tag),
        "the key in the token": (head, SEALING["k"], iv, content, tag),
        "no iv": (head, "", "", content, tag),
        "an iv of 8 bytes": (head, "", encode_segment(IV[:8]), content, tag),
        "an iv of 16 bytes": (head, "", encode_segment(IV + IV[:4]), content, tag),
        "another iv": (head, "", encode_segment(IV[::-1]), content, tag),
        "no tag": (head, "", iv, encode_segment(whole), ""),
        "a tag of 4 bytes": (head, "", iv, content, encode_segment(decode_segment(tag)[:4])),
        "a tag of 12 bytes": (head, "", iv, content, encode_segment(decode_segment(tag)[:12])),
        "a tag that takes a byte of the content": (
            head,
            "",
            iv,
            encode_segment(whole[:-17]),
            encode_segment(whole[-17:]),
        ),
        "a tag of zeros": (head, "", iv, content, encode_segment(bytes(16))),
        "no content": (head, "", iv, "", tag),
        "the same header spelled differently": (other_head, "", iv, content, tag),
        "the header of a guest": (encode_segment(raw(header_of("guest"))), "", iv, content, tag),
    }.items():
        yield Hostile(f"encryption: {name}", "session", ".".join(parts))


def _public_forms() -> dict[str, bytes]:
    """The public key as attackers use it for an HMAC secret."""
    key = Loaded({"keys": [SIGNING]}).verifying[SIGNING["kid"]]
    return {
        "PEM": key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "DER": key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "OpenSSH": key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        "point": key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        "JWK": json.dumps(DEVICE).encode(),
        "compact JWK": json.dumps(DEVICE, separators=(",", ":")).encode(),
    }


def _hs256(kind: str, secret: bytes, **members: Any) -> str:
    header = {**header_of(kind), "alg": "HS256", **members}
    message = f"{encode_segment(raw(header))}.{encode_segment(raw(CLAIMS[kind]))}"
    return f"{message}.{encode_segment(hmac.digest(secret, message.encode(), 'sha256'))}"


def _cves() -> Iterator[Hostile]:
    view, forms = header_of("view"), _public_forms()
    unsigned = ".".join(encode_segment(raw(part)) for part in ({**view, "alg": "none"}, CLAIMS["view"]))
    yield Hostile("CVE-2015-9235 (jsonwebtoken): alg none, no signature", "view", f"{unsigned}.")
    yield Hostile("CVE-2015-9235 (jsonwebtoken): no signature", "view", GOOD["view"].rpartition(".")[0] + ".")
    yield Hostile(
        "CVE-2016-10555 (jwt-simple): HMAC under the public key", "view", _hs256("view", forms["DER"])
    )
    yield Hostile("CVE-2022-29217 (PyJWT): HMAC under the PEM key", "view", _hs256("view", forms["PEM"]))
    yield Hostile(
        "CVE-2022-29217 (PyJWT): HMAC under the OpenSSH key", "view", _hs256("view", forms["OpenSSH"])
    )
    yield Hostile(
        "CVE-2024-33663 (python-jose): HMAC under an OpenSSH ECDSA key",
        "proof",
        _hs256("proof", forms["OpenSSH"]),
    )
    yield Hostile("CVE-2026-48526 (PyJWT): HMAC under the JWK", "view", _hs256("view", forms["JWK"]))
    yield Hostile(
        "CVE-2026-48526 (PyJWT): HMAC under the compact JWK", "view", _hs256("view", forms["compact JWK"])
    )
    yield Hostile("CVE-2026-48526 (PyJWT): HMAC under the point", "view", _hs256("view", forms["point"]))
    for length in (0, 1, 16):
        token = _hs256("view", bytes(length))
        yield Hostile(f"CVE-2025-45768 (PyJWT): HMAC under a key of {length} bytes", "view", token)
    for part in ("edgekit", "edgekit-origi", "edgekit-origin ", "", "o"):
        claims = {**CLAIMS["assertion"], "aud": part}
        yield Hostile(
            f"CVE-2024-53861 (PyJWT): aud {part!r}, a part of ours",
            "assertion",
            make("assertion", claims=claims),
        )
    for kind in SHORT:
        good = header_of(kind)
        for crit in (["bork"], ["exp"], ["alg"], [], "exp", None):
            token = make(kind, {**good, "crit": crit, "bork": True})
            yield Hostile(f"CVE-2025-59420 (Authlib): crit {crit!r}", kind, token)
            yield Hostile(f"CVE-2026-32597 (PyJWT): crit {crit!r}", kind, make(kind, {**good, "crit": crit}))
        detached = {**good, "b64": False, "crit": ["b64"]}
        yield Hostile("CVE-2026-48525 (PyJWT): b64 false", kind, make(kind, detached))
        yield Hostile(
            "CVE-2026-48525 (PyJWT): b64 false over 10 MB", kind, make(kind, detached) + "A", 20_000
        )
        for url in (
            "file:///etc/passwd",
            "http://169.254.169.254/latest/meta-data",
            "https://attacker.test/jwks",
        ):
            yield Hostile(f"CVE-2026-48522 (PyJWT): jku {url}", kind, make(kind, {**good, "jku": url}))
    stranger = {name: STRANGER[0][name] for name in ("crv", "kty", "x", "y")}
    for kind in ("session", "view"):
        good = header_of(kind)
        embedded = make(kind, {**good, "jwk": stranger}, jwk=STRANGER[1 if kind in SEALED else 0])
        yield Hostile("CVE-2018-0114 (node-jose): the key in the header", kind, embedded)
        unknown = make(
            kind,
            {**good, "kid": STRANGER[0]["kid"], "jwk": stranger},
            jwk=STRANGER[1 if kind in SEALED else 0],
        )
        yield Hostile("CVE-2018-0114 (node-jose): the key in the header under its kid", kind, unknown)
        for alg in ("ES384", "HS256", "none", "A128GCM"):
            token = make(kind, {**good, "alg": alg, "jwk": {**stranger, "alg": alg}})
            yield Hostile(f"CVE-2026-48523 (PyJWT): alg {alg} from a key", kind, token)
    for number in range(3):
        kid = f"unknown-{number}"
        yield Hostile(f"CVE-2026-48524 (PyJWT): kid {kid}", "view", make("view", {**view, "kid": kid}))
    message = GOOD["view"].rpartition(".")[0]
    yield Hostile("CVE-2022-21449 (Java): a signature of zeros", "view", f"{message}.{'A' * 86}")
    yield Hostile(
        "CVE-2022-21449 (Java): a signature of zeros",
        "proof",
        f"{GOOD['proof'].rpartition('.')[0]}.{'A' * 86}",
    )
    mixed = json.dumps(
        {
            GOOD["view"].rpartition(".")[0] + ".": "",
            "protected": "e30",
            "payload": "e30",
            "signature": "A" * 86,
        }
    )
    yield Hostile("CVE-2022-39227 (python-jwt): JSON around a compact token", "view", mixed)
    flattened = dict(zip(("protected", "payload", "signature"), GOOD["view"].split("."), strict=True))
    yield Hostile("CVE-2022-39227 (python-jwt): the JSON serialization", "view", json.dumps(flattened))
    packer = zlib.compressobj(9, wbits=-15)
    bomb = (
        packer.compress(raw(CLAIMS["session"])[:-1] + b', "x": "' + b"0" * 1_000_000 + b'"}') + packer.flush()
    )
    session = header_of("session")
    yield Hostile(
        "CVE-2024-33664 (python-jose): a compressed megabyte", "session", jwe({**session, "zip": "DEF"}, bomb)
    )
    yield Hostile(
        "CVE-2024-28102 (jwcrypto): a compressed megabyte unannounced", "session", jwe(session, bomb)
    )
    yield Hostile(
        "CVE-2024-28102 (jwcrypto): base64 of a bomb",
        "session",
        jwe({**session, "zip": "DEF"}, base64.b64encode(bomb)),
    )
