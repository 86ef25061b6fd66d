"""What an edge on a fetch-API runtime has and a browser has not: keys, and visitors known by their cookies.

In a module of its own, so that none of it is in what a browser downloads before it can answer.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from ..cookie_visitors import CookieVisitors
from ..origin_client import OriginClient
from ..proof import Proofs
from ..public_address import PublicAddress
from ..revocations import OriginKeys, Revocations
from ..types import PublicFetch, Verifier
from .webcrypto import WebCryptoKeys


async def load_keys(settings: Mapping[str, Any]) -> WebCryptoKeys:
    """The private keys of this edge, or ephemeral ones; raises ValueError."""
    return await WebCryptoKeys.load(settings.get("keys"), time.time)


def address(settings: Mapping[str, Any]) -> PublicAddress:
    """The address of the site; raises ValueError."""
    return PublicAddress.of(settings.get("address"))


async def cookie_visitors(
    keys: WebCryptoKeys, origin: OriginClient, public_fetch: PublicFetch, settings: Mapping[str, Any]
) -> CookieVisitors:
    """Who sends a request, by its cookies and proof."""
    proofs = Proofs(keys.verify_proof_signature, keys, time.time, time.monotonic)
    revocations = await _revocations(public_fetch, settings) if settings.get("origin") else None
    return CookieVisitors(keys, proofs, origin, revocations, time.time, os.urandom)


async def _revocations(public_fetch: PublicFetch, settings: Mapping[str, Any]) -> Revocations:
    async def load(jwks: Mapping[str, Any]) -> Verifier:
        return await WebCryptoKeys.load(jwks, time.time)

    known = settings.get("originKeys")
    verifier = OriginKeys(public_fetch, load) if known is None else await load(known)
    return Revocations(public_fetch, verifier, time.time, time.monotonic)
