"""The catalog: data that is the same for everybody, cached on every host by the same rules.

It is fetched through a `PublicFetch`, which cannot carry a credential, and answers that look personal
are refused all the same. Freshness follows RFC 9111 section 4.2, staleness RFC 5861.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import zlib
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

from .cache import ByteCache
from .errors import NeedsEdge, Problem
from .running import escalate
from .shelf import Shelf
from .types import Clock, PublicFetch, Reply
from .wire import is_name

ABSENT_LIFE = 5.0  # seconds that "there is no such collection" is believed
FAILURE_PAUSE = 1.0  # seconds between tries to refresh a stale collection
PATIENCE = 0.5  # seconds that a request waits for a refresh if a stale collection may do as well
UNREACHABLE = frozenset({"origin-unavailable", "needs-edge"})  # the latter in a browser without network
JITTER = 0.1  # freshness is shortened by up to this share, so that hosts do not refresh in step

MEBIBYTE = 1024 * 1024
MAX_BYTES = 256 * MEBIBYTE  # of memory for all collections in one process of an edge
BROWSER_BYTES = 32 * MEBIBYTE  # and in a browser, which keeps their JSON outside of it too
GZIP = 31  # wbits: a gzip container with the largest window

logger = logging.getLogger("edgekit")

_DIRECTIVE = re.compile(r'([a-z\-]+)(?:="?([^",]*)"?)?')
_SHAREABLE = {"", "accept", "accept-encoding", "accept-language"}


class Lifetimes(NamedTuple):
    """Seconds that a collection is fresh, and then may still be served while it is refreshed or on error."""

    fresh: float
    refresh: float
    on_error: float


@dataclass(slots=True)
class Collection:
    """One published collection: its version, its JSON, and how long it may be used; moments are the timer's.

    Its items are parsed when they are first asked for, and again after `unload`.
    """

    name: str
    version: str
    body: bytes
    lifetimes: Lifetimes
    fresh_until: float
    refresh_until: float
    error_until: float
    unpacked_size: int
    parsed: Mapping[str, dict[str, Any]] | None = None
    packed: bytes | None = None

    @property
    def items(self) -> Mapping[str, dict[str, Any]]:
        """The items by key, in their published order."""
        if self.parsed is None:
            self.parsed = _parse(self.body)[1]
        return self.parsed

    def gzipped(self) -> bytes:
        """The body as gzip. Only what is public: the length of what mixes secrets with input tells about
        them (BREACH)."""
        if self.packed is None:
            self.packed = zlib.compress(self.body, wbits=GZIP)
        return self.packed

    def load(self) -> None:
        """Have the items ready; what that takes is `size`."""
        _ = self.items

    def unload(self) -> None:
        """Give back the room of everything but the body."""
        self.parsed = self.packed = None

    @property
    def size(self) -> int:
        """Bytes of memory that it takes now, more or less."""
        return len(self.body) if self.parsed is None else self.unpacked_size


class Catalog:
    """All collections that this host has seen lately.

    `timer` is monotonic, `spread` returns a number in [0, 1). Concurrent misses share one fetch. What was
    read is kept beyond its life too, for then it need not be transferred again unless it has changed
    (RFC 9111 section 4.3). `max_bytes` bounds the memory of all of them; the one read last is kept in any
    case. `patience` in seconds.
    """

    def __init__(
        self,
        fetch: PublicFetch,
        timer: Clock,
        spread: Callable[[], float],
        max_bytes: int = MAX_BYTES,
        patience: float = PATIENCE,
    ) -> None:
        self._fetch = fetch
        self._timer = timer
        self._spread = spread
        self._patience = patience
        self._shelf: Shelf[Collection] = Shelf(max_bytes, _tell)
        self._absent: ByteCache[bool] = ByteCache(10_000, timer)
        self._flights: dict[str, asyncio.Task[Collection | None]] = {}

    async def collection(self, name: str) -> Collection | None:
        """The collection, or None if the origin publishes none of that name.

        Raises `Problem`: "origin-unavailable" when nothing usable is cached and the origin does not
        answer, "catalog-refused" for an answer that could be personal.
        """
        if not is_name(name) or self._absent.get(name):
            return None
        held, now = self._shelf.get(name), self._timer()
        if held is not None and now < held.fresh_until:
            return held
        flight = self._flights.get(name)
        if flight is None:
            flight = asyncio.ensure_future(self._refresh(name, held))
            self._flights[name] = flight
            flight.add_done_callback(lambda done: self._landed(name, done))
        if held is not None and now < held.refresh_until:
            return held  # stale-while-revalidate: the flight goes on without us
        if held is not None and now < held.error_until:
            # To whoever waits, an origin that does not answer is one that fails: RFC 5861 section 4.
            landed, _ = await asyncio.wait({flight}, timeout=self._patience)
            if not landed:
                held.refresh_until = held.error_until  # nobody else waits for this flight
                return held
        return await asyncio.shield(flight)

    def _landed(self, name: str, flight: asyncio.Task[Collection | None]) -> None:
        del self._flights[name]
        if not flight.cancelled():
            flight.exception()  # a background refresh has nobody else to look at its failure

    async def _refresh(self, name: str, held: Collection | None) -> Collection | None:
        try:
            reply = await self._fetch(f"/catalog/{name}", f'"{held.version}"' if held else None)
            if reply.status >= 500:
                raise Problem("origin-unavailable")
        except Problem as problem:
            now = self._timer()
            if held is None or now >= held.error_until or problem.code not in UNREACHABLE:
                raise
            # stale-if-error, and at once: who asks next does not wait for the try that follows.
            held.fresh_until = min(now + FAILURE_PAUSE, held.error_until)
            held.refresh_until = held.error_until
            return held
        if reply.status == 404:
            self._shelf.drop(name)
            self._absent.put(name, True, size=1, life=ABSENT_LIFE)
            return None
        return self._keep(name, reply, held)

    def _keep(self, name: str, reply: Reply, held: Collection | None) -> Collection:
        lifetimes = _lifetimes(reply.headers)
        if reply.status == 304 and held is not None:
            version, body, size = held.version, held.body, held.unpacked_size
            parsed, packed = held.parsed, held.packed
            if "cache-control" not in reply.headers:
                lifetimes = held.lifetimes  # what a 304 leaves out has not changed: RFC 9111 section 3.2
        elif reply.status == 200:
            (version, parsed), body, packed = _parse(reply.body), reply.body, None
            size = weight(body)
        else:
            raise Problem("origin-invalid", f"the catalog answered {reply.status}", for_developers=True)
        fresh_until = self._timer() + lifetimes.fresh * (1 - JITTER * self._spread())
        refresh_until, error_until = fresh_until + lifetimes.refresh, fresh_until + lifetimes.on_error
        kept = Collection(
            name, version, body, lifetimes, fresh_until, refresh_until, error_until, size, parsed, packed
        )
        self._shelf.put(name, kept)
        return kept


class CatalogReader:
    """`ctx.catalog`: one request's look at the catalog. Whatever it reads twice is the same twice."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._seen: dict[str, Collection | None] = {}

    @property
    def versions(self) -> dict[str, str]:
        """The version of each collection that was used."""
        return {name: held.version for name, held in self._seen.items() if held}

    async def all(self, collection: str) -> Mapping[str, dict[str, Any]]:
        """Every item by key, in published order; empty if there is no such collection. Do not modify."""
        if collection not in self._seen:
            try:
                found = await self._catalog.collection(collection)
            except NeedsEdge:  # nothing is kept either
                escalate()
                raise
            self._seen.setdefault(collection, found)  # a task beside this one may have been first
        held = self._seen[collection]
        return {} if held is None else held.items

    async def get(self, collection: str, key: str) -> dict[str, Any] | None:
        """One item, or None; a copy, because all requests of this host share the original."""
        return deepcopy((await self.all(collection)).get(key))


def weight(body: bytes) -> int:
    """Bytes of memory that a collection takes: its JSON, and about what CPython makes of that."""
    return 2 * len(body) + 80 * body.count(b":") + 100 * body.count(b"{")


def memory(text: str, default: int = MAX_BYTES) -> int:
    """The bytes that `text`, a number of MiB, allows to a catalog; raises ValueError for anything else."""
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1_048_576):
        raise ValueError(f"{text!r} is not a number of MiB")
    return int(text) * MEBIBYTE


def _tell(needed: int, allowed: int) -> None:
    logger.warning(
        "The catalog takes about %.0f MiB of memory and may take %.0f: what does not fit is parsed again, or "
        "transferred again, each time it is needed (EDGEKIT_CATALOG_MEMORY; docs/catalog.md).",
        needed / MEBIBYTE,
        allowed / MEBIBYTE,
    )


def _parse(body: bytes) -> tuple[str, Mapping[str, dict[str, Any]]]:
    try:
        document = json.loads(body)
        version, items = document["version"], document["items"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Problem(
            "origin-invalid", "the catalog answer could not be read", for_developers=True
        ) from error
    if not isinstance(version, str) or not isinstance(items, dict):
        raise Problem("origin-invalid", "the catalog answer could not be read", for_developers=True)
    return version, items


def _lifetimes(headers: Mapping[str, str]) -> Lifetimes:
    """What Cache-Control allows; raises `Problem("catalog-refused")` for what could be personal."""
    directives = dict(_DIRECTIVE.findall(headers.get("cache-control", "").lower()))
    vary = {field.strip() for field in headers.get("vary", "").lower().split(",")}
    if "set-cookie" in headers or directives.keys() & {"private", "no-store"} or vary - _SHAREABLE:
        raise Problem("catalog-refused")
    if "no-cache" in directives:
        return Lifetimes(0.0, 0.0, 0.0)
    fresh = directives.get("s-maxage") or directives.get("max-age") or "0"
    seconds = (fresh, directives.get("stale-while-revalidate", "0"), directives.get("stale-if-error", "0"))
    try:
        return Lifetimes(*(min(max(float(int(value)), 0.0), 86_400.0 * 30) for value in seconds))
    except ValueError as error:
        raise Problem("origin-invalid", "Cache-Control could not be read", for_developers=True) from error
