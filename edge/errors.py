"""What can go wrong, each as an RFC 9457 problem with a stable code.

    Problem            a documented failure: code, status, detail, extension members
    └── NeedsEdge      this host lacks a capability; the request is passed to the next one, unchanged

`PROBLEMS` is the one table of codes: the JavaScript side and the docs are tested against it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from .running import escalate


class Kind(NamedTuple):
    """One row of the table: HTTP status, title, and whether the same request may succeed later."""

    status: int
    title: str
    retryable: bool = False


PROBLEMS: Mapping[str, Kind] = {
    # The request itself (edge and origin).
    "malformed-request": Kind(400, "The request is not valid HTTP"),
    "malformed-path": Kind(400, "The path is not well-formed"),
    "malformed-query": Kind(400, "A query parameter is not valid"),
    "malformed-header": Kind(400, "A header is not valid"),
    "malformed-json": Kind(400, "The body is not valid JSON"),
    "malformed-form": Kind(400, "The body is not a valid form"),
    "malformed-key": Kind(400, "The Idempotency-Key is missing or malformed"),
    "malformed-commit": Kind(400, "The commit does not follow the wire format"),
    "request-timeout": Kind(408, "The request did not arrive in time", retryable=True),
    "unauthorized": Kind(401, "The request does not prove who sent it"),
    "session-ended": Kind(401, "The session has ended"),
    "session-changed": Kind(412, "The session is not the one that the request names", retryable=True),
    "device-proof": Kind(401, "The request does not prove that it comes from the device of its session"),
    "device-required": Kind(403, "This needs a session that is bound to its device"),
    "forbidden": Kind(403, "This is not allowed"),
    "misdirected-request": Kind(421, "This is not the address of this site"),
    "not-found": Kind(404, "There is nothing here"),
    "method-not-allowed": Kind(405, "This method is not allowed here"),
    "key-reused": Kind(422, "The Idempotency-Key was used for a different request"),
    "idempotency-key-expired": Kind(410, "What became of this Idempotency-Key is no longer known"),
    "version-conflict": Kind(409, "A record changed while the request was running", retryable=True),
    "floor-reached": Kind(409, "There is not enough left"),
    "precondition-failed": Kind(412, "It is not what you saw any more"),
    "precondition-required": Kind(428, "The request does not say what it changes"),
    "body-too-large": Kind(413, "The body is too large"),
    "headers-too-large": Kind(431, "The request headers are too large"),
    # The app's use of the kit.
    "state-too-large": Kind(500, "The state of this user no longer fits into its token"),
    "record-too-large": Kind(413, "A record is too large"),
    "commit-too-large": Kind(413, "The request stores too much at once"),
    "write-in-safe-request": Kind(500, "A safe request tried to write a record"),
    "write-after-response": Kind(500, "A record was written after the response had started"),
    "response-too-large": Kind(500, "The response to a write is too large to be remembered"),
    "internal-error": Kind(500, "The app failed to answer"),
    # The hosts behind it.
    "needs-edge": Kind(503, "This host cannot answer the request; an edge can", retryable=True),
    "catalog-refused": Kind(502, "The catalog answer could be personal and was refused"),
    "origin-unavailable": Kind(503, "The origin does not answer", retryable=True),
    "origin-invalid": Kind(502, "The origin's answer makes no sense"),
    "host-starting": Kind(503, "This host is starting again", retryable=True),
    "overloaded": Kind(503, "Too much is waiting already", retryable=True),
}


class Problem(Exception):
    """A failure with a stable `code` from `PROBLEMS`.

    `detail` is one sentence for the caller and never holds a secret. If it is `for_developers` of the app,
    it is logged, and told to the client in development only. `members` become extension
    members of the problem document (RFC 9457 section 3.2); `headers` and `fields` (which may repeat a
    name, as `Set-Cookie` does) go onto the response.
    Raises `LookupError` for a code that the table does not know.
    """

    media_type = "application/problem+json"

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        for_developers: bool = False,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        if code not in PROBLEMS:
            raise LookupError(
                f"{code!r} is no code of edge.errors.PROBLEMS; for a failure of the app's own, "
                "let the handler return a response with that status"
            )
        self.code = code
        self.kind = PROBLEMS[code]
        self.detail = detail
        self.for_developers = for_developers
        self.own = False  # the app's own words, not the kit's
        self.headers = dict(headers or {})
        self.fields: list[tuple[bytes, bytes]] = []
        self.members = members
        super().__init__(f"{code}: {detail or self.kind.title}")

    @property
    def status(self) -> int:
        return self.kind.status

    def document(self) -> dict[str, Any]:
        """The problem document as a JSON object (RFC 9457 section 3)."""
        document: dict[str, Any] = {
            "type": f"urn:problem-type:edgekit:{self.code}",
            "title": self.kind.title,
            "status": self.status,
            "code": self.code,
            "retryable": self.kind.retryable,
        }
        if self.detail:
            document["detail"] = self.detail
        return document | self.members

    def encode(self, **instead: str) -> bytes:
        """The problem document as UTF-8 bytes; the same problem gives the same bytes.

        `instead`: another title or detail, where the present one is not for whoever reads it; "" for none.
        """
        document = self.document() | instead
        if document.get("detail") == "":
            del document["detail"]
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def foreign() -> Problem:
    """What a page of another site is told that sends something."""
    return Problem("forbidden", "a page of another site sent this")


def device_required() -> Problem:
    """What whoever has no session of a device's own is told."""
    return Problem("device-required", "sign in (again) in a browser that runs scripts and service workers")


class NeedsEdge(Problem):
    """Raised in the browser when a handler touches what only an edge has; the kit then escalates.

    Making one marks the request that runs, so it does not matter where it is raised and who swallows it.
    `marks`: False for what the kit itself may find a way around.
    """

    def __init__(self, what: str, *, marks: bool = True) -> None:
        super().__init__("needs-edge", f"{what} is not available on this host")
        if marks:
            escalate()
