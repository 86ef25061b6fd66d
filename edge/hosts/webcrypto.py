"""The keys of an edge, through the platform's WebCrypto; no browser loads this."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import js
from pyodide.ffi import JsException, to_js

from ..keyset import KeySet, KeysInUse
from ..types import Clock
from ._js import bytes_of

P_256: Mapping[str, str] = {"name": "ECDSA", "namedCurve": "P-256"}
AES_GCM: Mapping[str, str] = {"name": "AES-GCM"}
ECDSA: Mapping[str, str] = {"name": "ECDSA", "hash": "SHA-256"}


class WebCryptoKeys(KeysInUse):
    """`Signer`, `Verifier`, `Sealer` and `Macs` over one key set, through the platform's WebCrypto."""

    def __init__(self, keys: KeySet, imported: Mapping[tuple[str, str], Any], clock: Clock) -> None:
        super().__init__(lambda: keys, clock)
        self._imported = imported  # (operation, kid) -> CryptoKey

    @classmethod
    async def load(cls, document: Mapping[str, Any] | None, clock: Clock) -> WebCryptoKeys:
        """Import a JWK set, or make keys that end with this host if there is none; raises ValueError."""
        keys = KeySet(await _ephemeral() if document is None else document)
        imported: dict[tuple[str, str], Any] = {}
        for key in keys.keys:
            public = {name: value for name, value in key.material.items() if name != "d"}
            try:
                if key.use == "enc":
                    imported["seal", key.kid] = await _import(key.material, AES_GCM, ["encrypt", "decrypt"])
                    continue
                if key.private:
                    imported["sign", key.kid] = await _import(key.material, P_256, ["sign"])
                imported["verify", key.kid] = await _import(public, P_256, ["verify"])
            except JsException as error:
                raise ValueError(f"key {key.kid} is not on its curve") from error
        return cls(keys, imported, clock)

    async def sign(self, kid: str, message: bytes) -> bytes:
        key = self._imported["sign", kid]
        return bytes_of(await js.crypto.subtle.sign(_object(ECDSA), key, to_js(message)))

    async def verify(self, kid: str, message: bytes, signature: bytes) -> bool:
        return self.accepts("sig", kid) and await _verify(self._imported["verify", kid], message, signature)

    async def seal(self, kid: str, iv: bytes, plaintext: bytes, aad: bytes) -> bytes:
        key = self._imported["seal", kid]
        return bytes_of(await js.crypto.subtle.encrypt(_gcm(iv, aad), key, to_js(plaintext)))

    async def unseal(self, kid: str, iv: bytes, sealed: bytes, aad: bytes) -> bytes | None:
        if not self.accepts("enc", kid):
            return None
        try:
            key = self._imported["seal", kid]
            return bytes_of(await js.crypto.subtle.decrypt(_gcm(iv, aad), key, to_js(sealed)))
        except JsException:  # OperationError: WebCrypto does not say more either
            return None

    @staticmethod
    async def verify_proof_signature(jwk: Mapping[str, str], message: bytes, signature: bytes) -> bool:
        """A `ProofVerifier`."""
        try:
            key = await _import(jwk, P_256, ["verify"])
        except JsException:  # a point that is not on the curve
            return False
        return await _verify(key, message, signature)


async def _verify(key: Any, message: bytes, signature: bytes) -> bool:
    return bool(await js.crypto.subtle.verify(_object(ECDSA), key, to_js(signature), to_js(message)))


async def _import(jwk: Mapping[str, str], algorithm: Mapping[str, str], uses: list[str]) -> Any:
    return await js.crypto.subtle.importKey("jwk", _object(jwk), _object(algorithm), False, to_js(uses))


async def _ephemeral() -> dict[str, Any]:
    """A private set from the platform's randomness."""
    subtle, rows = js.crypto.subtle, []
    pair = await subtle.generateKey(_object(P_256), True, to_js(["sign"]))
    secret = await subtle.generateKey(_object({"name": "AES-GCM", "length": 256}), True, to_js(["encrypt"]))
    for key, use, alg in ((pair.privateKey, "sig", "ES256"), (secret, "enc", "A256GCM")):
        jwk = json.loads(js.JSON.stringify(await subtle.exportKey("jwk", key)))
        rows.append(jwk | {"kid": f"{use}-of-this-process", "use": use, "alg": alg})
    return {"keys": rows}


def _gcm(iv: bytes, aad: bytes) -> Any:
    return _object({"name": "AES-GCM", "iv": to_js(iv), "additionalData": to_js(aad)})


def _object(members: Mapping[str, Any]) -> Any:
    convert: Callable[..., Any] = js.Object.fromEntries
    return to_js(members, dict_converter=convert)
