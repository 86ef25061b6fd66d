"""The catalog cache: one fetch for many, fresh, stale, absent and refused answers."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import inspect
import json
import tracemalloc
from collections.abc import Awaitable, Callable
from typing import Any, get_type_hints

import pytest

from edge.catalog import (
    ABSENT_LIFE,
    BROWSER_BYTES,
    FAILURE_PAUSE,
    MAX_BYTES,
    Catalog,
    CatalogReader,
    Collection,
    memory,
    weight,
)
from edge.errors import NeedsEdge, Problem
from edge.types import PublicFetch, Reply

CACHING = "public, max-age=60, stale-while-revalidate=60, stale-if-error=86400"


class Timer:
    """Seconds that only a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Origin:
    """Counts what it is asked; `answer` and `gate` are set by a test."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.version = "1"
        self.headers = {"cache-control": CACHING}
        self.answer: Callable[[], Reply] | None = None
        self.gate: asyncio.Event | None = None

    def published(self, **headers: str) -> Reply:
        items = {"tea": {"version": self.version}}
        body = json.dumps({"collection": "c", "version": self.version, "items": items}).encode()
        return Reply(200, {**self.headers, **headers}, body)

    async def __call__(self, path: str, etag: str | None) -> Reply:
        self.asked.append((path, etag))
        if self.gate is not None:
            await self.gate.wait()
        return self.answer() if self.answer is not None else self.published()


class World:
    """A catalog over an origin, both with a clock that stands still."""

    def __init__(self, spread: float = 0.0, **options: Any) -> None:
        self.timer, self.origin = Timer(), Origin()
        self.catalog = Catalog(self.origin, self.timer, lambda: spread, **options)

    async def version(self, name: str = "products") -> str | None:
        found = await self.catalog.collection(name)
        return None if found is None else found.version

    async def settle(self) -> None:
        """Let what runs in the background come to its end."""
        for _ in range(5):
            await asyncio.sleep(0)


def play(scene: Callable[[World], Awaitable[None]], spread: float = 0.0, **options: Any) -> World:
    world = World(spread, **options)
    asyncio.run(scene(world))  # type: ignore[arg-type]
    return world


def unavailable() -> Reply:
    raise Problem("origin-unavailable")


def without_network() -> Reply:
    raise NeedsEdge("the catalog")


# Fetching


def test_a_thousand_concurrent_misses_are_one_fetch() -> None:
    async def scene(world: World) -> None:
        world.origin.gate = asyncio.Event()
        waiting = [asyncio.ensure_future(world.version()) for _ in range(1000)]
        await world.settle()
        world.origin.gate.set()
        assert set(await asyncio.gather(*waiting)) == {"1"}

    assert play(scene).origin.asked == [("/catalog/products", None)]


def test_a_waiter_that_gives_up_does_not_stop_the_fetch_for_the_others() -> None:
    async def scene(world: World) -> None:
        world.origin.gate = asyncio.Event()
        first, second = (asyncio.ensure_future(world.version()) for _ in range(2))
        await world.settle()
        first.cancel()
        await world.settle()
        world.origin.gate.set()
        assert await second == "1"
        assert first.cancelled()

    assert len(play(scene).origin.asked) == 1


def test_failure_is_shared_by_those_who_wait_but_not_kept() -> None:
    async def scene(world: World) -> None:
        world.origin.answer = unavailable
        results = await asyncio.gather(*(world.version() for _ in range(10)), return_exceptions=True)
        assert {getattr(result, "code", None) for result in results} == {"origin-unavailable"}
        assert len(world.origin.asked) == 1
        world.origin.answer = None
        assert await world.version() == "1"

    play(scene)


def test_collections_are_fetched_apart() -> None:
    async def scene(world: World) -> None:
        await world.version("products")
        await world.version("pages")

    assert [path for path, _ in play(scene).origin.asked] == ["/catalog/products", "/catalog/pages"]


@pytest.mark.parametrize("name", ["../commit", "a/b", "", "..", "a?b"])
def test_a_name_that_is_no_name_is_never_asked_for(name: str) -> None:
    async def scene(world: World) -> None:
        assert await world.version(name) is None

    assert play(scene).origin.asked == []


def test_a_public_fetch_has_no_way_to_pass_headers() -> None:
    parameters = inspect.signature(PublicFetch.__call__).parameters
    assert list(parameters) == ["self", "path", "etag"]
    assert get_type_hints(PublicFetch.__call__)["etag"] == str | None


# Freshness


def test_fresh_is_served_without_asking_and_expired_is_not() -> None:
    async def scene(world: World) -> None:
        world.origin.headers = {"cache-control": "max-age=60"}
        await world.version()
        world.origin.version = "2"
        world.timer.now += 59.9
        assert await world.version() == "1"
        world.timer.now += 0.1
        assert await world.version() == "2"

    assert len(play(scene).origin.asked) == 2


def test_a_shared_cache_obeys_s_maxage_first() -> None:
    async def scene(world: World) -> None:
        world.origin.headers = {"cache-control": "max-age=1, s-maxage=60"}
        await world.version()
        world.timer.now += 50
        await world.version()

    assert len(play(scene).origin.asked) == 1


@pytest.mark.parametrize("caching", ["", "no-cache, max-age=60", "max-age=0", "max-age=-5"])
def test_without_freshness_every_request_asks(caching: str) -> None:
    async def scene(world: World) -> None:
        world.origin.headers = {"cache-control": caching}
        await world.version()
        await world.version()

    assert len(play(scene).origin.asked) == 2


def test_jitter_shortens_freshness_by_a_tenth_at_most() -> None:
    async def scene(world: World) -> None:
        await world.version()
        world.timer.now += 53.9
        await world.version()
        assert len(world.origin.asked) == 1
        world.timer.now += 0.2
        await world.version()
        await world.settle()
        assert len(world.origin.asked) == 2

    play(scene, spread=1.0)


def test_stale_is_served_at_once_while_one_refresh_runs() -> None:
    async def scene(world: World) -> None:
        await world.version()
        world.origin.version, world.origin.gate = "2", asyncio.Event()
        world.timer.now += 61
        assert [await world.version() for _ in range(5)] == ["1"] * 5
        await world.settle()
        assert len(world.origin.asked) == 2
        world.origin.gate.set()
        await world.settle()
        assert await world.version() == "2"

    assert len(play(scene).origin.asked) == 2


def test_too_stale_waits_for_the_refresh() -> None:
    async def scene(world: World) -> None:
        await world.version()
        world.origin.version = "2"
        world.timer.now += 121
        assert await world.version() == "2"

    play(scene)


@pytest.mark.parametrize("failure", [unavailable, without_network, lambda: Reply(503, {}, b"")])
def test_stale_is_served_when_the_origin_fails(failure: Callable[[], Reply]) -> None:
    async def scene(world: World) -> None:
        await world.version()
        world.origin.answer = failure
        world.timer.now += 3600
        assert await world.version() == "1"
        assert await world.version() == "1"
        assert len(world.origin.asked) == 2  # not once for each request

    play(scene)


def test_after_a_failure_nobody_waits_for_the_next_try() -> None:
    async def scene(world: World) -> None:
        await world.version()
        world.origin.answer = unavailable
        world.timer.now += 3600
        await world.version()
        world.timer.now += FAILURE_PAUSE
        world.origin.answer, world.origin.version, world.origin.gate = None, "2", asyncio.Event()
        assert await world.version() == "1"
        world.origin.gate.set()
        await world.settle()
        assert await world.version() == "2"

    play(scene)


def test_stale_has_an_end_even_when_the_origin_fails() -> None:
    async def scene(world: World) -> None:
        await world.version()
        world.origin.answer = unavailable
        world.timer.now += 60 + 86_400
        with pytest.raises(Problem, match="origin-unavailable"):
            await world.version()

    play(scene)


def test_a_failed_refresh_in_the_background_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(world: World) -> None:
        await world.version()
        world.origin.answer = lambda: Reply(200, {"cache-control": CACHING}, b"broken")
        world.timer.now += 61
        assert await world.version() == "1"
        await world.settle()
        assert await world.version() == "1"

    play(scene)
    gc.collect()
    assert caplog.messages == []  # no "exception was never retrieved"


def test_not_modified_keeps_what_is_held_and_makes_it_fresh_again() -> None:
    async def scene(world: World) -> None:
        await world.version()
        world.origin.answer = lambda: Reply(304, {"cache-control": CACHING}, b"")
        world.timer.now += 121
        assert await world.version() == "1"
        world.timer.now += 59
        assert await world.version() == "1"

    assert play(scene).origin.asked == [("/catalog/products", None), ("/catalog/products", '"1"')]


def test_not_modified_without_cache_control_keeps_the_lifetimes() -> None:
    async def scene(world: World) -> None:
        await world.version()
        world.origin.answer = lambda: Reply(304, {}, b"")
        world.timer.now += 121
        await world.version()
        world.timer.now += 59
        await world.version()

    assert len(play(scene).origin.asked) == 2


# Absence


def test_absence_is_believed_for_a_while() -> None:
    async def scene(world: World) -> None:
        world.origin.answer = lambda: Reply(404, {}, b"")
        assert await world.version() is None
        world.timer.now += ABSENT_LIFE - 0.1
        assert await world.version() is None
        assert len(world.origin.asked) == 1
        world.origin.answer = None
        world.timer.now += 0.1
        assert await world.version() == "1"

    play(scene)


def test_what_is_no_longer_published_does_not_come_back_as_stale() -> None:
    async def scene(world: World) -> None:
        await world.version()
        world.origin.answer = lambda: Reply(404, {}, b"")
        world.timer.now += 61
        await world.version()  # stale, refreshed in the background
        await world.settle()
        assert await world.version() is None
        world.timer.now += ABSENT_LIFE
        assert await world.version() is None
        world.origin.answer = unavailable
        world.timer.now += ABSENT_LIFE
        with pytest.raises(Problem, match="origin-unavailable"):
            await world.version()

    play(scene)


# Refusals


@pytest.mark.parametrize(
    "headers",
    [
        {"set-cookie": "a=1"},
        {"cache-control": "private, max-age=60"},
        {"cache-control": "PRIVATE"},
        {"cache-control": 'private="x-user", max-age=60'},
        {"cache-control": "no-store"},
        {"vary": "Cookie"},
        {"vary": "accept-encoding, Authorization"},
        {"vary": "*"},
    ],
    ids=str,
)
def test_what_could_be_personal_is_refused_and_not_kept(headers: dict[str, str]) -> None:
    async def scene(world: World) -> None:
        world.origin.answer = lambda: world.origin.published(**headers)
        with pytest.raises(Problem, match="catalog-refused"):
            await world.version()
        world.origin.answer = None
        assert await world.version() == "1"

    play(scene)


@pytest.mark.parametrize("vary", ["", "Accept-Encoding", "accept, accept-language"])
def test_harmless_variation_is_accepted(vary: str) -> None:
    async def scene(world: World) -> None:
        world.origin.headers["vary"] = vary
        assert await world.version() == "1"

    play(scene)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, {}, b""),
        Reply(200, {}, b"[]"),
        Reply(200, {}, b"[" * 100_000),
        Reply(200, {}, b'{"version":1,"items":{}}'),
        Reply(200, {}, b'{"version":"1","items":[]}'),
        Reply(200, {}, b'{"version":"1"}'),
        Reply(200, {"cache-control": "max-age=soon"}, b'{"version":"1","items":{}}'),
        Reply(204, {}, b""),
        Reply(301, {}, b""),
        Reply(304, {}, b""),
        Reply(403, {}, b""),
    ],
    ids=lambda reply: f"{reply.status} {reply.body[:20]!r} {dict(reply.headers)}",
)
def test_answer_that_makes_no_sense_is_the_origins_fault(reply: Reply) -> None:
    async def scene(world: World) -> None:
        world.origin.answer = lambda: reply
        with pytest.raises(Problem, match="origin-invalid"):
            await world.version()

    play(scene)


# Room (cases H2, P14)


def large(items: int, version: str = "1") -> Reply:
    rows = {f"tea-{i}": {"name": f"Tea number {i}", "price": i, "text": "leaf " * 30} for i in range(items)}
    return Reply(200, {"cache-control": CACHING}, json.dumps({"version": version, "items": rows}).encode())


def test_a_catalog_of_ten_megabytes_is_transferred_and_parsed_once() -> None:
    async def scene(world: World) -> None:
        reply = large(50_000)
        assert len(reply.body) > 10_000_000
        world.origin.answer = lambda: reply
        first = await CatalogReader(world.catalog).all("products")
        for _ in range(100):
            assert await CatalogReader(world.catalog).all("products") is first

    assert len(play(scene).origin.asked) == 1


@pytest.mark.parametrize("max_bytes", [MAX_BYTES, BROWSER_BYTES, 1])
def test_what_was_just_read_is_kept_however_large_it_is(max_bytes: int) -> None:
    async def scene(world: World) -> None:
        reply = large(4_000 if max_bytes == BROWSER_BYTES else 400)
        world.origin.answer = lambda: reply
        first = await world.catalog.collection("products")
        assert first is not None
        items = first.items
        for _ in range(10):
            found = await world.catalog.collection("products")
            assert found is not None
            assert found.items is items
        world.origin.answer = unavailable
        world.timer.now += 3600
        assert await world.version() == "1"

    assert len(play(scene, max_bytes=max_bytes).origin.asked) == 2


def test_collections_that_do_not_fit_together_are_parsed_again_but_not_transferred_again() -> None:
    async def scene(world: World) -> None:
        reply = large(400)
        world.origin.answer = lambda: reply
        for _ in range(3):
            for name in ("one", "two", "three"):
                assert len(await CatalogReader(world.catalog).all(name)) == 400

    world = play(scene, max_bytes=weight(large(400).body) + 2 * len(large(400).body))
    assert len(world.origin.asked) == 3


def test_the_operator_hears_once_that_it_does_not_fit(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(world: World) -> None:
        for name in ("one", "two", "three"):
            await world.version(name)

    play(scene, max_bytes=1)
    assert len(caplog.messages) == 1
    assert "EDGEKIT_CATALOG_MEMORY" in caplog.text


@pytest.mark.parametrize("caching", ["", "no-cache", "max-age=60", CACHING])
def test_what_has_not_changed_is_never_transferred_again(caching: str) -> None:
    async def scene(world: World) -> None:
        world.origin.headers = {"cache-control": caching}
        await world.version()
        world.origin.answer = lambda: Reply(304, {"cache-control": caching}, b"")
        for _ in range(3):
            world.timer.now += 100_000
            assert await world.version() == "1"
            await world.settle()

    assert [etag for _, etag in play(scene).origin.asked] == [None, *['"1"'] * 3]


def test_what_may_not_be_used_in_place_of_an_answer_is_not() -> None:
    async def scene(world: World) -> None:
        world.origin.headers = {"cache-control": "max-age=60, stale-if-error=60"}
        await world.version()
        world.origin.answer = unavailable
        world.timer.now += 119
        assert await world.version() == "1"
        world.timer.now += 2
        for _ in range(2):
            with pytest.raises(Problem, match="origin-unavailable"):
                await world.version()

    play(scene)


def test_an_origin_that_hangs_holds_one_request_up_for_a_moment_and_no_other() -> None:
    async def scene(world: World) -> None:
        await world.version()
        world.timer.now += 3600
        world.origin.version, world.origin.gate = "2", asyncio.Event()
        assert [await world.version() for _ in range(3)] == ["1"] * 3
        assert len(world.origin.asked) == 2
        world.origin.gate.set()
        await world.settle()
        assert await world.version() == "2"

    play(scene, patience=0.0)


@pytest.mark.parametrize("items", [1, 400])
def test_the_weight_of_a_collection_is_about_what_python_takes_for_it(items: int) -> None:
    body = large(items).body
    gc.collect()
    tracemalloc.start()
    try:
        document = json.loads(body)
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert document
    assert 0.5 < weight(body) / (taken + len(body)) < 2


@pytest.mark.parametrize("text", ["0", "-1", "a", "1.5", "٣", "9999999999"])
def test_the_room_for_a_catalog_is_a_number_of_mebibytes(text: str) -> None:
    assert (memory(""), memory("3")) == (MAX_BYTES, 3 * 1024 * 1024)
    with pytest.raises(ValueError, match="is not a number of MiB"):
        memory(text)


# One request's look


def test_one_request_sees_one_version() -> None:
    async def scene(world: World) -> None:
        reader = CatalogReader(world.catalog)
        assert await reader.get("products", "tea") == {"version": "1"}
        world.origin.version = "2"
        world.timer.now += 1000
        assert await reader.get("products", "tea") == {"version": "1"}
        assert list(await reader.all("products")) == ["tea"]
        assert reader.versions == {"products": "1"}
        assert await CatalogReader(world.catalog).get("products", "tea") == {"version": "2"}

    play(scene)


def test_tasks_of_one_request_see_one_version() -> None:
    async def scene(world: World) -> None:
        old = await world.catalog.collection("products")
        new = await CatalogReader(World().catalog).all("products")
        assert old is not None
        answers = [asyncio.Event(), asyncio.Event()]
        versions = [old, dataclasses.replace(old, version="2", parsed=new)]

        class Slow(Catalog):
            """Answers each question with another version, when told to."""

            async def collection(self, name: str) -> Collection | None:
                event, found = answers.pop(0), versions.pop(0)
                await event.wait()
                return found

        first, second = answers
        reader = CatalogReader(Slow(world.origin, world.timer, lambda: 0.0))
        tasks = [asyncio.ensure_future(reader.all("products")) for _ in range(2)]
        await world.settle()
        second.set()
        await world.settle()
        first.set()
        assert await tasks[0] is await tasks[1]
        assert await reader.all("products") is await tasks[0]

    play(scene)


def test_reader_of_an_absent_collection_finds_it_empty_and_reports_no_version() -> None:
    async def scene(world: World) -> None:
        world.origin.answer = lambda: Reply(404, {}, b"")
        reader = CatalogReader(world.catalog)
        assert await reader.get("products", "tea") is None
        assert await reader.all("products") == {}
        assert reader.versions == {}

    play(scene)


def test_items_keep_their_published_order() -> None:
    async def scene(world: World) -> None:
        items = {"z": {}, "a": {}, "m": {}}
        body = json.dumps({"version": "1", "items": items}).encode()
        world.origin.answer = lambda: Reply(200, {}, body)
        assert list(await CatalogReader(world.catalog).all("products")) == ["z", "a", "m"]

    play(scene)
