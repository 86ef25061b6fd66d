"""What a host brings along: clock, randomness, keys, the way to the origin. Adapters build one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from starlette.types import Receive, Scope, Send

from .catalog import Catalog
from .origin_client import OriginClient
from .types import Clock, Entropy, HostName, Keys
from .visitor import Visitors

if TYPE_CHECKING:
    from .public_address import PublicAddress


class AssetServer(Protocol):
    """Serves files that need no handler: the browser release and the app's static folders."""

    def owns(self, path: str) -> bool:
        """Whether `path`, outside the kit's own prefix, is a static file's."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or raise `Problem("not-found")` before anything is sent."""
        ...


async def _nothing() -> None:
    return None


def _unchanged(path: str) -> str:
    return path


@dataclass(frozen=True, slots=True)
class Host:
    """One running copy of the app. It holds nothing about a user between two requests.

    `clock` is wall time and `timer` monotonic, both in seconds; `entropy(n)` gives n random bytes;
    `keys` are an edge's own, `assets` serves the browser release, `static` gives the address of a static
    file in this host's release (or the path as it is), `close` ends it all; `sites` are the origins whose
    service workers may read what this host answers to nobody (see `cross_origin`); `address` is the site's,
    None where no request comes from elsewhere (the browser, tests).
    """

    name: HostName
    clock: Clock
    timer: Clock
    entropy: Entropy
    visitors: Visitors
    origin: OriginClient
    catalog: Catalog
    keys: Keys | None = None
    assets: AssetServer | None = None
    static: Callable[[str], str] = _unchanged
    development: bool = False
    sites: frozenset[str] = frozenset()
    address: PublicAddress | None = None
    close: Callable[[], Awaitable[None]] = _nothing
