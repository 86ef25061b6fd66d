"""What a user's browser makes of an HTTP message: an answer, a page, a view. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import urljoin, urlsplit

from ..errors import PROBLEMS
from . import pages
from .history import answer_digest, digest
from .http1 import Message
from .pages import Form

NOT_FINAL = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Answer:
    """One response. Header names are in lower case; what came several times is joined by line feeds."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def problem(self) -> str:
        """The code of the kit's problem that this is, or ""."""
        return self.headers.get("edgekit-problem", "")

    @property
    def replayed(self) -> bool:
        return "idempotency-replayed" in self.headers

    @property
    def may_be_tried_again(self) -> bool:
        """Whether this is no outcome, but says that now is a bad moment."""
        return self.status in NOT_FINAL or (bool(self.problem) and PROBLEMS[self.problem].retryable)

    @property
    def digest(self) -> str:
        """See `history.answer_digest`."""
        return answer_digest(self.status, self.headers.items(), self.body)


@dataclass(frozen=True)
class Page:
    """Where a request has led. `first` is the answer to the request itself, before redirects."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    first: Answer

    @property
    def ok(self) -> bool:
        """Whether the request itself succeeded."""
        return self.first.status < 400

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        return json.loads(self.body)

    @cached_property
    def links(self) -> list[str]:
        """Paths of this site that the page links to, with their queries."""
        return [path for href in self._scanned[0] if (path := local(self.url, href))]

    @cached_property
    def forms(self) -> list[Form]:
        """Its forms that go to this site; `action` is a path."""
        return [
            replace(form, action=path) for form in self._scanned[1] if (path := local(self.url, form.action))
        ]

    @cached_property
    def _scanned(self) -> tuple[list[str], list[Form]]:
        return pages.scan(self.text) if "html" in self.headers.get("content-type", "") else ([], [])


def local(base: str, href: str) -> str:
    """Path and query that `href` means on the page `base`, or "" if that is another site's."""
    parts = urlsplit(urljoin(f"http://here{base}", href))
    if (parts.scheme, parts.netloc) != ("http", "here"):
        return ""
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def understood(target: str, message: Message) -> Answer:
    """A redirect that was spelled out for a service worker is one again."""
    headers: dict[str, str] = {}
    for raw, value in message.fields:
        name, text = raw.decode("latin-1"), value.decode("latin-1")
        headers[name] = f"{headers[name]}\n{text}" if name in headers else text
    status = int(headers.pop("edgekit-status", message.status))
    if "edgekit-location" in headers:
        headers["location"] = headers.pop("edgekit-location")
    return Answer(target, status, headers, message.body)


def read_view(token: str) -> dict[str, Any] | None:
    """What a view token says, unverified: whose it is, its version, a digest of its state, its keys."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return {
            "sub": claims["sub"],
            "sid": claims["sid"],
            "ver": claims["ver"],
            "state": digest(claims["state"]),
            # In short, without mark and digits: see `applied`.
            "keys": [entry[:-9] for entry in claims["keys"]],
        }
    except (ValueError, KeyError, IndexError):
        return None
