"""CPython host: any ASGI server runs the app, set up from the environment.

EDGEKIT_ORIGIN       base URL of the origin, or several with commas between (origins of one database);
                     without it catalog and records answer 503
EDGEKIT_ORIGIN_KEYS  the origin's public JWK set or its file; without it the first one that it gives
EDGEKIT_KEYS         the private JWK set or its file; without it keys that end with the process
EDGEKIT_RELEASE      folder of the browser release; without it there is no browser host
EDGEKIT_ADDRESS      the address under which people reach the site, such as https://tea.example: a request for
                     another one gets 421; without it only loopback names are answered, over http
EDGEKIT_SITES        origins, with commas between, of sites whose service workers may read here what is for
                     everybody (`edgekit build --edge` of that site names this one)
EDGEKIT_CATALOG_MEMORY  MiB of memory that the catalog may take in this process (default: 256)
EDGEKIT_DEVELOPMENT  "1": friendlier and slower
EDGEKIT_FAILURE      file in which `edgekit serve` keeps what is broken, for pages in development
"""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2

from ..catalog import MAX_BYTES, Catalog, memory
from ..cookie_visitors import CookieVisitors
from ..cross_origin import origins
from ..errors import Problem
from ..host import Host
from ..keys import NativeKeys, Source, fixed, generate, source
from ..origin_client import OriginClient
from ..proof import Proofs
from ..public_address import PublicAddress
from ..revocations import OriginKeys, Revocations
from ..types import Reply, Verifier
from . import stamps
from .assets import Assets

TIMEOUT = httpx2.Timeout(10.0, connect=2.0)  # seconds
LIMITS = httpx2.Limits(max_connections=200, max_keepalive_connections=50)
logger = logging.getLogger("edgekit")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a native host has to be told; all of it is optional."""

    origin: str | None = None
    keys: Source | None = None
    release: Path | None = None
    development: bool = False
    origin_keys: Source | None = None
    sites: frozenset[str] = frozenset()
    address: PublicAddress = PublicAddress()  # noqa: RUF009 - immutable
    catalog_bytes: int = MAX_BYTES
    failure: Path | None = None

    @classmethod
    def from_environment(cls) -> Settings:
        """Read the variables named above; raises ValueError, whose sentence names the one that is wrong."""
        failure = os.environ.get("EDGEKIT_FAILURE")
        return cls(
            origin=_setting("EDGEKIT_ORIGIN", _urls),
            origin_keys=_setting("EDGEKIT_ORIGIN_KEYS", _keys),
            keys=_setting("EDGEKIT_KEYS", _keys),
            release=_setting("EDGEKIT_RELEASE", _release),
            development=os.environ.get("EDGEKIT_DEVELOPMENT") == "1",
            failure=Path(failure) if failure else None,
            sites=_setting("EDGEKIT_SITES", origins) or frozenset(),
            address=_setting("EDGEKIT_ADDRESS", PublicAddress.of) or PublicAddress(),
            catalog_bytes=_setting("EDGEKIT_CATALOG_MEMORY", memory) or MAX_BYTES,
        )


def _setting(name: str, read: Callable[[str], T]) -> T | None:
    """What a variable says, None if it is not set or empty; raises ValueError."""
    text = os.environ.get(name)
    try:
        return read(text) if text else None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error).rstrip(".")
        place = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
        raise ValueError(f"{name}: {place}{why}.") from error


def _urls(text: str) -> str:
    for url in filter(None, map(str.strip, text.split(","))):
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise ValueError(f"{url!r} is not a URL; write it like http://10.0.0.5:8001")
    return text


def _keys(text: str) -> Source:
    return source(text, time.monotonic)


def _release(text: str) -> Path:
    """A folder of releases; it may be empty as long as nothing has been built."""
    folder = Path(text)
    if not folder.is_dir():
        raise ValueError(f"there is no folder {text}; name the one that `edgekit build -o` wrote")
    if any(folder.iterdir()) and not (folder / "_edge").is_dir():
        raise ValueError(f"{text} holds no release; name the folder that `edgekit build -o` wrote")
    return folder


class OriginTransport:
    """Both ways to the origin. The public one has a connection pool of its own and no way to add a header.

    Of several origins it stays with one until that does not answer. A user's call may be repeated (reads, and
    commits under a key), so a connection that breaks on the way costs one more try, there or elsewhere.
    """

    def __init__(self, urls: str | None, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        def client() -> httpx2.AsyncClient:
            return httpx2.AsyncClient(
                timeout=TIMEOUT,
                limits=LIMITS,
                transport=transport or httpx2.AsyncHTTPTransport(retries=1, limits=LIMITS),
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # keeps none, ever
            )

        self._urls = [url.strip().rstrip("/") for url in (urls or "").split(",") if url.strip()]
        self._present = 0  # where the last call was answered
        self._public, self._private = client(), client()

    async def public_fetch(self, path: str, etag: str | None) -> Reply:
        """A `PublicFetch`."""
        headers = {"if-none-match": etag} if etag else {}
        return await self._send(self._public, len(self._urls), "GET", path, headers, b"")

    async def fetch(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """A `Fetch`."""
        return await self._send(self._private, max(2, len(self._urls)), method, target, headers, body)

    async def _send(
        self,
        client: httpx2.AsyncClient,
        tries: int,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Reply:
        if not self._urls:
            raise Problem(
                "origin-unavailable",
                "no origin is set (EDGEKIT_ORIGIN, or run `edgekit serve`)",
                for_developers=True,
            )
        first, failure = self._present, None
        for number in range(tries):
            which = (first + number) % len(self._urls)
            url = self._urls[which] + target
            try:
                answer = await client.request(method, url, headers=dict(headers), content=body or None)
            except httpx2.TransportError as error:
                failure = error
            else:
                self._present = which
                return Reply(answer.status_code, dict(answer.headers), answer.content)
        raise Problem("origin-unavailable") from failure

    async def close(self) -> None:
        await self._public.aclose()
        await self._private.aclose()


def _revocations(settings: Settings, transport: OriginTransport) -> Revocations:
    async def load(jwks: Mapping[str, Any]) -> Verifier:
        return NativeKeys(fixed(jwks), time.time)

    verifier: Verifier = OriginKeys(transport.public_fetch, load)
    if settings.origin_keys is not None:
        verifier = NativeKeys(settings.origin_keys, time.time)
    return Revocations(transport.public_fetch, verifier, time.time, time.monotonic)


def host(settings: Settings, static: Mapping[str, str | os.PathLike[str]]) -> Host:
    """Build the CPython host."""
    if settings.keys is None:
        logger.warning("EDGEKIT_KEYS is not set: using keys that end with this process")
    keys = NativeKeys(settings.keys or fixed(generate()), time.time)
    transport = OriginTransport(settings.origin)
    origin = OriginClient(transport.fetch, keys, time.time)
    revocations = _revocations(settings, transport) if settings.origin else None
    assets = Assets(settings.release, static, settings.failure)
    if settings.release is not None:
        stamps.install(stamps.Stamps(settings.release))
    proofs = Proofs(keys.verify_proof_signature, keys, time.time, time.monotonic)
    return Host(
        name="native",
        clock=time.time,
        timer=time.monotonic,
        entropy=os.urandom,
        visitors=CookieVisitors(keys, proofs, origin, revocations, time.time, os.urandom),
        origin=origin,
        catalog=Catalog(transport.public_fetch, time.monotonic, random.random, settings.catalog_bytes),
        keys=keys,
        assets=assets,
        static=assets.address,
        development=settings.development,
        sites=settings.sites,
        address=settings.address,
        close=transport.close,
    )
