"""Measures on the interpreter that runs it: `work.py ROUNDS FOLDER…`; the folders are imported from.

Prints {"µs": {case: CPU time of one call}, "bytes": {token: size}}. CPU time is that of the whole process,
so what WebCrypto does in threads of Node.js counts.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import sys
import time
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from typing import Any

if sys.platform == "emscripten":
    sys.path[:0] = sys.argv[2:]

import itsdangerous
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from edge.errors import Problem
from edge.jose import encode_segment, thumbprint
from edge.proof import Proofs, body_digest, session_hash
from edge.tokens import (
    Session,
    check_assertion,
    mint_assertion,
    mint_revocations,
    mint_sealed,
    mint_session,
    mint_view,
    open_session,
    open_view,
)
from edge.types import Principal, View
from edge.wire import encode_json

PYODIDE = sys.platform == "emscripten"
NOW = 1_800_000_000
CALLS = 100
SID, KEY = "s" * 22, "k" * 22 + ".00000001"
BODY = b"{}" * 500
CALL = ("POST", "/commit", BODY, KEY)
USER = {"name": "Ann Example", "role": "customer"}
SECRET = "a secret of SessionMiddleware: 32"

Case = Callable[[], Awaitable[Any]]


def cpu() -> float:
    """Seconds of CPU that this process has used."""
    if not PYODIDE:
        return time.process_time()
    import js  # noqa: PLC0415 - only Pyodide has it

    used = js.process.cpuUsage()
    return float(used.user + used.system) / 1e6


async def keys_of_this_host() -> tuple[Any, Any]:
    """Ephemeral keys, and what verifies the signature of a proof."""
    if PYODIDE:
        from edge.hosts.webcrypto import WebCryptoKeys  # noqa: PLC0415

        return await WebCryptoKeys.load(None, lambda: NOW), WebCryptoKeys.verify_proof_signature
    from edge.keys import NativeKeys, fixed, generate  # noqa: PLC0415 - only CPython has its library

    return NativeKeys(fixed(generate()), lambda: NOW), NativeKeys.verify_proof_signature


class Device:
    """A browser with a key of its own: here one of the host's."""

    def __init__(self, keys: Any, nonce: str) -> None:
        self._keys = keys
        self._nonce = nonce
        (public,) = keys.jwks["keys"]
        self.jwk = {name: public[name] for name in ("crv", "kty", "x", "y")}
        self._numbers = itertools.count()

    async def proof(self) -> str:
        header = encode_segment(encode_json({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk}))
        claims = {
            "jti": f"{next(self._numbers):022}",
            "htm": "POST",
            "htu": "https://shop.test/orders",
            "htq": "",
            "iat": NOW,
            "nonce": self._nonce,
            "ath": session_hash(SID),
            "ik": KEY,
            "bd": body_digest(BODY),
        }
        message = f"{header}.{encode_segment(encode_json(claims))}"
        signature = await self._keys.sign(self._keys.kid, message.encode())
        return f"{message}.{encode_segment(signature)}"


def scope_of(*headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "scheme": "https",
        "path": "/orders",
        "raw_path": b"/orders",
        "query_string": b"",
        "headers": [(b"host", b"shop.test"), (b"idempotency-key", KEY.encode()), *headers],
    }


def middleware_cases() -> dict[str, Case]:
    """One request to an app that reads its session, with the middleware and without."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        session = Request(scope).session if "session" in scope else {}
        await PlainTextResponse(session.get("sid", ""))(scope, receive, send)

    async def ignore(*_: Any) -> dict[str, Any]:
        return {}

    signer = itsdangerous.TimestampSigner(SECRET)
    cookie = signer.sign(b64encode(json.dumps({"sid": SID, "sub": "ann", **USER}).encode()))
    scope = scope_of((b"cookie", b"session=" + cookie))
    wrapped = SessionMiddleware(app, SECRET)

    async def unsign() -> None:
        json.loads(b64decode(signer.unsign(cookie, max_age=10**9)))

    return {
        "itsdangerous": unsign,
        "app alone": lambda: app(dict(scope), ignore, ignore),
        "app in SessionMiddleware": lambda: wrapped(dict(scope), ignore, ignore),
    }


async def microseconds(case: Case, rounds: int, calls: int = CALLS) -> float:
    times = []
    for _ in range(rounds + 1):  # the first is to warm up
        began = cpu()
        for _ in range(calls):
            await case()
        times.append((cpu() - began) / calls * 1e6)
    return statistics.median(times[1:])


async def main(rounds: int) -> dict[str, dict[str, float]]:
    keys, verifier = await keys_of_this_host()
    proofs = Proofs(verifier, keys, lambda: NOW, lambda: 0)
    device = Device(keys, proofs.nonce())
    session = Session("ann", SID, False, NOW, 0, USER, thumbprint(device.jwk))
    principal = Principal("ann", SID, 0)

    def entropy(size: int) -> bytes:
        return bytes(size)

    state = {"cart": {"assam": 2, "sencha": 1}}
    view = View("ann", 3, state, (KEY,) * 4, NOW, SID, False, USER, "f" * 22, session.jkt)
    tokens = {
        "session": await mint_session(keys, session, NOW, entropy),
        "sealed": await mint_sealed(keys, SID, 1, {"draft": "x" * 100}, NOW, entropy),
        "view": await mint_view(keys, view, NOW),
        "assertion": await mint_assertion(keys, principal, *CALL, lambda: NOW),
        "proof": await device.proof(),
        "refresh": f"{SID}.{'r' * 43}",
        "revocations of 100": await mint_revocations(keys, 0, [f"{n:022}" for n in range(100)], NOW),
    }
    made = iter([await device.proof() for _ in range(2 * (rounds + 1) * CALLS)])

    async def check_proof() -> None:
        proof = await proofs.check(scope_of((b"dpop", next(made).encode())))
        assert proof is not None
        assert proof.fresh
        assert proof.names(SID)
        assert proof.covers(BODY)

    async def request() -> None:
        await open_session(tokens["session"], keys, NOW)
        await check_proof()
        await mint_assertion(keys, principal, *CALL, lambda: NOW)

    huge = tokens["view"] * (10_000_000 // len(tokens["view"]))

    async def refuse() -> None:
        for read in (open_session, open_view):
            try:
                await read(huge, keys, NOW)
            except Problem:
                continue
            raise AssertionError

    cases: dict[str, Case] = {
        "open session": lambda: open_session(tokens["session"], keys, NOW),
        "verify proof": check_proof,
        "sign assertion": lambda: mint_assertion(keys, principal, *CALL, lambda: NOW),
        "request": request,
        "mint session": lambda: mint_session(keys, session, NOW, entropy),
        "mint view": lambda: mint_view(keys, view, NOW),
        "open view": lambda: open_view(tokens["view"], keys, NOW),
        "check assertion": lambda: check_assertion(tokens["assertion"], keys, *CALL, lambda: NOW),
        "refuse 10 MB": refuse,
        **middleware_cases(),
    }
    times = {name: await microseconds(case, rounds) for name, case in cases.items()}
    times["SessionMiddleware"] = times.pop("app in SessionMiddleware") - times.pop("app alone")
    return {"µs": times, "bytes": {name: len(token) for name, token in tokens.items()}}


async def _print() -> None:
    print(json.dumps(await main(int(sys.argv[1]))))


if __name__ == "__main__":
    asyncio.run(_print())
