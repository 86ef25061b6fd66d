"""What makes an answer final: which commit is sent, and which headers the client gets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from edge.applied import remember
from edge.context import Context
from edge.errors import NeedsEdge, Problem
from edge.exchange import Answer
from edge.host import Host
from edge.settlement import Settlement, fingerprint_of
from edge.types import View
from edge.views import PayloadViews
from edge.wire import Commit, Outcome, Read, RecordKey, StoredResponse, Write

KEY = "a-key-of-a-test-0001"
MARK = "7" * 64
ORDER = RecordKey("user", "orders", "one")


class Origin:
    """Notes commits; answers with `earlier`, or with what was sent."""

    def __init__(self) -> None:
        self.commits: list[tuple[str, str, Commit]] = []
        self.earlier: StoredResponse | None = None

    async def record(self, subject: str, key: RecordKey) -> None:
        return None

    async def commit(self, subject: str, key: str, commit: Commit) -> Outcome:
        self.commits.append((subject, key, commit))
        return Outcome(self.earlier is not None, self.earlier or commit.response)


class World:
    """A request in the middle of its settlement."""

    def __init__(self, host: Host, scope: dict[str, Any], view: View | None, **options: Any) -> None:
        self.ctx = Context(host, view, method="POST", key=KEY, shared=frozenset())
        self.settlement = Settlement(host, self.ctx, scope, **{"key": KEY, "fingerprint": MARK, **options})

    def unsafe(self, status: int = 200, headers: Any = (), body: bytes = b"") -> Answer:
        return asyncio.run(self.settlement.unsafe(Answer(status, list(headers), body)))


@pytest.fixture
def origin() -> Origin:
    return Origin()


@pytest.fixture
def world(
    make_host: Callable[..., Host], make_scope: Callable[..., dict[str, Any]], origin: Origin, clock: Any
) -> Callable[..., World]:
    """`world(view, name="browser", key=None)`: a POST of ann's, or of whose `view` says."""
    view = View("ann", 4, {"cups": 1}, (), int(clock()))

    def make(view: View | None = view, name: str = "native", **options: Any) -> World:
        host = make_host(name=name, origin=origin)
        return World(host, make_scope("POST"), view, **options)

    return make


Make = Callable[..., World]


def header(answer: Answer, name: bytes) -> bytes | None:
    return dict(answer.headers).get(name)


def reopened(answer: Answer, world: World) -> View:
    """The view that the answer's cookie holds."""
    cookie = (header(answer, b"set-cookie") or b"").partition(b";")[0].decode()
    scope = {"headers": [(b"cookie", cookie.encode())], "scheme": "http"}
    view = asyncio.run(world.settlement._host.views.open(scope))
    assert view is not None
    return view


def test_commit_names_reads_writes_fingerprint_and_the_whole_answer(world: Make, origin: Origin) -> None:
    made = world()
    asyncio.run(made.ctx.records.get("orders", "one"))
    made.ctx.records.put("orders", "one", {"n": 1})
    made.ctx.state["cups"] = 2
    made.unsafe(201, [(b"location", b"/orders/one"), (b"x", b"\xe9")], b"made")
    stored = StoredResponse(201, (("location", "/orders/one"), ("x", "é")), b"made", {"cups": 2})
    commit = Commit(MARK, (Read(ORDER, 0),), (Write(ORDER, {"n": 1}),), stored)
    assert origin.commits == [("ann", KEY, commit)]


def test_untouched_records_cost_no_commit(world: Make, origin: Origin) -> None:
    made = world()
    made.ctx.state["cups"] = 2
    answer = made.unsafe()
    assert origin.commits == []
    assert reopened(answer, made).state == {"cups": 2}


def test_read_alone_is_committed_too_because_the_answer_rests_on_it(world: Make, origin: Origin) -> None:
    made = world()
    asyncio.run(made.ctx.records.get("orders", "one"))
    made.unsafe(409)
    ((_, _, commit),) = origin.commits
    assert commit.reads == (Read(ORDER, 0),)
    assert commit.response.state is None


def test_new_view_counts_up_and_remembers_the_key(world: Make) -> None:
    made = world()
    made.ctx.state["cups"] = 2
    view = reopened(made.unsafe(), made)
    assert (view.subject, view.version, view.applied) == ("ann", 5, remember((), KEY, MARK, stored=False))


def test_view_after_a_commit_remembers_that_the_origin_keeps_the_answer(world: Make) -> None:
    made = world()
    made.ctx.state["cups"] = 2
    made.ctx.records.put("orders", "one", {})
    assert reopened(made.unsafe(), made).applied == remember((), KEY, MARK, stored=True)


def test_request_without_a_key_is_not_remembered(world: Make) -> None:
    made = world(key=None)
    made.ctx.state["cups"] = 2
    assert reopened(made.unsafe(), made).applied == ()


def test_visitor_who_writes_becomes_a_guest_under_one_name(world: Make, origin: Origin) -> None:
    made = world(None)
    made.ctx.records.put("orders", "one", {})
    view = reopened(made.unsafe(), made)
    assert origin.commits[0][0] == view.subject == made.ctx.user
    assert (view.version, view.state) == (1, {})


def test_visitor_who_changes_nothing_stays_a_visitor(world: Make) -> None:
    made = world(None)
    assert header(made.unsafe(), b"set-cookie") is None
    assert made.ctx.user is None


def test_earlier_answer_replaces_the_new_one_completely(world: Make, origin: Origin) -> None:
    origin.earlier = StoredResponse(201, (("location", "/orders/first"),), b"first", {"cups": 7})
    made = world()
    made.ctx.records.put("orders", "one", {})
    made.ctx.state["cups"] = 2
    answer = made.unsafe(200, [(b"x-new", b"1")], b"second")
    assert (answer.status, answer.body) == (201, b"first")
    assert header(answer, b"location") == b"/orders/first"
    assert header(answer, b"x-new") is None
    assert header(answer, b"idempotency-replayed") == b"true"
    assert reopened(answer, made).state == {"cups": 7}


def test_request_whose_effect_is_in_the_view_changes_no_state_again(world: Make, origin: Origin) -> None:
    made = world(repeated=True)
    made.ctx.state["cups"] = 2
    assert header(made.unsafe(), b"set-cookie") is None
    made.ctx.records.put("orders", "one", {})
    made.unsafe()
    assert origin.commits[0][2].response.state is None


def test_browser_never_commits_a_changed_state(world: Make, origin: Origin) -> None:
    made = world(name="browser")
    made.ctx.state["cups"] = 2
    with pytest.raises(NeedsEdge):
        made.unsafe()
    assert origin.commits == []


def test_bad_request_of_a_framework_is_explained(
    make_host: Callable[..., Host], make_scope: Callable[..., dict[str, Any]]
) -> None:
    scope = make_scope("POST", "/", [("content-type", "application/json")])
    made = World(make_host(), scope, None, body=b"{")
    with pytest.raises(Problem, match="malformed-json"):
        made.unsafe(400, [(b"content-type", b"text/plain; charset=utf-8")], b"Bad Request")
    own = made.unsafe(400, [(b"content-type", b"application/json")], b'{"error":"mine"}')
    assert own.body == b'{"error":"mine"}'


def test_browser_does_not_renew_a_view(
    make_host: Callable[..., Host], make_scope: Callable[..., dict[str, Any]]
) -> None:
    host = make_host(name="browser", views=PayloadViews())
    made = World(host, make_scope(), View("ann", 1, {}, (), 0))
    answer = asyncio.run(made.settlement.safe(Answer(200, [], b"")))
    assert header(answer, b"set-cookie") is None


def test_renewed_view_is_the_same_but_for_its_time(world: Make, clock: Any) -> None:
    old = View("ann", 4, {"cups": 1}, ("k" * 16 + ":12345678",), int(clock()) - 50_000)
    made = world(old)
    view = reopened(asyncio.run(made.settlement.safe(Answer(200, [], b""))), made)
    assert view == View("ann", 4, {"cups": 1}, old.applied, int(clock()))


# Fingerprints


def mark_of(make_scope: Callable[..., dict[str, Any]], body: bytes = b"", **parts: Any) -> str:
    headers = [("content-type", parts.pop("kind"))] if "kind" in parts else []
    return fingerprint_of(make_scope("POST", parts.pop("target", "/a"), headers, **parts), body)


def test_fingerprint_covers_the_path_as_it_was_sent(make_scope: Callable[..., dict[str, Any]]) -> None:
    assert mark_of(make_scope, target="/a%2Fb") != mark_of(make_scope, target="/a/b")
    assert mark_of(make_scope, target="/a?b=1") != mark_of(make_scope, target="/a?b=2")
    assert mark_of(make_scope, target="/a", raw_path=None) == mark_of(make_scope, target="/a")


@pytest.mark.parametrize("quote", ["", '"'])
def test_fingerprint_of_a_form_does_not_depend_on_its_boundary(
    make_scope: Callable[..., dict[str, Any]], quote: str
) -> None:
    def form(boundary: str, value: str = "1") -> str:
        body = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n{value}\r\n--{boundary}--\r\n'
        )
        kind = f"multipart/form-data; boundary={quote}{boundary}{quote}"
        return mark_of(make_scope, body.encode(), kind=kind)

    assert form("----WebKitFormBoundaryAbC1") == form("----WebKitFormBoundaryXyZ2")
    assert form("one") != form("one", "2")


def test_fingerprint_of_other_types_covers_everything(make_scope: Callable[..., dict[str, Any]]) -> None:
    assert mark_of(make_scope, b"--x", kind="text/plain; boundary=x") != mark_of(
        make_scope, b"--y", kind="text/plain; boundary=y"
    )
