"""`ctx.records`: one request's unit of work."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from edge.errors import NeedsEdge, Problem
from edge.records import NOBODY, Page, Record, Records
from edge.running import running
from edge.types import Principal
from edge.wire import RECORD_LIMIT, WRITES_LIMIT, Increment, Read, RecordKey, Scope, Write

ANN = Principal("ann", "s" * 22, 1)


class Source:
    """Records in a dict, and who asked for what."""

    def __init__(self, *records: Record) -> None:
        self.records = {record.id: record for record in records}
        self.asked: list[tuple[Principal, RecordKey]] = []
        self.listed: list[tuple[Principal, Scope, str, int, str | None]] = []

    async def record(self, principal: Principal, key: RecordKey) -> Record | None:
        self.asked.append((principal, key))
        return self.records.get(key.id)

    async def page(
        self, principal: Principal, scope: Scope, collection: str, limit: int, after: str | None
    ) -> Page:
        self.listed.append((principal, scope, collection, limit, after))
        items = sorted(record for record in self.records.values() if record.id > (after or ""))
        return Page(items[:limit], items[limit - 1].id if len(items) > limit else None)


def records(source: Source, principal: Principal | None = ANN, *, writable: bool = True) -> Records:
    return Records(source, {"stock"}, lambda: principal, writable=writable)


def key(name: str, scope: Scope = "user", collection: str = "cups") -> RecordKey:
    return RecordKey(scope, collection, name)


def names(page: Page) -> list[str]:
    return [record.id for record in page.items]


def test_a_record_is_fetched_once_and_noted_with_its_version() -> None:
    source = Source(Record("a", 3, {"n": 1}))
    unit = records(source)
    assert asyncio.run(unit.get("cups", "a")) == Record("a", 3, {"n": 1})
    assert asyncio.run(unit.get("cups", "a")) == Record("a", 3, {"n": 1})
    assert asyncio.run(unit.get("cups", "b")) is None
    assert source.asked == [(ANN, key("a")), (ANN, key("b"))]
    assert unit.reads == (Read(key("a"), 3), Read(key("b"), 0))


def test_reads_at_the_same_time_see_and_name_the_same_version() -> None:
    class Changing(Source):
        """Gives each question a newer version; the first question is answered last."""

        async def record(self, principal: Principal, key: RecordKey) -> Record | None:
            self.asked.append((principal, key))
            version = len(self.asked)
            await asyncio.sleep(0.01 if version == 1 else 0)
            return Record(key.id, version, {})

    async def both(unit: Records) -> list[Any]:
        return await asyncio.gather(unit.get("cups", "a"), unit.get("cups", "a"))

    unit = records(Changing())
    first, second = asyncio.run(both(unit))
    assert first == second
    assert unit.reads == (Read(key("a"), first.version),)


def test_collection_named_as_shared_belongs_to_everybody() -> None:
    source = Source()
    unit = records(source)
    asyncio.run(unit.get("stock", "a"))
    unit.put("stock", "b", {})
    assert source.asked == [(ANN, key("a", "shared", "stock"))]
    assert unit.writes == (Write(key("b", "shared", "stock"), {}),)


def test_visitor_without_a_name_owns_nothing_but_reads_what_is_shared() -> None:
    source = Source(Record("a", 1, {}))
    unit = records(source, None)
    assert asyncio.run(unit.get("cups", "a")) is None
    assert asyncio.run(unit.list("cups")) == Page([], None)
    assert asyncio.run(unit.get("stock", "a")) == Record("a", 1, {})
    assert source.asked == [(NOBODY, key("a", "shared", "stock"))]
    assert source.listed == []
    assert unit.reads == (Read(key("a"), 0), Read(key("a", "shared", "stock"), 1))


def test_own_writes_are_seen_before_they_are_stored() -> None:
    source = Source(Record("a", 1, {"n": 1}), Record("b", 1, {"n": 1}))
    unit = records(source)
    unit.put("cups", "a", {"n": 2})
    unit.delete("cups", "b")
    assert asyncio.run(unit.get("cups", "a")) == Record("a", 0, {"n": 2})
    assert asyncio.run(unit.get("cups", "b")) is None
    assert source.asked == []


def test_the_last_write_to_a_record_counts() -> None:
    unit = records(Source())
    unit.put("cups", "a", {"n": 1})
    unit.delete("cups", "a")
    unit.put("cups", "a", {"n": 2})
    assert unit.writes == (Write(key("a"), {"n": 2}),)


def test_a_write_is_no_read() -> None:
    unit = records(Source())
    unit.put("cups", "a", {})
    unit.delete("cups", "b")
    assert unit.reads == ()


def test_touched_by_each_kind_of_use_and_by_nothing_else() -> None:
    assert not records(Source()).touched
    for use in (
        lambda unit: asyncio.run(unit.get("cups", "a")),
        lambda unit: asyncio.run(unit.list("cups")),
        lambda unit: unit.put("cups", "a", {}),
        lambda unit: unit.delete("cups", "a"),
    ):
        unit = records(Source())
        use(unit)
        assert unit.touched


def test_what_everybody_owns_is_told_apart_from_what_is_the_users_own() -> None:
    for use in (
        lambda unit, name: asyncio.run(unit.get(name, "a")),
        lambda unit, name: asyncio.run(unit.list(name)),
        lambda unit, name: unit.put(name, "a", {}),
        lambda unit, name: unit.delete(name, "a"),
    ):
        unit = records(Source())
        use(unit, "stock")
        assert not unit.touched_own
        use(unit, "cups")
        assert unit.touched_own


def test_listing_asks_for_a_page() -> None:
    source = Source(*(Record(name, 1, {}) for name in "abc"))
    page = asyncio.run(records(source).list("cups", limit=2, after="a"))
    assert page == Page([Record("b", 1, {}), Record("c", 1, {})], None)
    assert source.listed == [(ANN, "user", "cups", 2, "a")]


def test_listing_shows_own_writes_in_their_place() -> None:
    source = Source(*(Record(name, 1, {}) for name in "ace"))
    unit = records(source)
    unit.put("cups", "b", {"new": True})
    unit.put("cups", "c", {"changed": True})
    unit.delete("cups", "e")
    unit.put("other", "d", {})
    page = asyncio.run(unit.list("cups"))
    assert page.items == [
        Record("a", 1, {}),
        Record("b", 0, {"new": True}),
        Record("c", 0, {"changed": True}),
    ]


def test_each_own_write_is_on_exactly_one_page() -> None:
    source = Source(*(Record(name, 1, {}) for name in "aceg"))
    unit = records(source)
    for name in "bcdfh":  # "c" is the last one on the first page
        unit.put("cups", name, {})
    first = asyncio.run(unit.list("cups", limit=2))
    second = asyncio.run(unit.list("cups", limit=2, after=first.next))
    assert names(first) + names(second) == list("abcdefgh")
    assert second.next is None


def test_a_safe_request_cannot_write() -> None:
    unit = records(Source(), writable=False)
    for write in (lambda: unit.put("cups", "a", {}), lambda: unit.delete("cups", "a")):
        with pytest.raises(Problem, match="write-in-safe-request"):
            write()
    assert unit.writes == ()


def test_nothing_is_written_once_the_answer_is_final() -> None:
    unit = records(Source())
    unit.closed = True
    for write in (lambda: unit.put("cups", "a", {}), lambda: unit.delete("cups", "a")):
        with pytest.raises(Problem, match="write-after-response"):
            write()


@pytest.mark.parametrize(
    ("collection", "name"), [("a/b", "x"), ("", "x"), ("cups", ""), ("cups", ".."), ("cups", "ä")]
)
def test_names_that_do_not_fit_the_wire_are_the_apps_mistake(collection: str, name: str) -> None:
    unit = records(Source())
    with pytest.raises(ValueError, match="not a record name"):
        asyncio.run(unit.get(collection, name))
    with pytest.raises(ValueError, match="not a record name"):
        unit.put(collection, name, {})
    with pytest.raises(ValueError, match="not a record name"):
        unit.delete(collection, name)


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        ([1], TypeError, "put takes a dict, not list"),
        (None, TypeError, "put takes a dict, not NoneType"),
        ({"tags": {"a"}}, TypeError, "the record cups/a is not JSON: Object of type set"),
        ({"price": float("nan")}, ValueError, "not JSON compliant"),
    ],
)
def test_what_is_no_json_object_is_refused_where_it_is_put(
    value: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        records(Source()).put("cups", "a", value)


def test_a_number_is_no_name_and_the_message_says_what_is_one() -> None:
    with pytest.raises(ValueError, match=r"not a record name: 'cups'/3; a name is a text of 1 to 128"):
        records(Source()).put("cups", 3, {})  # type: ignore[arg-type]


def test_collection_name_that_does_not_fit_cannot_be_listed() -> None:
    with pytest.raises(ValueError, match="not a collection name"):
        asyncio.run(records(Source()).list("a/b"))


def test_record_over_the_limit_is_refused_at_once() -> None:
    unit = records(Source())
    unit.put("cups", "a", {"x": "y" * (RECORD_LIMIT - 8)})
    with pytest.raises(Problem, match="record-too-large"):
        unit.put("cups", "b", {"x": "y" * (RECORD_LIMIT - 7)})


def test_what_is_not_json_is_refused_at_once() -> None:
    with pytest.raises(TypeError):
        records(Source()).put("cups", "a", {"x": object()})


def test_one_request_writes_a_bounded_number_of_records() -> None:
    unit = records(Source())
    for number in range(WRITES_LIMIT):
        unit.put("cups", str(number), {})
    unit.put("cups", "0", {"again": True})
    with pytest.raises(Problem, match="commit-too-large: one request writes at most 256 records"):
        unit.put("cups", "one-more", {})


@pytest.mark.parametrize("floors", [(0, None), (None, 0), (0, -5), (-5, 0), (0, 0)])
def test_increments_of_one_number_keep_the_strictest_floor(floors: tuple[int | None, ...]) -> None:
    unit = records(Source())
    for floor in floors:
        assert unit.increment("stock", "tea", "left", -1, floor=floor)
    assert unit.increments == (Increment(key("tea", "shared", "stock"), "left", -2, 0),)


def test_only_what_has_a_floor_can_be_refused_for_it() -> None:
    refused = {(key("tea", "shared", "stock"), "left")}
    unit = Records(Source(), {"stock"}, lambda: ANN, writable=True, refused=refused)
    assert not unit.increment("stock", "tea", "left", -1, floor=0)
    assert unit.increment("stock", "tea", "left", -1)
    assert unit.increments == (Increment(key("tea", "shared", "stock"), "left", -1, None),)


def test_peek_lists_and_leaves_no_trace_in_the_commit() -> None:  # case C3
    source = Source()
    unit = Records(source, {"stock"}, lambda: ANN, writable=True)
    page = asyncio.run(unit.peek("stock"))
    assert page == asyncio.run(unit.list("stock", 200))
    fresh = Records(source, {"stock"}, lambda: ANN, writable=True)
    asyncio.run(fresh.peek("stock"))
    assert (fresh.touched, fresh.reads, fresh.changed) == (False, (), False)


class Unreachable:
    """A source that cannot be asked: it says so, or never answers."""

    def __init__(self, problem: Exception | None) -> None:
        self.problem = problem

    async def record(self, *_: Any) -> Any:
        raise AssertionError

    async def page(self, *_: Any) -> Any:
        if self.problem is None:
            await asyncio.Event().wait()
        assert self.problem is not None
        raise self.problem


@pytest.mark.parametrize("problem", [None, NeedsEdge("a record"), Problem("origin-unavailable")])
def test_peek_is_none_while_nobody_can_tell(problem: Exception | None) -> None:
    unit = Records(Unreachable(problem), {"stock"}, lambda: ANN, writable=False)
    assert asyncio.run(unit.peek("stock", within=0)) is None


def test_peek_does_not_make_the_request_an_edges() -> None:
    """Whoever makes a `NeedsEdge` marks the request that runs; what a page can do without must not."""

    class Request:
        escalated = False
        host = "browser"

    class Gone(Unreachable):
        async def page(self, *_: Any) -> Any:
            raise NeedsEdge("a record")

    request, unit = Request(), Records(Gone(None), {"stock"}, lambda: ANN, writable=False)
    with running(request):  # type: ignore[arg-type]
        assert asyncio.run(unit.peek("stock")) is None
        assert not request.escalated
        with pytest.raises(NeedsEdge):
            asyncio.run(unit.list("stock"))
    assert request.escalated


def test_peek_does_not_hide_what_is_wrong() -> None:
    unit = Records(Unreachable(Problem("session-ended")), {"stock"}, lambda: ANN, writable=False)
    with pytest.raises(Problem, match="session-ended"):
        asyncio.run(unit.peek("stock"))
    closed = Records(Source(), {"stock"}, lambda: ANN, writable=False, readable=["orders"])
    with pytest.raises(NeedsEdge):
        asyncio.run(closed.peek("stock"))
    with pytest.raises(ValueError, match="name"):
        asyncio.run(closed.peek("no/name"))
