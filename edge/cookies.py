"""The cookies that carry a visitor's tokens (RFC 6265bis): HttpOnly, this host only, not for other sites."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.requests import cookie_parser

SESSION, REFRESH, VIEW, SEALED = "session", "refresh", "view", "sealed"
ALL = (SESSION, REFRESH, VIEW, SEALED)
OWN = b"edgekit-"  # with which the names of our cookies and headers begin
COOKIE_LIMIT = 4096  # bytes of name, value and attributes that every browser keeps

Header = tuple[bytes, bytes]


def read(scope: dict[str, Any], which: str) -> str | None:
    """The value of one of our cookies as it came in, unchecked."""
    name = _name(scope, which)
    for header, value in scope["headers"]:
        if header == b"cookie" and name.encode() in value:
            # As browsers do: http.cookies would drop all cookies for the sake of one odd one beside ours.
            found = cookie_parser(value.decode("latin-1")).get(name)
            if found is not None:
                return found
    return None


def without_ours(scope: dict[str, Any], headers: Iterable[Header]) -> list[Header]:
    """These headers of a request as they would be without the kit: an app that says which cookies it knows,
    or shows them all, does not get to see ours."""
    names = {_name(scope, which).encode() for which in ALL}
    found: list[Header] = []
    for name, value in headers:
        if name.startswith(OWN):
            continue
        if name == b"cookie" and OWN in value:
            kept = [pair for pair in value.split(b";") if pair.partition(b"=")[0].strip() not in names]
            if kept:
                found.append((name, b";".join(kept).strip()))
        else:
            found.append((name, value))
    return found


def has_refresh(scope: dict[str, Any]) -> bool:
    """Whether a user's cookie came along, good or not: guests have none."""
    return read(scope, REFRESH) is not None


def write(scope: dict[str, Any], which: str, value: str, life: int) -> Header:
    """A `Set-Cookie` header that keeps `value` for `life` seconds; 0 deletes it."""
    secure = "; Secure" if scope["scheme"] == "https" else ""
    text = f"{_name(scope, which)}={value}; Path=/; Max-Age={life}; HttpOnly; SameSite=Lax{secure}"
    return b"set-cookie", text.encode()


def erase(scope: dict[str, Any]) -> list[Header]:
    """Headers that delete our cookies, also those that this very answer had set before."""
    return [write(scope, which, "", 0) for which in ALL]


def _name(scope: dict[str, Any], which: str) -> str:
    """`__Host-` binds a cookie to this very host, but browsers accept that prefix over https only."""
    return f"__Host-edgekit-{which}" if scope["scheme"] in ("https", "wss") else f"edgekit-{which}"
