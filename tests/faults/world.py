"""A deployment in one process: two edges and an origin, all real but for clocks, network and threads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

import ledger
from cryptography.hazmat.primitives.asymmetric import ec
from virtual import LoopExecutor

import origin.readers
import origin.writer
from edge.catalog import Catalog
from edge.cookie_visitors import CookieVisitors
from edge.errors import Problem
from edge.host import Host
from edge.jose import encode_segment
from edge.keys import NativeKeys, fixed
from edge.keyset import KeySet
from edge.origin_client import OriginClient
from edge.proof import Proofs
from edge.revocations import Revocations
from edge.types import Reply
from edge.verify.faults import dice
from edge.verify.history import History
from edge.verify.http1 import Broken, Message, request
from edge.verify.line import Line
from edge.verify.relay import Relay
from edge.verify.upstream import Upstream
from origin.app import create_app
from origin.sqlite import SQLiteStore

EPOCH = 1_800_000_000.0  # wall time at the beginning, in seconds
ORIGIN_TIMEOUT = 10.0  # seconds that an edge waits for an answer
FAR = 0.05  # seconds at most that a message is on its way
NEVER = 1e9  # seconds
SKEW = 2.0  # seconds that a clock is wrong at most

T = TypeVar("T")
origin.writer.ThreadPoolExecutor = LoopExecutor  # type: ignore[attr-defined,misc,assignment]
origin.readers.ThreadPoolExecutor = LoopExecutor  # type: ignore[attr-defined,misc,assignment]


def key_set(name: str) -> dict[str, Any]:
    """The same keys for the same name: what is derived from them decides about the course of events."""
    chance = dice("keys", name)
    secret = chance.getrandbits(250)
    numbers = ec.derive_private_key(secret, ec.SECP256R1()).public_key().public_numbers()
    x, y, d = (encode_segment(one.to_bytes(32, "big")) for one in (numbers.x, numbers.y, secret))
    pair = {"kty": "EC", "crv": "P-256", "x": x, "y": y, "d": d, "use": "sig", "alg": "ES256"}
    sealing = {"kty": "oct", "k": encode_segment(chance.randbytes(32)), "use": "enc", "alg": "A256GCM"}
    return {"keys": [{**key, "kid": f"{name}-{key['use']}", "nbf": 0} for key in (pair, sealing)]}


EDGE_KEYS, ORIGIN_KEYS = fixed(key_set("edge")), fixed(key_set("origin"))
EDGES_PUBLIC = fixed(KeySet(key_set("edge")).public(EPOCH))
ORIGINS_PUBLIC = fixed(KeySet(key_set("origin")).public(EPOCH))

App = Callable[..., Awaitable[None]]
Boot = Callable[[int, Callable[[], bool]], tuple[App, Callable[[], None]]]


class Process:
    """`boot` makes the app for the n-th life and what is to be done when it is killed; it is told how to
    find out whether that life goes on."""

    def __init__(self, boot: Boot) -> None:
        self._boot = boot
        self._life = 0
        self._app: App | None = None
        self._tasks: dict[asyncio.Task[Message], None] = {}  # in the order in which they began

    @property
    def is_alive(self) -> bool:
        return self._app is not None

    def start(self) -> None:
        self._life = life = self._life + 1
        self._app, self._bury = self._boot(life, lambda: self._app is not None and self._life == life)

    def kill(self) -> None:
        """Nothing that is under way goes on."""
        if self._app is None:
            return
        self._app = None
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
        self._bury()

    async def serve(self, message: Message) -> Message:
        """Raises `Broken` if the process is not there, or dies before it has answered."""
        if self._app is None:
            raise Broken("connection refused")
        task = asyncio.create_task(call(self._app, message))
        self._tasks[task] = None
        task.add_done_callback(lambda done: self._tasks.pop(done, None))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise Broken("killed") from None
            raise


async def call(app: App, message: Message) -> Message:
    """One request to an ASGI app."""
    path, _, query = message.target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": message.method,
        "scheme": "http",
        "path": unquote_to_bytes(path).decode(),
        "raw_path": path.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": [*message.fields, (b"content-length", str(len(message.body)).encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "extensions": {},
    }
    coming = iter([{"type": "http.request", "body": message.body, "more_body": False}])
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        for one in coming:
            return one
        await asyncio.sleep(NEVER)
        raise AssertionError

    async def send(part: dict[str, Any]) -> None:
        sent.append(part)

    await app(scope, receive, send)
    start, *parts = sent
    fields = tuple((bytes(n), bytes(v)) for n, v in start["headers"] if n != b"content-length")
    body = b"".join(part.get("body", b"") for part in parts)
    return Message(f"HTTP/1.1 {start['status']} -".encode(), fields, body)


class World:
    """`folder` is for the database. `cut` names what is out of reach: "edge 0", "edge 1", "origin"."""

    def __init__(self, seed: int, history: History, folder: Path) -> None:
        self.seed = seed
        self.chance = dice(seed, "world")
        self.folder = folder
        self.cut: set[str] = set()
        self.line = Line(seed, history, 2, self._to_edges)
        self.upstream = Upstream(seed, history)
        self.edges = [Process(self._boot_edge(f"edge {number}")) for number in range(2)]
        self.origin = Process(self._boot_origin)
        self.store: SQLiteStore | None = None
        self._front = Relay(2, self._edge, self.line.decide, self.line.sent, self.line.seen)
        self._back = Relay(1, self._at_origin, self.upstream.decide, self.upstream.sent, self.upstream.seen)
        self._under_way: dict[asyncio.Task[Any], None] = {}

    def start(self) -> None:
        for process in (self.origin, *self.edges):
            process.start()

    async def quiet(self) -> None:
        """From now on nothing goes wrong; wait for all copies."""
        self.line.calm = self.upstream.calm = True
        await self._front.quiet()
        await self._back.quiet()

    async def _to_edges(self, message: Message) -> Message:
        return await self._over(self._front, message, NEVER)

    async def _over(self, relay: Relay, message: Message, patience: float) -> Message:
        await self._distance()
        # What is on its way arrives, whatever becomes of the sender.
        task = asyncio.ensure_future(relay.exchange(message))
        self._under_way[task] = None
        task.add_done_callback(lambda done: self._under_way.pop(done, None))
        fault, answer = await asyncio.shield(task)
        if fault.kind == "half-open":
            await asyncio.sleep(patience)
        if answer is None or fault.kind in ("half-open", "drop-response", "truncate-response"):
            raise Broken("no answer")
        await self._distance()
        return answer

    async def _distance(self) -> None:
        await asyncio.sleep(self.chance.random() * FAR)

    async def _edge(self, number: int, message: Message) -> Message:
        return await self._reach(f"edge {number}", self.edges[number], message)

    async def _at_origin(self, _number: int, message: Message) -> Message:
        return await self._reach("origin", self.origin, message)

    async def _reach(self, name: str, process: Process, message: Message) -> Message:
        if name in self.cut:
            raise Broken("no route")
        await self._distance()
        return await process.serve(message)

    def _clock(self, name: str, life: int) -> Callable[[], float]:
        skew = dice(self.seed, "clock", name, life).uniform(-SKEW, SKEW)
        loop = asyncio.get_running_loop()
        return lambda: EPOCH + loop.time() + skew

    def _boot_origin(self, life: int, lives: Callable[[], bool]) -> tuple[App, Callable[[], None]]:
        LoopExecutor.alive = staticmethod(lambda: lives)  # type: ignore[assignment]
        pauses = dice(self.seed, "threads", life)
        LoopExecutor.pause = staticmethod(lambda: pauses.random() * 0.004)  # type: ignore[assignment]
        clock = self._clock("origin", life)
        store = self.store = SQLiteStore(self.folder)
        entropy = dice(self.seed, "origin's entropy", life).randbytes
        app = create_app(
            store, NativeKeys(EDGES_PUBLIC, clock), NativeKeys(ORIGIN_KEYS, clock), clock, entropy
        )
        return app, lambda: store.__exit__(None, None, None)

    def _boot_edge(self, name: str) -> Boot:
        def boot(life: int, lives: Callable[[], bool]) -> tuple[App, Callable[[], None]]:
            clock, timer = self._clock(name, life), asyncio.get_running_loop().time
            chance = dice(self.seed, "entropy", name, life)
            fetch = self._fetch(lives)

            async def public(path: str, etag: str | None) -> Reply:
                return await fetch("GET", path, {"if-none-match": etag} if etag else {}, b"")

            async def twice(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
                try:
                    return await fetch(method, target, headers, body)
                except Problem:
                    return await fetch(method, target, headers, body)

            keys = NativeKeys(EDGE_KEYS, clock)
            client = OriginClient(twice, keys, clock)
            proofs = Proofs(keys.verify_proof_signature, keys, clock, timer)
            revocations = Revocations(public, NativeKeys(ORIGINS_PUBLIC, clock), clock, timer)
            app = ledger.build()
            app.bind(
                Host(
                    name="native",
                    clock=clock,
                    timer=timer,
                    entropy=chance.randbytes,
                    visitors=CookieVisitors(keys, proofs, client, revocations, clock, chance.randbytes),
                    origin=client,
                    catalog=Catalog(public, timer, chance.random),
                    keys=keys,
                )
            )
            return app, lambda: None

        return boot

    def _fetch(
        self, lives: Callable[[], bool]
    ) -> Callable[[str, str, Mapping[str, str], bytes], Coroutine[Any, Any, Reply]]:
        async def fetch(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
            if not lives():
                await asyncio.sleep(NEVER)
            message = request(method, target, [("host", "origin"), *headers.items()], body)
            try:
                answer = await self._over(self._back, message, ORIGIN_TIMEOUT)
            except (Broken, OSError) as error:
                raise Problem("origin-unavailable") from error
            found = {name.decode(): value.decode("latin-1") for name, value in answer.fields}
            return Reply(answer.status, found, answer.body)

        return fetch


class Trouble:
    """Whenever somebody writes, a process may be killed or a line cut, a moment later and for a while."""

    def __init__(self, world: World, history: History) -> None:
        self._world = world
        self._history = history
        self._chance = dice(world.seed, "trouble")
        self._rate = self._chance.choice([0.0, 0.05, 0.1, 0.2])
        self._tasks: dict[asyncio.Task[None], None] = {}
        world.line.on_write = self._perhaps

    async def over(self) -> None:
        """Wait until everything is there again; from now on it stays."""
        self._world.line.on_write = lambda: None
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _perhaps(self) -> None:
        if self._chance.random() < self._rate:
            task = asyncio.ensure_future(self._happen())
            self._tasks[task] = None
            task.add_done_callback(lambda done: self._tasks.pop(done, None))

    async def _happen(self) -> None:
        world, chance = self._world, self._chance
        name = chance.choice(["origin", "edge 0", "edge 1"])
        await asyncio.sleep(chance.random() * 0.2)
        if chance.random() < 0.3:
            world.cut.add(name)
            await asyncio.sleep(chance.expovariate(1 / 2.0))
            world.cut.discard(name)
            return
        process = world.origin if name == "origin" else world.edges[int(name[-1])]
        if process.is_alive:
            self._history.add("kill", who=name)
            process.kill()
            await asyncio.sleep(chance.expovariate(1 / 1.5))
            process.start()
