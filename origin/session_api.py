"""The part of the HTTP API that is about sessions: begin, renew, end, and which have ended."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edge.errors import Problem
from edge.jose import encode_segment
from edge.keys import NativeKeys
from edge.session_wire import (
    decode_end,
    decode_refresh,
    decode_session,
    encode_begun,
    encode_renewed,
    is_sid,
    join_refresh,
    split_refresh,
)
from edge.tokens import mint_revocations
from edge.types import Clock, Entropy, Verifier
from edge.wire import encode_json

from .answers import json_answer
from .auth import authenticate
from .store import Store

REVOCATIONS_CACHING = "public, max-age=15, stale-if-error=60"  # RFC 5861
KEYS_CACHING = "public, max-age=300"
SECRET_LENGTH = 32  # bytes of randomness in a refresh token


class SessionApi:
    """See `create_app`; `entropy` yields the secrets of refresh tokens."""

    def __init__(
        self, store: Store, verifier: Verifier, keys: NativeKeys, clock: Clock, entropy: Entropy
    ) -> None:
        self._store = store
        self._verifier = verifier
        self._keys = keys
        self._clock = clock
        self._entropy = entropy
        self._list, self._listed_at = "", 0
        self.routes = [
            Route("/sessions", self.begin, methods=["POST"]),
            Route("/sessions/refresh", self.refresh, methods=["POST"]),
            Route("/sessions/end", self.end, methods=["POST"]),
            Route("/revocations", self.revocations),
            Route("/keys", self.keys),
        ]

    async def begin(self, request: Request) -> Response:
        principal = await authenticate(request, self._verifier, self._clock)
        if not is_sid(principal.sid):
            raise Problem("unauthorized")
        claims, jkt = decode_session(await request.body())
        secret = self._secret()
        epoch = await self._store.begin_session(principal, claims, jkt, secret, self._clock())
        return json_answer(encode_begun(epoch, join_refresh(principal.sid, secret)))

    async def refresh(self, request: Request) -> Response:
        """Whose session it is the token alone says; the edge vouches for the proof of `jkt`."""
        await authenticate(request, self._verifier, self._clock)
        token, jkt = decode_refresh(await request.body())
        sid, secret = split_refresh(token)
        renewed = await self._store.renew_session(sid, secret, jkt, self._secret(), self._clock())
        return json_answer(encode_renewed(renewed))

    async def end(self, request: Request) -> Response:
        principal = await authenticate(request, self._verifier, self._clock)
        if not is_sid(principal.sid):
            raise Problem("unauthorized")
        await self._store.end_session(principal, decode_end(await request.body()), self._clock())
        return json_answer(encode_json({}))

    async def revocations(self, _request: Request) -> Response:
        """The same for everybody: random ids of sessions say nothing about anybody."""
        now = int(self._clock())
        if now != self._listed_at:  # signed once a second, however many ask
            floor, sids = await self._store.ended(now)
            self._list, self._listed_at = await mint_revocations(self._keys, floor, sids, now), now
        headers = {"Cache-Control": REVOCATIONS_CACHING}
        return Response(self._list, headers=headers, media_type="application/jwt")

    async def keys(self, _request: Request) -> Response:
        headers = {"Cache-Control": KEYS_CACHING}
        return Response(encode_json(self._keys.jwks), headers=headers, media_type="application/jwk-set+json")

    def _secret(self) -> str:
        return encode_segment(self._entropy(SECRET_LENGTH))
