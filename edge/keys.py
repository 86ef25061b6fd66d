"""Keys on CPython: sets in files, ES256 through PyJWT, A256GCM through cryptography.

The only module that imports `jwt`. It needs the extra `native` (or `origin`): Pyodide has no
`cryptography`, there the host uses WebCrypto instead.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from jwt.algorithms import ECAlgorithm

from .jose import decode_segment, encode_segment, thumbprint
from .keyset import ALGORITHMS, KeySet, KeysInUse, Use
from .private_files import private_files, private_folder
from .types import Clock
from .wire import encode_json

LOOK_AGAIN = 5.0  # seconds between two looks at a key file
logger = logging.getLogger("edgekit.keys")
_ES256 = ECAlgorithm(ECAlgorithm.SHA256, ec.SECP256R1)


class Loaded:
    """A key set in the libraries' form; raises ValueError for a set that is none."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.set = KeySet(document)
        self.signing: dict[str, Any] = {}
        self.verifying: dict[str, Any] = {}
        self.sealing: dict[str, AESGCM] = {}
        for key in self.set.keys:
            if key.use == "enc":
                self.sealing[key.kid] = AESGCM(decode_segment(key.material["k"]))
                continue
            if key.private:
                self.signing[key.kid] = _ES256.from_jwk(dict(key.material))
            self.verifying[key.kid] = _ES256.from_jwk({n: v for n, v in key.material.items() if n != "d"})


Source = Callable[[], Loaded]  # the keys as they are now


class KeyFile:
    """A `Source` that looks at its file again, so that keys change without a restart.

    Raises OSError or ValueError if there is no usable set at the start; later the last good one stays.
    """

    def __init__(self, path: Path, timer: Clock) -> None:
        self.path = path
        self._timer = timer
        self._looked = timer()
        self._seen = self._mark()
        self._loaded = self._load()

    def __call__(self) -> Loaded:
        now = self._timer()
        if now - self._looked >= LOOK_AGAIN:
            self._looked = now
            try:
                mark = self._mark()
                if mark != self._seen:
                    self._loaded, self._seen = self._load(), mark
            except (OSError, ValueError) as error:
                logger.warning("%s cannot be used, so the keys stay as they were: %s", self.path, error)
        return self._loaded

    def _mark(self) -> tuple[int, int, int]:
        found = self.path.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _load(self) -> Loaded:
        return Loaded(json.loads(self.path.read_bytes()))


def fixed(document: Mapping[str, Any]) -> Source:
    """A `Source` of one JWK set that never changes; raises ValueError."""
    loaded = Loaded(document)
    return lambda: loaded


def source(setting: str, timer: Clock) -> Source:
    """The keys that `EDGEKIT_KEYS` names: a path, or the JWK set itself. Raises OSError or ValueError."""
    if setting.lstrip().startswith("{"):
        return fixed(json.loads(setting))
    return KeyFile(Path(setting), timer)


class NativeKeys(KeysInUse):
    """`Signer`, `Verifier`, `Sealer` and `Macs` over one key set; `clock` is wall time in seconds."""

    def __init__(self, source: Source, clock: Clock) -> None:
        super().__init__(lambda: source().set, clock)
        self._source = source

    async def sign(self, kid: str, message: bytes) -> bytes:
        return _ES256.sign(message, self._source().signing[kid])

    async def verify(self, kid: str, message: bytes, signature: bytes) -> bool:
        key = self._source().verifying.get(kid)
        return key is not None and self.accepts("sig", kid) and _ES256.verify(message, key, signature)

    async def seal(self, kid: str, iv: bytes, plaintext: bytes, aad: bytes) -> bytes:
        return self._source().sealing[kid].encrypt(iv, plaintext, aad)

    async def unseal(self, kid: str, iv: bytes, sealed: bytes, aad: bytes) -> bytes | None:
        key = self._source().sealing.get(kid)
        if key is None or not self.accepts("enc", kid):
            return None
        try:
            return key.decrypt(iv, sealed, aad)
        except InvalidTag:
            return None

    @staticmethod
    async def verify_proof_signature(jwk: Mapping[str, str], message: bytes, signature: bytes) -> bool:
        """A `ProofVerifier`."""
        try:
            return _ES256.verify(message, _ES256.from_jwk(dict(jwk)), signature)
        except ValueError:  # a point that is not on the curve
            return False


def generate(begin: float = 0, uses: Collection[Use] = ("sig", "enc")) -> dict[str, Any]:
    """A new private set, one key of each of `uses` from `begin` (in seconds) on, from the operating
    system's randomness."""
    make: Mapping[Use, Callable[[], dict[str, str]]] = {"sig": _pair, "enc": _secret}
    return {"keys": [make[use]() | {"use": use, "alg": ALGORITHMS[use], "nbf": int(begin)} for use in uses]}


def _pair() -> dict[str, str]:
    pair: dict[str, str] = _ES256.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
    return {name: pair[name] for name in ("kty", "crv", "x", "y", "d")} | {"kid": thumbprint(pair)}


def _secret() -> dict[str, str]:
    key, kid = secrets.token_bytes(32), secrets.token_bytes(16)
    return {"kty": "oct", "k": encode_segment(key), "kid": encode_segment(kid)}


def load_or_create(folder: Path, name: str = "edge") -> dict[str, Any]:
    """The private set kept in `folder/<name>-private.json`, made on first use; see `save`."""
    file = folder / f"{name}-private.json"
    private_folder(folder)
    if not file.exists():
        save(file, generate(time.time()), time.time())
    private_files(folder, file.name)
    document = load(file)
    publish(file, document, time.time())
    return document


def load(file: Path) -> dict[str, Any]:
    """The set in `file`, checked; raises OSError or ValueError."""
    document: dict[str, Any] = json.loads(file.read_bytes())
    Loaded(document)
    return document


def save(file: Path, document: Mapping[str, Any], now: float) -> None:
    """Write a private set for its owner alone (mode 0600), and the public one beside it.

    Readers see the old files or the new ones. Raises OSError, and ValueError for a set that is none.
    """
    publish(file, document, now)  # first: what signs next is to be known before it does
    _write(file, document, 0o600)


def publish(file: Path, document: Mapping[str, Any], now: float) -> None:
    """Write the public set of `document` beside its `file`; raises OSError or ValueError."""
    _write(public_file(file), Loaded(document).set.public(now), 0o644)


def public_file(file: Path) -> Path:
    """Where the public set of `file` is written: `edge-public.json` beside `edge-private.json`."""
    return file.with_name(f"{file.stem.removesuffix('-private')}-public.json")


def _write(file: Path, document: Mapping[str, Any], mode: int) -> None:
    # Written under another name first: a crash must not leave half a key behind.
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(encode_json(document))
        opened.flush()
        os.fsync(descriptor)
    draft.replace(file)
