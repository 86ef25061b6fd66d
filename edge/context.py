"""`context(request)`: everything a handler may use beside the request itself."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from starlette.requests import HTTPConnection

from .catalog import CatalogReader
from .errors import NeedsEdge
from .host import Host
from .intake import KEY_FIELD, SAFE
from .records import Records
from .state import State
from .types import Entropy, HostName, View

SCOPE_KEY = "edgekit"


class Html(str):
    """Markup that template engines take as it is (the `__html__` convention)."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


class Context:
    """One request as a handler sees it. `key` is the request's idempotency key, the seed of its ids."""

    def __init__(
        self,
        host: Host,
        view: View | None,
        *,
        method: str,
        key: str,
        shared: frozenset[str],
        readable: frozenset[str] = frozenset(),
    ) -> None:
        self._host = host
        self.key = key
        self._ids = 0
        self._subject = view.subject if view else None
        self.view = view
        self.escalated = False
        self.now: float = host.clock()
        """Wall time in seconds, read once: the same for the whole request."""
        self.state = State(view.state if view else {})
        """The user's small readable state; a dict of JSON values. Change it to keep the change."""
        self.catalog = CatalogReader(host.catalog)
        """Data that is the same for everybody."""
        self.records = Records(
            host.origin,
            shared,
            lambda: self._subject,
            writable=method not in SAFE,
            readable=readable if host.name == "browser" else None,
        )
        """Stored documents; all writes of one request happen together or not at all."""

    @property
    def host(self) -> HostName:
        """Who runs this: "browser", "edge" or "native"."""
        return self._host.name

    @property
    def user(self) -> str | None:
        """The id of the user (a guest, until somebody signs in), or None for a first-time visitor."""
        return self._subject

    @property
    def is_new_guest(self) -> bool:
        """Whether this request made the guest: the client does not have the view yet."""
        return self._subject is not None and self.view is None

    def ensure_user(self) -> str:
        """The user's id; a first-time visitor becomes a guest. Raises NeedsEdge in the browser."""
        if self._subject is None:
            if self._host.name == "browser":
                raise self.needs_edge("making a guest")
            self._subject = guest_id(self._host.entropy)
        return self._subject

    def new_id(self) -> str:
        """A fresh id of 26 characters. A retry of the same request gets the same ids again."""
        self._ids += 1
        return _base32(hashlib.sha256(f"{self.key}\0{self._ids}".encode()).digest()[:16])

    def form_key(self) -> Html:
        """A hidden input for an HTML form that makes sending it twice harmless."""
        self.ensure_user()  # the key means something only together with whose it is
        key = _base32(self._host.entropy(16))
        return Html(f'<input type="hidden" name="{KEY_FIELD}" value="{key}">')

    def close(self) -> None:
        """The answer is on its way: from now on a change could not take part in it."""
        self.records.closed = self.state.closed = True

    def needs_edge(self, what: str) -> NeedsEdge:
        """The exception to raise when this host lacks `what`; remembered, in case the app swallows it."""
        self.escalated = True
        return NeedsEdge(what)


def context(request: HTTPConnection) -> Context:
    """The context of a request that came through `Stateless`.

    Raises RuntimeError when the app runs without it.
    """
    found: Any = request.scope.get(SCOPE_KEY)
    if not isinstance(found, Context):
        raise RuntimeError("no edgekit context: serve the app wrapped in edge.Stateless")
    return found


def guest_id(entropy: Entropy) -> str:
    """A new user's id: 128 random bits."""
    return _base32(entropy(16))


def _base32(data: bytes) -> str:
    return base64.b32encode(data).rstrip(b"=").decode("ascii").lower()
