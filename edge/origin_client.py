"""Asks the origin for records and hands it commits, in the wire format and for one user at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from .errors import PROBLEMS, Problem
from .records import NOBODY, Page, Record
from .session_wire import (
    Renewed,
    decode_begun,
    decode_renewed,
    encode_end,
    encode_refresh,
    encode_session,
)
from .tokens import mint_assertion
from .types import JSON, Clock, Fetch, Principal, Reply, Signer
from .wire import COMMIT_LIMIT, Commit, Outcome, RecordKey, Scope, decode_outcome, encode_commit

T = TypeVar("T")


class OriginClient:
    """A `RecordSource` that also commits.

    With a `signer` each call carries an assertion of who asks and for what. In the browser there is
    none: the same paths are asked from the edge, which knows the user by the cookie.
    """

    def __init__(self, fetch: Fetch, signer: Signer | None, clock: Clock) -> None:
        self._fetch = fetch
        self._signer = signer
        self._clock = clock

    async def record(self, principal: Principal, key: RecordKey) -> Record | None:
        """One record, or None. Raises `Problem` when the origin does not answer or refuses."""
        reply = await self._call("GET", f"/records/{key.scope}/{key.collection}/{key.id}", principal)
        return None if reply.status == 404 else _parse(reply, _record)

    async def page(
        self, principal: Principal, scope: Scope, collection: str, limit: int, after: str | None
    ) -> Page:
        """Up to `limit` records in order of id, after the id `after`."""
        query = urlencode({"limit": limit} | ({"after": after} if after else {}))
        return _parse(await self._call("GET", f"/records/{scope}/{collection}?{query}", principal), _page)

    async def commit(self, principal: Principal, key: str, commit: Commit) -> Outcome:
        """Make `commit` true exactly once; the same `key` again returns the first outcome.

        Raises `Problem`: "session-ended", "version-conflict", "key-reused", "idempotency-key-expired",
        "origin-unavailable" (outcome unknown: the same key may be sent again).
        """
        body = encode_commit(commit)
        if len(body) > COMMIT_LIMIT:
            raise Problem("commit-too-large", f"{len(body)} of {COMMIT_LIMIT} bytes", for_developers=True)
        reply = await self._call("POST", "/commit", principal, body, key)
        _document(reply)
        return decode_outcome(reply.body)

    async def outcome(self, principal: Principal, key: str, fingerprint: str) -> Outcome | None:
        """What became of an earlier commit under `key`, or None if there was none.

        Raises `Problem("key-reused")` if that was another request.
        """
        reply = await self._call("GET", f"/commit/{key}?fingerprint={fingerprint}", principal)
        if reply.status == 404:
            return None
        _document(reply)
        return decode_outcome(reply.body)

    async def create_session(
        self, principal: Principal, claims: Mapping[str, JSON], jkt: str | None
    ) -> tuple[int, str]:
        """Begin the session `principal.sid` of a user: their epoch, and the token that renews it.

        Once more for the same session is the same sign-in. Raises `Problem("session-ended")`.
        """
        reply = await self._call("POST", "/sessions", principal, encode_session(claims, jkt))
        _document(reply)
        return decode_begun(reply.body)

    async def refresh_session(self, token: str, jkt: str | None) -> Renewed:
        """The session that `token` renews, for the device `jkt` if it is bound to one.

        Raises `Problem`: "session-ended", "device-proof" (it is bound to another device or none was given),
        "origin-unavailable".
        """
        reply = await self._call("POST", "/sessions/refresh", NOBODY, encode_refresh(token, jkt))
        _document(reply)
        return decode_renewed(reply.body)

    async def end_session(self, principal: Principal, *, everywhere: bool) -> None:
        """End the session `principal.sid`, or all of the user's."""
        _document(await self._call("POST", "/sessions/end", principal, encode_end(everywhere)))

    async def _call(
        self, method: str, target: str, principal: Principal, body: bytes = b"", key: str = ""
    ) -> Reply:
        headers = {"content-type": "application/json"} if body else {}
        if key:
            headers["idempotency-key"] = key
        if self._signer is not None:
            token = await mint_assertion(self._signer, principal, method, target, body, key, self._clock)
            headers["authorization"] = f"Bearer {token}"
        return await self._fetch(method, target, headers, body)


def _record(document: dict[str, Any]) -> Record:
    return Record(document["id"], document["version"], document["value"])


def _page(document: dict[str, Any]) -> Page:
    return Page([_record(item) for item in document["items"]], document["next"])


def _parse(reply: Reply, make: Callable[[dict[str, Any]], T]) -> T:
    document = _document(reply)
    try:
        return make(document)
    except (KeyError, TypeError) as error:
        raise Problem("origin-invalid", "a record could not be read", for_developers=True) from error


def _document(reply: Reply) -> dict[str, Any]:
    """The JSON of a 200; anything else becomes the `Problem` it describes."""
    try:
        document: dict[str, Any] = json.loads(reply.body)
        if reply.status == 200:
            return document
        code, detail = document["code"], document.get("detail", "")
    except (ValueError, KeyError, TypeError) as error:
        raise Problem(
            "origin-invalid", f"status {reply.status} without a readable body", for_developers=True
        ) from error
    # What the origin says about our assertion is our fault, never the user's.
    if code not in PROBLEMS or code == "unauthorized":
        raise Problem("origin-invalid", f"the origin answered {reply.status} {code}", for_developers=True)
    members = {name: document[name] for name in ("reached", "turn") if name in document}
    # Its own words are for whoever runs the site.
    raise Problem(code, detail, for_developers=True, **members)
