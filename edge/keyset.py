"""Sets of keys (RFC 7517) and how they follow one another. Pure: files are `keys.py`'s.

A private set holds P-256 keys to sign with (`use: sig`, ES256) and 256-bit keys to seal with
(`use: enc`, A256GCM). `nbf` says from when on a key is used, `exp` until when what was made with it
is accepted; both in seconds. So a new key is known everywhere before the first token needs it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .jose import KEY_ID, decode_segment
from .tokens import LONGEST_LIFE
from .types import Clock

Use = Literal["sig", "enc"]
KEYS_LIMIT = 8  # keys of one use in a set
KNOWN_AHEAD = 600  # seconds from the making of a key to its first use; others keep the set for 300
ALGORITHMS: Mapping[Use, str] = {"sig": "ES256", "enc": "A256GCM"}


@dataclass(frozen=True, slots=True)
class Key:
    """One key and the one algorithm it is for; `exp` is None while nothing has followed it."""

    kid: str
    use: Use
    nbf: int
    exp: int | None
    private: bool
    material: Mapping[str, str] = field(repr=False)  # the JWK's own members; never in a log

    def accepted(self, now: float) -> bool:
        """Whether what was made with this key is still good."""
        return self.exp is None or now < self.exp


class KeySet:
    """A checked set of keys; raises ValueError, without a word of what the key is, if it is not one."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        rows = document.get("keys") if isinstance(document, Mapping) else None
        if not isinstance(rows, list):
            raise ValueError('not a JWK set: it has no list "keys"')
        self.keys = tuple(map(_key, rows))
        if len({key.kid for key in self.keys}) != len(self.keys):
            raise ValueError("two keys have the same kid")
        for use in ALGORITHMS:
            if len([key for key in self.keys if key.use == use]) > KEYS_LIMIT:
                raise ValueError(f"more than {KEYS_LIMIT} keys of one use; retire some")

    @property
    def private(self) -> bool:
        """Whether it holds anything that is not for everybody."""
        return any(key.private for key in self.keys)

    def current(self, use: Use, now: float) -> Key:
        """The key to sign or seal with: the newest whose time has come. Raises LookupError."""
        own = [key for key in self.keys if key.use == use and key.private and key.accepted(now)]
        if not own:
            raise LookupError(f"the key set has no private key of use {use!r}")
        # A set that is all in the future comes from a machine whose clock is ahead: the oldest, then.
        begun = [key for key in own if key.nbf <= now] or [min(own, key=_begin)]
        return max(begun, key=_begin)

    def find(self, use: Use, kid: str, now: float) -> Key | None:
        """The key of that name, while what was made with it is accepted."""
        found = (key for key in self.keys if (key.use, key.kid) == (use, kid) and key.accepted(now))
        return next(found, None)

    def public(self, now: float) -> dict[str, Any]:
        """The JWK set that may be published (RFC 7517 section 5): keys to come are in it already."""
        return {
            "keys": [
                {name: key.material[name] for name in ("kty", "crv", "x", "y")}
                | {"kid": key.kid, "alg": ALGORITHMS[key.use], "use": key.use, "nbf": key.nbf}
                | ({} if key.exp is None else {"exp": key.exp})
                for key in self.keys
                if key.use == "sig" and key.accepted(now)
            ]
        }

    def macs(self, label: str, message: bytes, now: float) -> list[bytes]:
        """HMAC-SHA-256 of `message` under keys derived for `label` from the sealing keys; current first."""
        current = self.current("enc", now)
        others = (k for k in self.keys if k.use == "enc" and k.accepted(now) and k is not current)
        return [_mac(key, label, message) for key in (current, *others)]


class KeysInUse:
    """What holds for a key set whatever library signs with it. `keys` gives the set as it is now."""

    def __init__(self, keys: Callable[[], KeySet], clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    @property
    def kid(self) -> str:
        return self._keys().current("sig", self._clock()).kid

    @property
    def sealing_kid(self) -> str:
        return self._keys().current("enc", self._clock()).kid

    @property
    def jwks(self) -> dict[str, Any]:
        """The public set, as it may be published now."""
        return self._keys().public(self._clock())

    def mac(self, label: str, message: bytes) -> bytes:
        return self.macs(label, message)[0]

    def macs(self, label: str, message: bytes) -> list[bytes]:
        return self._keys().macs(label, message, self._clock())

    def accepts(self, use: Use, kid: str) -> bool:
        """Whether there is such a key and what was made with it is still good."""
        return self._keys().find(use, kid, self._clock()) is not None


def rotated(document: Mapping[str, Any], new: Iterable[Mapping[str, Any]], now: float) -> dict[str, Any]:
    """The set with the keys `new` in it, and an end for those that they follow.

    `new` are used once everybody can know them; the others are accepted for as long as what is made
    with them until then may live. Raises ValueError if the set would grow too large.
    """
    begin = int(now) + KNOWN_AHEAD
    end = begin + LONGEST_LIFE + KNOWN_AHEAD
    rows = [row if "exp" in row else {**row, "exp": end} for row in document["keys"]]
    made = {"keys": [*rows, *({**row, "nbf": begin} for row in new)]}
    KeySet(made)
    return made


def retired(document: Mapping[str, Any], now: float, kid: str | None = None) -> dict[str, Any]:
    """The set without the keys that have ended, and without `kid`, whether it has ended or not.

    Raises ValueError if there is no such key.
    """
    keys = KeySet(document).keys
    if kid is not None and kid not in {key.kid for key in keys}:
        raise ValueError(f"there is no key {kid}")
    staying = {key.kid for key in keys if key.accepted(now) and key.kid != kid}
    return {"keys": [dict(row) for row in document["keys"] if row["kid"] in staying]}


def _begin(key: Key) -> int:
    return key.nbf


def _mac(key: Key, label: str, message: bytes) -> bytes:
    derived = hmac.digest(decode_segment(key.material["k"]), f"edgekit {label}".encode(), hashlib.sha256)
    return hmac.digest(derived, message, hashlib.sha256)


_MEMBERS: Mapping[Use, tuple[str, ...]] = {"sig": ("x", "y", "d"), "enc": ("k",)}
_FIXED: Mapping[Use, Mapping[str, str]] = {"sig": {"kty": "EC", "crv": "P-256"}, "enc": {"kty": "oct"}}


def _key(row: Any) -> Key:
    use = next((use for use in ALGORITHMS if isinstance(row, Mapping) and row.get("use") == use), None)
    if use is None or row.get("alg") != ALGORITHMS[use] or _differs(row, _FIXED[use]):
        raise ValueError("a key is neither ES256 (use sig, P-256) nor A256GCM (use enc, oct)")
    kid, nbf, exp = row.get("kid"), row.get("nbf", 0), row.get("exp", 0)
    if not isinstance(kid, str) or KEY_ID.fullmatch(kid) is None:
        raise ValueError("a key has no usable kid")
    if type(nbf) is not int or type(exp) is not int:
        raise ValueError(f"key {kid}: nbf and exp are whole seconds")
    material = {name: row[name] for name in _MEMBERS[use] if name in row}
    if not material.keys() >= {*_MEMBERS[use]} - {"d"} or not all(map(_is_256_bits, material.values())):
        raise ValueError(f"key {kid} is not made of 256-bit values")
    private = "d" in material or "k" in material
    return Key(kid, use, nbf, exp if "exp" in row else None, private, {**_FIXED[use], **material})


def _differs(row: Mapping[str, Any], members: Mapping[str, str]) -> bool:
    return any(row.get(name) != value for name, value in members.items())


def _is_256_bits(text: object) -> bool:
    try:
        return isinstance(text, str) and len(decode_segment(text)) == 32
    except ValueError:
        return False
