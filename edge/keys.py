"""ES256 key pairs on CPython: JWK sets in files, signing and verifying through PyJWT.

The only module that imports `jwt`. It needs the extra `native` (or `origin`): Pyodide has no
`cryptography`, there the host signs through WebCrypto instead.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from .tokens import public_set, thumbprint
from .wire import encode_json

_ES256 = ECAlgorithm(ECAlgorithm.SHA256)


class KeySigner:
    """A `Signer` over one private P-256 JWK."""

    def __init__(self, jwk: Mapping[str, Any]) -> None:
        self.kid = thumbprint(jwk)
        self._key = _ES256.from_jwk(dict(jwk))

    async def sign(self, message: bytes) -> bytes:
        return _ES256.sign(message, self._key)  # type: ignore[arg-type]


class KeyVerifier:
    """A `Verifier` over a set of public P-256 JWKs."""

    def __init__(self, jwks: Mapping[str, Any]) -> None:
        self._keys = {thumbprint(jwk): _ES256.from_jwk(dict(jwk)) for jwk in jwks["keys"]}

    async def verify(self, kid: str, message: bytes, signature: bytes) -> bool:
        key = self._keys.get(kid)
        return key is not None and _ES256.verify(message, key, signature)


def generate() -> dict[str, str]:
    """A new private P-256 JWK from the operating system's randomness."""
    key = ec.generate_private_key(ec.SECP256R1())
    jwk: dict[str, str] = _ES256.to_jwk(key, as_dict=True)
    return {name: jwk[name] for name in ("kty", "crv", "x", "y", "d")}


def load_or_create(folder: Path) -> dict[str, Any]:
    """The private JWK kept in `folder/edge-private.json` (mode 0600), made on first use.

    `folder/edge-public.json` is written beside it: the set that the origin needs.
    """
    private, public = folder / "edge-private.json", folder / "edge-public.json"
    folder.mkdir(parents=True, exist_ok=True)
    if not private.exists():
        # Written under another name first: a crash must not leave half a key behind.
        draft = private.with_suffix(f".{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(encode_json(generate()))
        draft.replace(private)
    jwk: dict[str, Any] = json.loads(private.read_bytes())
    public.write_bytes(encode_json(public_set(jwk)))
    return jwk
