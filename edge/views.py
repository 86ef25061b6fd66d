"""Where a request's view comes from, and how a changed one goes back to the client."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from starlette.requests import cookie_parser

from .errors import NeedsEdge, Problem
from .jose import TOKEN_LIMIT
from .tokens import CREDENTIAL_TYPE, VIEW_LIFE, mint_view, open_view
from .types import Clock, Signer, Verifier, View

VIEW_HEADER = b"edgekit-view"
CLIENT_HEADER = b"edgekit-client"

Headers = list[tuple[bytes, bytes]]


class Views(Protocol):
    """How a host reads and issues views."""

    async def open(self, scope: dict[str, Any]) -> View | None:
        """The view that this request carries; None when there is none or it is not good."""
        ...

    async def issue(self, scope: dict[str, Any], view: View) -> Headers:
        """Response headers that hand `view` to the client; raises NeedsEdge where nothing can sign."""
        ...


class CookieViews:
    """Edges: the view is a signed token in a cookie that scripts cannot read."""

    def __init__(self, signer: Signer, verifier: Verifier, clock: Clock) -> None:
        self._signer = signer
        self._verifier = verifier
        self._clock = clock

    async def open(self, scope: dict[str, Any]) -> View | None:
        token = self.token(scope)
        if token is None:
            return None
        try:
            return await open_view(token, self._verifier, self._clock(), CREDENTIAL_TYPE)
        except Problem:
            return None

    def token(self, scope: dict[str, Any]) -> str | None:
        """The token as it came in, unchecked."""
        return _cookie(scope["headers"], cookie_name(scope))

    async def issue(self, scope: dict[str, Any], view: View) -> Headers:
        now = self._clock()
        token = await mint_view(self._signer, view, now, CREDENTIAL_TYPE)
        if len(token) > TOKEN_LIMIT - 256:
            raise Problem("state-too-large", f"the signed view has {len(token)} bytes")
        secure = "; Secure" if scope["scheme"] == "https" else ""
        cookie = f"{cookie_name(scope)}={token}; Path=/; Max-Age={VIEW_LIFE}; HttpOnly; SameSite=Lax{secure}"
        # A service worker cannot see Set-Cookie, so it asks for the view in a header of its own. Scripts
        # can ask as well, which is why that token is of a type that no edge takes for a credential.
        asked = any(name == CLIENT_HEADER for name, _ in scope["headers"])
        shown = await mint_view(self._signer, view, now) if asked else "changed"
        return [(b"set-cookie", cookie.encode()), (VIEW_HEADER, shown.encode())]


class PayloadViews:
    """The browser: the service worker has verified the view and passes its claims along."""

    async def open(self, scope: dict[str, Any]) -> View | None:
        claims = scope.get("edgekit.view")
        if claims is None:
            return None
        return View(claims["sub"], claims["ver"], claims["state"], tuple(claims["keys"]), claims["iat"])

    async def issue(self, scope: dict[str, Any], view: View) -> Headers:  # noqa: ARG002
        raise NeedsEdge("signing a changed state")


def cookie_name(scope: dict[str, Any]) -> str:
    """`__Host-` binds a cookie to this very host, but browsers accept that prefix over https only."""
    return "__Host-edgekit-view" if scope["scheme"] == "https" else "edgekit-view"


def _cookie(headers: Iterable[tuple[bytes, bytes]], name: str) -> str | None:
    for header, value in headers:
        if header == b"cookie" and name.encode() in value:
            # As browsers do: http.cookies would drop all cookies for the sake of one odd one beside ours.
            found = cookie_parser(value.decode("latin-1")).get(name)
            if found is not None:
                return found
    return None
