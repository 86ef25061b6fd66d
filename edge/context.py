"""`context(request)`: everything a handler may use beside the request itself."""

from __future__ import annotations

import random
from collections.abc import Collection
from functools import cached_property
from typing import Any, Literal

from starlette.requests import HTTPConnection

from .catalog import CatalogReader
from .csrf import mark
from .errors import NeedsEdge, Problem, device_required, foreign
from .guests import PREFIX as GUEST_PREFIX
from .guests import guest
from .host import Host
from .html import Html
from .ids import base32, bound_key, new_sid, numbered
from .intake import KEY_FIELD, SAFE
from .proof import session_hash
from .records import Records
from .state import Shape, State
from .tokens import Session
from .types import JSON, HostName, Principal
from .visitor import User, Visitor
from .wire import USER_LIMIT, RecordKey, encode_json

SCOPE_KEY = "edgekit"
CLAIMS_LIMIT = 256  # bytes of JSON; they travel in two tokens


class Context:
    """One request as a handler sees it.

    `sent_key` is its idempotency key as the client sent it, or one made up; `seed` is random and stands in
    for it where there is nobody whose key it could be. `author` is the guest for whom a browser has foretold
    this write, if that is not who sends it.
    """

    def __init__(
        self,
        host: Host,
        visitor: Visitor,
        *,
        method: str,
        sent_key: str,
        seed: str,
        shared: frozenset[str],
        readable: frozenset[str] = frozenset(),
        refused: Collection[tuple[RecordKey, str]] = (),
        sent_at: float | None = None,
        shape: Shape = Shape(),  # noqa: B008 - immutable
        uninvited: bool = False,
        author: str | None = None,
    ) -> None:
        self._host = host
        self.uninvited = uninvited
        self._shared = shared
        self._ids, self._forms, self.personal = 0, 0, False
        self._sealed = State(visitor.sealed or {})
        self.sent_key = sent_key
        self._seed = seed
        self._author = author
        self.visitor = visitor
        self.session: Session | None = visitor.session
        """Whose request this is by now; not that of `visitor` once a guest was made or a user signed in."""
        self.signed_out: Literal["", "here", "everywhere"] = ""
        self.guest_records: Records | None = None
        """What the guest had who has signed in with this request, to read and to copy; else None."""
        self.escalated = False
        self.now: float = host.clock() if sent_at is None else sent_at
        """Wall time in seconds, read once: the same for the whole request, and for a write that a browser has
        answered itself the same when an edge runs it later."""
        view = visitor.view
        self.shape = shape.version
        self.state = State(shape.fit(view.state, view.shape) if view else {})
        """The user's small readable state; a dict of JSON values. Change it to keep the change."""
        self.catalog = CatalogReader(host.catalog)
        """Data that is the same for everybody."""
        self.records = Records(
            host.origin,
            shared,
            self.principal,
            writable=method not in SAFE,
            readable=readable if host.name == "browser" else None,
            overlay=visitor.overlay,
            refused=refused,
        )
        """Stored documents; all writes of one request happen together or not at all."""

    @property
    def host(self) -> HostName:
        """Who runs this: "browser", "edge" or "native"."""
        return self._host.name

    @property
    def user(self) -> User | None:
        """Whose request this is, signed in or a guest; None for a first-time visitor."""
        session = self.session
        return None if session is None else User(session.subject, session.guest, session.claims)

    @property
    def sealed(self) -> State:
        """State that the user must not read or edit; like `state`, but encrypted and for 24 hours at most.

        Raises NeedsEdge in the browser, which cannot open it: the request goes to an edge.
        """
        if self._host.name == "browser":
            raise self.needs_edge("sealed state")
        return self._sealed

    def sign_in(self, user_id: str, **claims: JSON) -> None:
        """From this answer on the visitor is `user_id` (up to 128 characters), in a new session.

        `claims` (up to 256 bytes of JSON) are what `ctx.user.claims` shows from now on, for the user to read.
        Call it once you know who it is, before you touch that user's records. Raises NeedsEdge in the
        browser; ValueError for an id or claims that cannot be; `Problem("forbidden")` if a page of another
        site sent the request.
        """
        if self._host.name == "browser":
            raise self.needs_edge("signing in")
        if (
            not 0 < len(user_id) <= USER_LIMIT
            or user_id.startswith(GUEST_PREFIX)
            or not user_id.isprintable()
        ):
            raise ValueError(f"not an id for a user: {user_id!r}")
        if len(encode_json(claims)) > CLAIMS_LIMIT:
            raise ValueError(f"claims over {CLAIMS_LIMIT} bytes of JSON: keep them in a record")
        if self.uninvited:
            raise foreign()
        if self.records.touched_own:
            raise RuntimeError("sign in before you touch records of the user")
        proof, now = self.visitor.proof, int(self.now)
        if proof is not None and not proof.fresh:
            raise self._host.visitors.refusal(proof)  # with a nonce: the next try is bound to the device
        jkt = proof.jkt if proof is not None else None
        before = self.visitor.session
        if before is not None and before.guest:
            guest = Principal(before.subject, before.sid, before.epoch)
            self.guest_records = Records(self._host.origin, self._shared, lambda: guest, writable=False)
        if before is not None and not before.guest and before.subject != user_id:
            self.state.clear()  # a guest's is taken along, another user's is not
            self._sealed.clear()
        self.session = Session(user_id, new_sid(self._host.entropy), False, now, 0, claims, jkt)
        self.signed_out = ""

    def sign_out(self, *, everywhere: bool = False) -> None:
        """With this answer the session ends and its state is forgotten; the visitor is nobody again.

        `everywhere` ends all sessions of this user. Raises as `sign_in` does.
        """
        if self._host.name == "browser":
            raise self.needs_edge("signing out")
        if self.uninvited:
            raise foreign()
        self.signed_out = "everywhere" if everywhere else "here"

    def require_device(self) -> None:
        """Go on only if the session was bound to its device when the user signed in; then that device asks.

        For what a stolen cookie must never do. Unlike a path in `bound=` it cannot be missed by the router.
        Raises `Problem("device-required")`, in the browser NeedsEdge.
        """
        session = self.session
        if session is not None and session.jkt is not None and not session.late:
            return
        if self._host.name == "browser":
            raise self.needs_edge("a session that is bound to this device")
        raise device_required()

    def made_for(self) -> str:
        """A name for whose session it is by now, which says nothing about them; "" without a session."""
        session = None if self.signed_out else self.session
        if session is None:
            return ""
        return ("guest-" if session.guest else "") + session_hash(session.sid)[:16]

    @property
    def is_new(self) -> bool:
        """Whether the client does not have this session yet."""
        return self.session is not self.visitor.session

    @property
    def signed_in(self) -> bool:
        """Whether this request signed a user in."""
        return self.is_new and self.session is not None and not self.session.guest

    def principal(self) -> Principal | None:
        """For whom the origin is asked; None for somebody who owns nothing yet. Raises
        `Problem("origin-unavailable")` for a user whose session cannot be checked now."""
        session = self.session
        if session is None:
            self._check_known()
            return None
        # A session that begins with this request is not known to the origin yet.
        return (
            Principal(session.subject)
            if self.is_new
            else Principal(session.subject, session.sid, session.epoch)
        )

    def ensure_user(self) -> Session:
        """The session; a first-time visitor becomes a guest. Raises NeedsEdge in the browser, and `Problem`:
        "origin-unavailable" (a session that cannot be checked now), "forbidden" (a write of another site)."""
        if self.session is None:
            if self._host.name == "browser":
                raise self.needs_edge("making a guest")
            if self.visitor.is_nobody:
                raise foreign()
            self._check_known()
            self.session = guest(self._host.entropy, self.now)
        return self.session

    def _check_known(self) -> None:
        if self.visitor.is_unknown:  # somebody, who must not find that there is nothing of theirs
            raise Problem("origin-unavailable", "the session cannot be renewed now")

    @property
    def key(self) -> str:
        """The idempotency key of this request, to be handed on to services that need one: 32 characters.

        It follows from the user and the key that the client sent, so that no client can have the key of
        another user's request. A retry has it again. Without a session there is nobody whose key it could
        be: then it is random, and a retry has another one.
        """
        # A guest whom this request makes is nobody that a retry would be.
        whose = self.session if self.signed_in else self.visitor.session
        if whose is None:
            return bound_key("", self._seed)
        return bound_key(self.author or whose.subject, self.sent_key)

    @property
    def author(self) -> str:
        """In whose name the key counts, "" for the user's own: there a retry finds what it came to."""
        return "" if self.signed_in or self._author is None else self._author

    def new_id(self) -> str:
        """A fresh id of 26 characters. A retry of the same request gets the same ids again; see `key`."""
        self._ids += 1
        return numbered(self.key, self._ids)

    @cached_property
    def random(self) -> random.Random:
        """Chance that a retry of the same request repeats. Not for secrets: the client knows the seed."""
        return random.Random(f"{self.key}\0random")  # noqa: S311

    def static(self, path: str) -> str:
        """The address of a static file that carries its content: `/static/shop.css` becomes
        `/_edge/static/<hash>/shop.css`, so that a page always gets the file of its own release.

        `path` is the public URL path. It comes back unchanged if this host has no release, or that has no
        such file. Ask anew for each answer: a host may get another release. A style sheet or module that is
        named this way names others from the root: `url(leaf.svg)` would be looked for beside its hash.
        """
        return self._host.static(path)

    def form_key(self) -> Html:
        """A hidden input for an HTML form: sending it twice is harmless, and other sites cannot send it."""
        session, view, self.personal = self.ensure_user(), self.visitor.view, True
        known = view is not None and not self.is_new and view.form_secret
        secret = known or self._host.visitors.form_secret(session)
        key = mark(self._form_nonce(), secret)
        return Html(f'<input type="hidden" name="{KEY_FIELD}" value="{key}">')

    def _form_nonce(self) -> str:
        """Random; in the answer to a write one that follows from its key, as a browser may foretell it."""
        if not self.records.writable:
            return base32(self._host.entropy(16))
        self._forms += 1
        return numbered(self.key, f"form\0{self._forms}")

    @property
    def sealed_change(self) -> State | None:
        """The sealed state, if this request changed it."""
        return self._sealed if self._sealed.changed else None

    def close(self) -> None:
        """The answer is on its way: from now on a change could not take part in it."""
        self.records.closed = self.state.closed = self._sealed.closed = True

    def needs_edge(self, what: str) -> NeedsEdge:
        """The exception to raise when this host lacks `what`; remembered, in case the app swallows it.

        Here too, for a context may be used where its request does not run, in a task of the start-up.
        """
        self.escalated = True
        return NeedsEdge(what)


def context(request: HTTPConnection) -> Context:
    """The context of a request that came through `Stateless`.

    Raises RuntimeError when the app runs without it, or for what is no request.
    """
    found: Any = getattr(request, "scope", {}).get(SCOPE_KEY)
    if not isinstance(found, Context):
        raise RuntimeError("no edgekit context: it takes a handler's request, and an app in edge.Stateless")
    return found
