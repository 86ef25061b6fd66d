"""Proof that a request comes from the device that a session is bound to (DPoP, RFC 9449).

Nothing is remembered to judge one, with a single exception that makes things only stricter: each edge
accepts a proof once. Anybody can sign proofs, so only those of bound sessions are remembered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers

from .cache import ByteCache
from .errors import Problem
from .intake import SAFE
from .jose import PROOF_WINDOW, encode_segment, verify_proof
from .types import Clock, Macs, ProofVerifier

NONCE_LIFE = 300  # seconds; a nonce is good in its own period and in the next one (RFC 9449 section 8)
PIECE = 1024 * 1024  # bytes of a body that are hashed at a time: WebCrypto hashes nothing larger in parts
REPLAYS = 4 * 1024 * 1024  # bytes that remembering proofs may take
HEADER = "dpop"
NONCE_HEADER = b"dpop-nonce"


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that fits this request but for its body. `fresh` says that it names a nonce of ours."""

    jkt: str
    fresh: bool
    claims: Mapping[str, Any] = field(repr=False)

    def names(self, sid: str) -> bool:
        """Whether it was made for this session."""
        return self.claims.get("ath") == session_hash(sid)

    def covers(self, body: bytes) -> bool:
        """Whether it was made for this body."""
        return self.claims.get("bd") == body_digest(body)


class Proofs:
    """Judges proofs. `timer` is a monotonic clock; `verifier` checks one ES256 signature."""

    def __init__(self, verifier: ProofVerifier, macs: Macs, clock: Clock, timer: Clock) -> None:
        self._verifier = verifier
        self._macs = macs
        self._clock = clock
        self._seen: ByteCache[bool] = ByteCache(REPLAYS, timer)

    async def check(self, scope: dict[str, Any]) -> Proof | None:
        """The proof that this request carries; None if it has none or that one is not good.

        A proof is for one method, one URL and, on writes, one idempotency key.
        """
        headers = Headers(raw=scope["headers"])
        tokens = headers.getlist(HEADER)
        if len(tokens) != 1:  # RFC 9449 section 4.3, 1
            return None
        try:
            claims, jkt = await verify_proof(tokens[0], self._verifier, now=self._clock())
        except Problem:
            return None
        expected = {
            "htm": scope["method"],
            "htu": f"{scope['scheme']}://{headers.get('host', '')}{_raw_path(scope)}",
            "htq": scope["query_string"].decode("latin-1"),
        }
        if scope["method"] not in SAFE:
            expected["ik"] = headers.get("idempotency-key", "")
        if any(claims.get(name) != value for name, value in expected.items()):
            return None
        return Proof(jkt, claims.get("nonce") in self._nonces(), claims)

    def nonce(self) -> str:
        """The nonce to hand out now; every edge gives the same one."""
        return self._nonces()[0]

    def _nonces(self) -> list[str]:
        period = int(self._clock()) // NONCE_LIFE
        return [
            encode_segment(mac[:16])
            for number in (period, period - 1)
            for mac in self._macs.macs("nonce", str(number).encode())
        ]

    def admit(self, proof: Proof) -> bool:
        """Whether `proof`, by the device of a bound session, is here for the first time."""
        name = hashlib.sha256(f"{proof.jkt}\0{proof.claims['jti']}".encode()).hexdigest()
        if self._seen.get(name):
            return False
        self._seen.put(name, True, size=len(name) + 100, life=2 * PROOF_WINDOW + 1)
        return True


def session_hash(sid: str) -> str:
    """A session as browsers name it, in proofs and to their pages."""
    return encode_segment(hashlib.sha256(sid.encode()).digest())


def body_digest(body: bytes) -> str:
    """SHA-256 over the SHA-256 of each piece, so that a browser can hash an upload without holding it."""
    pieces = (body[start : start + PIECE] for start in range(0, len(body), PIECE))
    return encode_segment(hashlib.sha256(b"".join(hashlib.sha256(p).digest() for p in pieces)).digest())


def _raw_path(scope: dict[str, Any]) -> str:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1")
