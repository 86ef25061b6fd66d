"""A session that ended is refused on every edge within half a minute, however often each is asked."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import httpx2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from edge import Stateless, context
from edge.catalog import Catalog
from edge.cookie_visitors import CookieVisitors
from edge.host import Host
from edge.keys import NativeKeys, fixed, generate
from edge.memory_origin import MemoryOrigin, identify
from edge.origin_client import OriginClient
from edge.proof import Proofs
from edge.revocations import Revocations
from edge.types import Principal, Reply

LIMIT = 30  # seconds
EDGES = ("native", "edge")
JWKS = generate()
# (seconds until the next question, which edge is asked)
QUESTIONS = st.lists(st.tuples(st.sampled_from([0, 1, 5, 9, 11, 16, 24, 26, 29, 31, 320]), st.integers(0, 1)))


async def show(request: Request) -> Response:
    user = context(request).user
    return JSONResponse(None if user is None or user.is_guest else user.id)


async def sign_in(request: Request) -> Response:
    context(request).sign_in("ada")
    return Response()


async def sign_out(request: Request) -> Response:
    context(request).sign_out(everywhere=request.query_params["everywhere"] == "True")
    return Response()


class Caller(OriginClient):
    async def _call(
        self, method: str, target: str, principal: Principal, body: bytes = b"", key: str = ""
    ) -> Reply:
        return await self._fetch(method, target, identify(principal) | {"idempotency-key": key}, body)


class World:
    """Two edges over one origin in memory; each knows of ended sessions what it asked for itself."""

    def __init__(self) -> None:
        self.now = 1_767_225_600.0
        self._serial = itertools.count(1)
        self.origin = MemoryOrigin(clock=self._clock)
        self._keys = NativeKeys(fixed(JWKS), self._clock)
        self._edges = [self._edge(name) for name in EDGES]

    def _clock(self) -> float:
        return self.now

    def _entropy(self, size: int) -> bytes:
        return next(self._serial).to_bytes(size, "big")

    def _edge(self, name: Any) -> Stateless:
        routes = [Route("/", show)]
        routes += [Route("/in", sign_in, methods=["POST"]), Route("/out", sign_out, methods=["POST"])]
        app, clock, fetch = Stateless(Starlette(routes=routes)), self._clock, self.origin.public_fetch
        proofs = Proofs(self._keys.verify_proof_signature, self._keys, clock, clock)
        caller = Caller(self.origin.fetch, None, clock)
        revocations = Revocations(fetch, self.origin.sessions.keys, clock, clock)
        visitors = CookieVisitors(self._keys, proofs, caller, revocations, clock, self._entropy)
        catalog = Catalog(fetch, clock, lambda: 0.0)
        app.bind(Host(name, clock, clock, self._entropy, visitors, caller, catalog, self._keys))
        return app

    async def ask(self, edge: int, method: str, target: str, cookies: dict[str, str]) -> httpx2.Response:
        """One request with `cookies`, which are changed as the answer says."""
        transport = httpx2.ASGITransport(self._edges[edge])  # type: ignore[arg-type]
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            headers = {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
            answer = await client.request(method, target, headers=headers | {"edgekit-client": "1"})
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            cookies.pop(name, None)
            if value:
                cookies[name] = value
        await asyncio.sleep(0)  # what was begun in the background ends
        return answer


@settings(max_examples=60, deadline=None)
@given(before=QUESTIONS, everywhere=st.booleans(), after=QUESTIONS)
@example(before=[(0, 0), (0, 1)], everywhere=False, after=[(30, 0), (0, 1)])
@example(before=[(0, 1)], everywhere=True, after=[(24, 1), (7, 1), (0, 0)])
def test_nobody_gets_in_half_a_minute_after(
    before: list[tuple[int, int]], everywhere: bool, after: list[tuple[int, int]]
) -> None:
    async def story() -> None:
        world, user = World(), dict[str, str]()
        await world.ask(0, "POST", "/in", user)
        for seconds, edge in before:
            world.now += seconds
            assert (await world.ask(edge, "GET", "/", user)).json() == "ada"
        stolen = dict(user)
        assert (await world.ask(0, "POST", f"/out?everywhere={everywhere}", user)).status_code == 200
        assert user == {}
        ended = world.now
        for seconds, edge in after:
            world.now += seconds
            answer = await world.ask(edge, "GET", "/", dict(stolen))
            if world.now - ended >= LIMIT:
                assert answer.status_code == 401 or answer.json() is None

    asyncio.run(story())


@pytest.mark.parametrize("edge", [0, 1])
def test_a_refused_browser_is_left_without_cookies(edge: int) -> None:
    async def story() -> None:
        world, user = World(), dict[str, str]()
        await world.ask(0, "POST", "/in", user)
        stolen = dict(user)
        await world.ask(0, "POST", "/out?everywhere=False", user)
        world.now += LIMIT
        refused = await world.ask(edge, "GET", "/", stolen)
        assert refused.json()["code"] == "session-ended"
        assert refused.headers["edgekit-view"] == "none"
        assert stolen == {}
        assert (await world.ask(edge, "GET", "/", stolen)).json() is None

    asyncio.run(story())


def test_a_session_that_goes_on_is_renewed_on_any_edge_for_weeks() -> None:
    async def story() -> None:
        world, user = World(), dict[str, str]()
        await world.ask(0, "POST", "/in", user)
        for number in range(60):
            world.now += (301, 3_600, 5 * 86_400)[number % 3]
            assert (await world.ask(number % 2, "GET", "/", user)).json() == "ada"

    asyncio.run(story())


def test_a_floor_ends_nothing_but_makes_everybody_ask_the_origin() -> None:
    async def story() -> None:
        world, ada, bob = World(), dict[str, str](), dict[str, str]()
        await world.ask(0, "POST", "/in", ada)
        await world.ask(0, "POST", "/in", bob)
        before = ada["edgekit-session"], ada["edgekit-refresh"]
        world.now += LIMIT
        world.origin.sessions.floor = int(world.now) - 1
        await world.ask(0, "GET", "/", {**bob})  # the edge learns of it
        assert (await world.ask(0, "GET", "/", ada)).json() == "ada"
        assert (ada["edgekit-session"], ada["edgekit-refresh"]) != before
        del bob["edgekit-refresh"]
        assert (await world.ask(0, "GET", "/", bob)).json()["code"] == "session-ended"

    asyncio.run(story())
