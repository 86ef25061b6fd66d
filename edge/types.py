"""The contracts that hosts fulfil. Read this first: everything else is written against it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

JSON: TypeAlias = "bool | int | float | str | list[Any] | dict[str, Any] | None"
HostName = Literal["browser", "edge", "native"]
Clock = Callable[[], float]  # seconds
Entropy = Callable[[int], bytes]  # number of bytes -> that many random bytes


class Reply(NamedTuple):
    """An HTTP answer as a value; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Signer(Protocol):
    """Signs with one private P-256 key (ES256, RFC 7518 section 3.4)."""

    @property
    def kid(self) -> str: ...

    async def sign(self, message: bytes) -> bytes:
        """Return the 64-byte r‖s signature over `message`."""
        ...


class Verifier(Protocol):
    """Verifies with a small set of public P-256 keys, looked up by `kid`."""

    async def verify(self, kid: str, message: bytes, signature: bytes) -> bool:
        """Return whether `signature` (64 bytes, r‖s) is valid; False for an unknown `kid`."""
        ...


class PublicFetch(Protocol):
    """GET without any credential. There is no way to hand it a cookie or a token: what it returns
    cannot be personal, which is what lets the catalog be cached for everybody."""

    def __call__(self, path: str, etag: str | None) -> Awaitable[Reply]: ...


class Fetch(Protocol):
    """A call to the origin on behalf of one user; raises `Problem("origin-unavailable")`."""

    def __call__(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Awaitable[Reply]: ...


@dataclass(frozen=True, slots=True)
class View:
    """The user's readable state as it travels with each request.

    `subject` names whose it is, `version` counts changes, `applied` lists the newest idempotency
    keys whose effect on the state is already in it (oldest first).
    """

    subject: str
    version: int
    state: Mapping[str, JSON]
    applied: tuple[str, ...] = ()
    issued_at: int = 0
