"""Who asks: what a request says about its user, and what its answer changes about that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from .errors import NeedsEdge, Problem
from .guests import author_of
from .proof import Proof, session_hash
from .tokens import Session
from .types import JSON, View
from .wire import RecordKey, Write

Headers = list[tuple[bytes, bytes]]

CLIENT_HEADER = b"edgekit-client"  # sent by service workers: they read neither cookies nor redirects
VIEW_HEADER = b"edgekit-view"


@dataclass(frozen=True, slots=True)
class User:
    """Whose request this is. A guest is somebody who has not signed in: an id that the kit made up.

    `claims` is what the app said about the user in `sign_in`. The user's own browser can read it.
    """

    id: str
    is_guest: bool = True
    claims: Mapping[str, JSON] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.id


@dataclass(slots=True)
class Visitor:
    """What came with a request. `view` and `sealed` belong to `session`.

    `proof` is the proof of possession that came along, if a good one did. `is_unknown`: there is a session,
    but it cannot be checked now. `is_nobody`: a page of another site sent this, and it must not become
    somebody. `overlay`: what this browser has written and no edge has confirmed yet.
    `headers` go onto whatever answer is given.
    """

    session: Session | None = None
    view: View | None = None
    sealed: Mapping[str, JSON] | None = None
    proof: Proof | None = None
    is_unknown: bool = False
    is_nobody: bool = False
    overlay: tuple[Write, ...] = ()
    headers: Headers = field(default_factory=list)

    @property
    def is_bound(self) -> bool:
        """Whether the session is bound to a device; then that device has proved itself."""
        return self.session is not None and self.session.jkt is not None

    @property
    def is_vouched_for(self) -> bool:
        """Whether the session was bound to its device when the user signed in, by whoever did that.

        A renewal binds a session to whoever comes first with a key; that may be a thief of cookies.
        """
        return self.is_bound and self.session is not None and not self.session.late

    @property
    def base(self) -> str:
        """A name for the view, or for that there is none: the session, by its hash, and the version."""
        if self.session is None:
            return ""
        return f"{session_hash(self.session.sid)[:16]}.{self.view.version if self.view is not None else 0}"

    def check_author(self, named: str | None) -> None:
        """Raise `Problem("session-changed")` if the request names (by its hash) another session than its own.

        An outbox says whose write it sends: by then cookies may be gone, or somebody else's.
        """
        if named is None or (self.session is not None and named == session_hash(self.session.sid)):
            return
        if self.is_unknown:
            raise Problem("origin-unavailable", "the session cannot be renewed now")
        raise Problem("session-changed")

    def check_body(self, body: bytes) -> None:
        """Take back the proof if it is for another body; for a bound session that is a
        `Problem("device-proof")`."""
        if self.proof is not None and not self.proof.covers(body):
            self.proof = None
        if self.is_bound and self.proof is None:
            raise Problem("device-proof")


@dataclass(frozen=True, slots=True)
class Changes:
    """What an answer changes: whatever is not None is handed to the client."""

    session: Session | None = None
    refresh: str | None = None
    view: View | None = None
    sealed: str | None = None


def tentative(claims: Mapping[str, Any]) -> tuple[Mapping[str, JSON], int, tuple[Write, ...]]:
    """State, its shape and the records that lie over the stored ones, once all has happened that a view's
    member `effects` foretells: what unconfirmed requests of this browser change, in their order, each as
    `settlement` says it."""
    state, shape = claims["state"], claims["shp"]
    writes: list[Write] = []
    for effects in claims.get("effects", ()):
        if effects["state"] is not None:
            state, shape = effects["state"], effects["shp"]
        writes += (Write(RecordKey(*names), value) for *names, value in effects["writes"])
    return state, shape, tuple(writes)


class Visitors(Protocol):
    """How a host learns who asks, and tells the client what has changed."""

    async def open(self, scope: dict[str, Any]) -> Visitor:
        """Who sent this request.

        Raises `Problem`: "session-ended" (sign in again), "device-proof", "origin-unavailable".
        """
        ...

    async def seal(self, session: Session, version: int, values: Mapping[str, JSON]) -> str:
        """A token of sealed state; raises NeedsEdge where nothing can seal."""
        ...

    async def issue(self, scope: dict[str, Any], changes: Changes) -> Headers:
        """Response headers that hand over `changes`; raises NeedsEdge where nothing can sign."""
        ...

    def dismiss(self, scope: dict[str, Any]) -> Headers:
        """Response headers after which the client has no tokens any more."""
        ...

    def form_secret(self, session: Session) -> str:
        """What marks forms as made for this session."""
        ...

    def form_secrets(self, session: Session) -> list[str]:
        """All that are accepted: keys may change while a form is open."""
        ...

    def author(self, scope: dict[str, Any], session: Session | None) -> str | None:
        """The guest for whom a write was foretold, if `session` is another one (see `guests`)."""
        ...

    def refusal(self, proof: Proof | None) -> Problem:
        """The `Problem("device-proof")` that says how to do better."""
        ...


class PayloadVisitors:
    """The browser: the service worker has verified the view and passes its claims along."""

    async def open(self, scope: dict[str, Any]) -> Visitor:
        claims = scope.get("edgekit.view")
        if claims is None:
            return Visitor()
        state, shape, overlay = tentative(claims)
        view = View(
            claims["sub"],
            claims["ver"],
            state,
            tuple(claims["keys"]),
            claims["iat"],
            sid=claims["sid"],
            guest=claims["guest"],
            claims=claims["usr"],
            form_secret=claims["frm"],
            jkt=claims.get("jkt"),
            shape=shape,
            late=claims.get("late", False),
        )
        session = Session(
            view.subject, view.sid, view.guest, 0, 0, view.claims, view.jkt, view.issued_at, view.late
        )
        return Visitor(session, view, overlay=overlay)

    async def seal(self, session: Session, version: int, values: Mapping[str, JSON]) -> str:  # noqa: ARG002
        raise NeedsEdge("sealing a state")

    async def issue(self, scope: dict[str, Any], changes: Changes) -> Headers:  # noqa: ARG002
        raise NeedsEdge("signing a changed state")

    def dismiss(self, scope: dict[str, Any]) -> Headers:  # noqa: ARG002
        raise NeedsEdge("signing out")

    def form_secret(self, session: Session) -> str:  # noqa: ARG002
        raise NeedsEdge("a form key of a new session")

    def form_secrets(self, session: Session) -> list[str]:  # noqa: ARG002
        raise NeedsEdge("judging a form key")

    def author(self, scope: dict[str, Any], session: Session | None) -> str | None:
        return author_of(scope, session, None)

    def refusal(self, proof: Proof | None) -> Problem:  # noqa: ARG002
        return NeedsEdge("judging a proof")
