"""Views and assertions on CPython: signing and checking ES256."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from edge.keys import KeySigner, KeyVerifier, generate
from edge.tokens import check_assertion, mint_assertion, mint_view, open_view, public_set
from edge.types import View

NOW = 1_800_000_000.0
ROUNDS, CALLS = 5, 200


async def microseconds(call: Callable[[], Awaitable[Any]]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(CALLS):
            await call()
        times.append((time.perf_counter() - began) / CALLS * 1e6)
    return statistics.median(times)


def run() -> Iterator[tuple[str, float, str]]:
    key = generate()
    signer, verifier = KeySigner(key), KeyVerifier(public_set(key))
    view = View("guest", 3, {"cart": {"assam": 2, "sencha": 1}}, ("k" * 16,))
    call = ("guest", "POST", "/commit", b"{}" * 500, "k" * 16)
    token = asyncio.run(mint_view(signer, view, NOW))
    assertion = asyncio.run(mint_assertion(signer, *call, lambda: NOW))
    cases: dict[str, Callable[[], Awaitable[Any]]] = {
        "mint a view": lambda: mint_view(signer, view, NOW),
        "open a view": lambda: open_view(token, verifier, NOW),
        "mint an assertion": lambda: mint_assertion(signer, *call, lambda: NOW),
        "check an assertion": lambda: check_assertion(assertion, verifier, *call[1:], lambda: NOW),
    }
    for name, case in cases.items():
        yield name, asyncio.run(microseconds(case)), "µs"
