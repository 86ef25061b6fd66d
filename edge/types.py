"""The contracts that hosts fulfil. Read this first: everything else is written against it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
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
    """Signs with private P-256 keys (ES256, RFC 7518 section 3.4)."""

    @property
    def kid(self) -> str:
        """The key that signs now."""
        ...

    async def sign(self, kid: str, message: bytes) -> bytes:
        """Return the 64-byte r‖s signature over `message`."""
        ...


class Verifier(Protocol):
    """Verifies with a small set of public P-256 keys, looked up by `kid`."""

    async def verify(self, kid: str, message: bytes, signature: bytes) -> bool:
        """Return whether `signature` (64 bytes, r‖s) is valid; False for an unknown `kid`."""
        ...


class Sealer(Protocol):
    """Encrypts for itself with 256-bit keys (AES-GCM, RFC 7518 section 5.3)."""

    @property
    def sealing_kid(self) -> str:
        """The key that seals now."""
        ...

    async def seal(self, kid: str, iv: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """Return the ciphertext with its 16-byte tag behind it; `iv` has 12 bytes and serves once."""
        ...

    async def unseal(self, kid: str, iv: bytes, sealed: bytes, aad: bytes) -> bytes | None:
        """The plaintext; None for an unknown `kid` or when the tag does not fit."""
        ...


class Macs(Protocol):
    """HMAC-SHA-256 under keys that are derived from the sealing keys, one for each `label`."""

    def mac(self, label: str, message: bytes) -> bytes:
        """The code under the key that seals now."""
        ...

    def macs(self, label: str, message: bytes) -> list[bytes]:
        """The codes under every key whose tokens are accepted, the present one first."""
        ...


# (public P-256 JWK, message, 64-byte signature) -> whether it is valid; False for a key that is none.
ProofVerifier = Callable[[Mapping[str, str], bytes, bytes], Awaitable[bool]]


class Keys(Signer, Verifier, Sealer, Macs, Protocol):
    """All that an edge does with its keys."""

    @property
    def jwks(self) -> Mapping[str, Any]:
        """The public set (RFC 7517 section 5), as it may be published now."""
        ...

    async def verify_proof_signature(self, jwk: Mapping[str, str], message: bytes, signature: bytes) -> bool:
        """A `ProofVerifier`."""
        ...


class Principal(NamedTuple):
    """For whom an edge speaks to the origin: the user, the session, and how often it was signed out
    everywhere when the session began."""

    subject: str
    sid: str = ""
    epoch: int = 0


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

    `subject` names whose it is and `sid` the session, `version` counts changes, `applied` lists the
    newest idempotency keys whose effect on the state is already in it (oldest first). `claims` is what
    the app said about the user who signed in; `form_secret` (22 characters) marks forms as made for
    this view; `jkt` is the thumbprint of the device key that the session is bound to. `shape` is the version
    of the app's own layout of `state`, `late` as the session has it.
    """

    subject: str
    version: int
    state: Mapping[str, JSON]
    applied: tuple[str, ...] = ()
    issued_at: int = 0
    sid: str = ""
    guest: bool = True
    claims: Mapping[str, JSON] = field(default_factory=dict)
    form_secret: str = ""
    jkt: str | None = None
    shape: int = 0
    late: bool = False
