"""The border to JavaScript: the only module that imports `js` and `pyodide`.

Values cross it as plain strings and byte arrays; headers as one string, "name\\0value\\0name\\0value".
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import js
from pyodide import webloop
from pyodide.ffi import JsException, create_once_callable, to_js
from pyodide.webloop import WebLoop

from ..errors import NeedsEdge
from ..keyset import KeySet, KeysInUse
from ..types import Clock, Fetch, PublicFetch, Reply

JsResponse = Any  # a JavaScript array [status, headers, Uint8Array]
LONGEST_DELAY = 2**31 - 1  # ms; setTimeout() takes a signed 32-bit number
P_256: Mapping[str, str] = {"name": "ECDSA", "namedCurve": "P-256"}
AES_GCM: Mapping[str, str] = {"name": "AES-GCM"}
ECDSA: Mapping[str, str] = {"name": "ECDSA", "hash": "SHA-256"}

__all__ = [
    "LONGEST_DELAY",
    "WebCryptoKeys",
    "WebLoop",
    "bytes_of",
    "config",
    "join_headers",
    "js_bytes",
    "js_response",
    "parse",
    "public_fetch",
    "schedule",
    "split_headers",
    "use_plain_js",
    "user_fetch",
]


def bytes_of(buffer: Any) -> bytes:
    """The bytes of a Uint8Array or ArrayBuffer; nothing at all counts as empty."""
    return b"" if buffer is None else bytes(buffer.to_bytes())


def js_bytes(data: bytes) -> Any:
    """A Uint8Array with a copy of `data`."""
    return to_js(data)


def js_response(status: int, headers: str, body: bytes, working: bool) -> JsResponse:
    """[status, headers, Uint8Array, boolean] in one crossing."""
    return to_js((status, headers, body, working))


def schedule(callback: Callable[[], None], milliseconds: int) -> None:
    """Let JavaScript call `callback` once, after its present task and at least `milliseconds` later."""
    # "May syncify": where the engine can switch stacks, the callback may use `run_sync`.
    webloop.scheduleCallback(create_once_callable(callback, _may_syncify=True), milliseconds)


def join_headers(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """ASGI headers as one string."""
    return b"\0".join(part for pair in headers for part in pair).decode("latin-1")


def split_headers(text: str) -> list[tuple[bytes, bytes]]:
    """The reverse of `join_headers`."""
    parts = iter(text.encode("latin-1").split(b"\0") if text else ())
    return list(zip(parts, parts, strict=True))


def public_fetch(services: Any) -> PublicFetch:
    """The JavaScript side's way to the catalog."""

    async def fetch(path: str, etag: str | None) -> Reply:
        return _reply(await services.publicFetch(path, etag or ""), "the catalog")

    return fetch


def user_fetch(services: Any) -> Fetch:
    """The JavaScript side's way to the records of the user."""

    async def fetch(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        flat = "\0".join(part for pair in headers.items() for part in pair)
        return _reply(await services.userFetch(method, target, flat, js_bytes(body)), "a record")

    return fetch


def use_plain_js() -> None:
    """Let every module that imported `js` see the real one again.

    While Pyodide is able to take a snapshot, `js` records the path of what is touched, and attributes
    that are accessors (`js.crypto`) fail there.
    """
    recording = sys.modules.pop("js")
    plain = importlib.import_module("js")
    for module in list(sys.modules.values()):
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if value is recording:
                setattr(module, name, plain)


def parse(text: str) -> dict[str, Any]:
    """A JSON object that JavaScript sent as text."""
    value: dict[str, Any] = json.loads(text)
    return value


def config(services: Any) -> dict[str, Any]:
    """What the JavaScript side was told when it started this host."""
    return parse(services.config)


def _reply(response: JsResponse, what: str) -> Reply:
    status, headers, body = response.to_py(depth=1)
    if status == 0:
        raise NeedsEdge(what)  # the network is gone: perhaps the next host is luckier
    fields = {name.decode("latin-1"): value.decode("latin-1") for name, value in split_headers(headers)}
    return Reply(status, fields, bytes_of(body))


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
