"""Asks one back end for its verdicts: CPython imports this, Pyodide under Node.js runs it as a program.

As a program it reads a JSON list of questions a line from stdin, and answers with a JSON list a line.
Its arguments are folders to import from.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

if sys.platform == "emscripten":
    sys.path[:0] = sys.argv[1:]

from edge.errors import Problem
from edge.jose import decode_segment, verify_proof
from edge.tokens import (
    Session,
    check_assertion,
    mint_assertion,
    mint_revocations,
    mint_sealed,
    mint_session,
    mint_view,
    open_revocations,
    open_sealed,
    open_session,
    open_view,
)
from edge.types import Principal, View

NOW = 1_767_225_600
SID = "s" * 22
CALL = ("POST", "/commit", b"{}", "k" * 16)
TOGETHER = 500  # questions that are asked at once


class Judge:
    """One back end. `make(jwks, clock)` gives its keys."""

    def __init__(self, make: Any, proof_verifier: Any) -> None:
        self._make = make
        self._verify_proof = proof_verifier
        self._keys: dict[str, Any] = {}

    async def answers(self, questions: list[dict[str, Any]]) -> list[Any]:
        found = []
        for start in range(0, len(questions), TOGETHER):
            batch = questions[start : start + TOGETHER]
            found += await asyncio.gather(*(self._answer(**question) for question in batch))
        return found

    async def _answer(self, do: str, **what: Any) -> Any:
        if "jwks" in what:
            what["keys"] = await self._load(what.pop("jwks"))
        return await getattr(self, do)(**what)

    async def _load(self, jwks: Any) -> Any:
        name = json.dumps(jwks)
        if name not in self._keys:
            self._keys[name] = await self._make(jwks, lambda: NOW)
        return self._keys[name]

    # Tokens

    async def mint(self, keys: Any, kind: str) -> str:
        def entropy(size: int) -> bytes:
            return bytes(range(size))

        guest = kind == "guest"
        session = Session("ann", SID, guest, NOW, 0, {})
        if kind in ("session", "guest"):
            return await mint_session(keys, session, NOW, entropy)
        if kind == "sealed":
            return await mint_sealed(keys, SID, 1, {}, NOW, entropy)
        if kind == "view":
            return await mint_view(keys, View("ann", 1, {}, sid=SID), NOW)
        if kind == "assertion":
            return await mint_assertion(keys, Principal("ann", SID), *CALL, lambda: NOW)
        return await mint_revocations(keys, 0, [SID], NOW)

    async def verdict(self, keys: Any, kind: str, token: Any, now: float = NOW, repeat: int = 1) -> str:
        """What becomes of a token; nothing but "accepted" and "unauthorized" is ever right."""
        if repeat > 1:
            token *= repeat  # made here: ten megabytes take their time through a pipe
        try:
            await self._open(keys, kind, token, now)
        except Problem as problem:
            return problem.code
        except BaseException as error:
            return f"{type(error).__name__}: {error}"[:200]
        return "accepted"

    async def _open(self, keys: Any, kind: str, token: Any, now: float) -> object:
        if kind in ("session", "guest"):
            return await open_session(token, keys, now)
        if kind == "sealed":
            return await open_sealed(token, keys, SID, now)
        if kind == "view":
            return await open_view(token, keys, now)
        if kind == "assertion":
            return await check_assertion(token, keys, *CALL, lambda: now)
        if kind == "revocations":
            return await open_revocations(token, keys, now)
        return await verify_proof(token, self._verify_proof, now=now)

    async def sweep(self, keys: Any, kind: str, token: str) -> dict[str, Any]:
        """The verdicts on every single-bit flip and every truncation of a good token."""
        damaged, verdicts = damage(token), []
        while batch := list(itertools.islice(damaged, TOGETHER)):
            verdicts += await asyncio.gather(*(self.verdict(keys, kind, bad) for bad in batch))
        return {
            "verdicts": Counter(verdicts),
            "digest": hashlib.sha256(json.dumps(verdicts).encode()).hexdigest(),
        }

    async def proof(self, token: str, now: float) -> Any:
        return await verify_proof(token, self._verify_proof, now=now)

    # Primitives; bytes in hexadecimal digits

    async def signed_by(self, jwk: dict[str, str], message: str, signature: str) -> bool:
        good = await self._verify_proof(jwk, bytes.fromhex(message), bytes.fromhex(signature))
        return bool(good)

    async def jws(self, document: Any, token: str) -> bool | str:
        """Whether one of the keys made the signature of a compact JWS, whatever its header says."""
        try:
            keys = await self._make(document, lambda: NOW)
        except ValueError:
            return "no key set"
        try:
            message, _, signature = token.rpartition(".")
            kid, raw = document["keys"][0]["kid"], decode_segment(signature)
            return bool(await keys.verify(kid, message.encode(), raw))
        except ValueError:
            return False

    async def seal(self, keys: Any, kid: str, iv: str, aad: str, message: str) -> str:
        parts = map(bytes.fromhex, (iv, message, aad))
        sealed: bytes = await keys.seal(kid, *parts)
        return sealed.hex()

    async def unseal(self, keys: Any, kid: str, iv: str, aad: str, sealed: str) -> str | None:
        plain = await keys.unseal(kid, *map(bytes.fromhex, (iv, sealed, aad)))
        return None if plain is None else plain.hex()

    async def macs(self, keys: Any, label: str, message: str) -> list[str]:
        return [mac.hex() for mac in keys.macs(label, bytes.fromhex(message))]

    async def published(self, keys: Any) -> Any:
        return keys.jwks


def damage(token: str) -> Iterator[str]:
    """Every single-bit flip of a token, then every beginning and every end of it."""
    raw = token.encode()
    for index in range(len(raw)):
        for bit in range(8):
            yield (raw[:index] + bytes([raw[index] ^ 1 << bit]) + raw[index + 1 :]).decode("latin-1")
    for cut in range(len(token)):
        yield token[:cut]
        yield token[cut + 1 :]


async def _serve() -> None:
    from edge.hosts.webcrypto import WebCryptoKeys

    judge = Judge(WebCryptoKeys.load, WebCryptoKeys.verify_proof_signature)
    while line := sys.stdin.readline():
        print(json.dumps(await judge.answers(json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve())
