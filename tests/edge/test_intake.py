"""What a request must be before an app sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from urllib.parse import quote, unquote, urlencode

import pytest

from edge.errors import Problem
from edge.intake import (
    AHEAD,
    DEPTH_LIMIT,
    HEADER_LIMIT,
    LARGE,
    LONGEST_WAIT,
    METHODS,
    PART,
    SAFE,
    as_sent,
    check_head,
    check_json,
    form_field,
    idempotency_key,
    limited,
    part_size,
    read_body,
    replay,
    sent_at,
)
from edge.wire import is_key

Scope = dict[str, Any]
MakeScope = Callable[..., Scope]
KEY = "0123456789abcdef"
FORM = [("content-type", "application/x-www-form-urlencoded")]
MULTIPART = [("content-type", "multipart/form-data; boundary=x")]


def refused(code: str, scope: Scope, limit: int = 100) -> Problem:
    with pytest.raises(Problem) as caught:
        check_head(scope, limit)
    assert caught.value.code == code
    return caught.value


def multipart(**fields: str) -> bytes:
    parts = (f'--x\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items())
    return "".join([*parts, "--x--\r\n"]).encode()


def stream(*messages: dict[str, Any]) -> Callable[[], Any]:
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    return receive


def part(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


# The head


@pytest.mark.parametrize("method", sorted(METHODS))
def test_usual_methods_pass(make_scope: MakeScope, method: str) -> None:
    check_head(make_scope(method), 100)


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "PROPFIND", "get", ""])
def test_other_methods_are_refused_with_those_that_are_allowed(make_scope: MakeScope, method: str) -> None:
    problem = refused("method-not-allowed", make_scope(method))
    assert problem.headers["allow"].split(", ") == sorted(METHODS)


def test_safe_methods_are_those_of_rfc_9110() -> None:
    assert {"GET", "HEAD", "OPTIONS"} == SAFE


def test_headers_are_bounded_in_all(make_scope: MakeScope) -> None:
    fits = [("x" * 10, "y" * (HEADER_LIMIT // 2 - 10))] * 2
    check_head(make_scope("GET", "/", fits), 100)
    refused("headers-too-large", make_scope("GET", "/", [*fits, ("z", "")]))


@pytest.mark.parametrize("target", ["/%ff", "/a%c3", "/%ed%a0%80"])
def test_path_that_is_not_utf_8_is_refused(make_scope: MakeScope, target: str) -> None:
    refused("malformed-path", make_scope("GET", target))


@pytest.mark.parametrize(
    "path", ["/transfer\n", "/a\rb", "/\0", "/a\x1f", "/a\x7f", "/a\x85", "/\x9f/b", "\t/a"]
)
def test_control_characters_in_a_path_are_refused(make_scope: MakeScope, path: str) -> None:
    """case T2: a table of routes and a router need not agree on what they mean."""
    for method in ("GET", "HEAD", "POST", "OPTIONS"):
        refused("malformed-path", make_scope(method, path, raw_path=quote(path).encode()))
        refused("malformed-path", make_scope(method, path, raw_path=None))
        refused("malformed-path", make_scope(method, path, raw_path=b"/harmless"))


@pytest.mark.parametrize(
    "raw",
    ["/a/../b", "/..", "/.", "/./a", "/a/.", "/%2e%2E/a", "/a/.%2e", "/%2e", "/a\\b", "/\\..\\a"],
)
def test_path_that_others_would_read_otherwise_is_refused(make_scope: MakeScope, raw: str) -> None:
    """case T2: proxies resolve dot segments, browsers take backslashes for slashes."""
    refused("malformed-path", make_scope("GET", unquote(raw), raw_path=raw.encode()))


@pytest.mark.parametrize(
    "raw",
    [
        "/...",
        "/a..",
        "/..a",
        "/a/b.c",
        "/.well-known/x",
        "/..%2fa",
        "/%5C",
        "/%23",
        "//",
        "/a%20b",
        "/a?/../\\",
    ],
)
def test_path_that_everybody_reads_the_same_is_taken(make_scope: MakeScope, raw: str) -> None:
    path = unquote(raw.partition("?")[0])
    check_head(make_scope("GET", path, raw_path=raw.encode()), 100)


def test_path_is_checked_where_a_server_gives_no_raw_path(make_scope: MakeScope) -> None:
    scope = make_scope("GET", "/grün", raw_path=None)
    check_head(scope, 100)
    del scope["raw_path"]
    check_head(scope, 100)


@pytest.mark.parametrize("length", ["-1", "1.5", "ten", "", "+1", "1_0", "٣", "9" * 5000])
def test_content_length_that_is_no_number_is_refused(make_scope: MakeScope, length: str) -> None:
    scope = make_scope("POST")
    scope["headers"].append((b"content-length", length.encode()))
    refused("malformed-header", scope)


def test_announced_body_over_the_limit_is_refused_before_it_comes(make_scope: MakeScope) -> None:
    check_head(make_scope("POST", "/", [("content-length", "100")]), 100)
    problem = refused("body-too-large", make_scope("POST", "/", [("content-length", "101")]))
    assert problem.members == {"limit": 100}


def test_service_worker_is_one_script_and_no_other(make_scope: MakeScope) -> None:
    headers = [("service-worker", "script")]
    check_head(make_scope("GET", "/sw.js", headers), 100)
    refused("forbidden", make_scope("GET", "/uploads/cat.js", headers))


# The body


@pytest.mark.parametrize("promised", [0, 2 * LARGE - 9, 2 * LARGE, 2 * LARGE + 9, 10 * LARGE], ids=str)
def test_large_body_is_what_came_whatever_was_promised(promised: int) -> None:
    parts = [bytes([number]) * (LARGE // 4) for number in range(8)]
    receive = stream(*(part(chunk, more=number < 7) for number, chunk in enumerate(parts)))
    assert asyncio.run(read_body(receive, promised)) == b"".join(parts)


def test_body_comes_together_from_its_parts() -> None:
    receive = stream(part(b"one ", more=True), part(b"", more=True), part(b"two"))
    assert asyncio.run(read_body(receive)) == b"one two"


def test_body_of_a_client_that_went_away_is_none() -> None:
    assert asyncio.run(read_body(stream(part(b"one", more=True)))) is None


def test_body_over_the_limit_is_refused_while_it_comes() -> None:
    receive = limited(stream(part(b"x" * 60, more=True), part(b"x" * 40, more=True), part(b"x")), 100)
    with pytest.raises(Problem, match="body-too-large"):
        asyncio.run(read_body(receive))


def test_body_of_exactly_the_limit_passes() -> None:
    receive = limited(stream(part(b"x" * 60, more=True), part(b"x" * 40)), 100)
    assert asyncio.run(read_body(receive)) == b"x" * 100


def test_replayed_body_comes_once_and_then_the_connection_speaks() -> None:
    async def scene() -> list[Any]:
        receive = replay(b"body", stream())
        return [await receive(), await receive()]

    assert asyncio.run(scene()) == [part(b"body"), {"type": "http.disconnect"}]


def test_replayed_body_comes_in_parts_where_that_saves_memory(make_scope: MakeScope) -> None:
    assert part_size(make_scope("POST", "/", MULTIPART)) == PART
    assert part_size(make_scope("POST", "/", FORM)) is None

    async def scene() -> list[Any]:
        receive = replay(b"abcde", stream(), 2)
        return [await receive() for _ in range(4)]

    parts = [part(b"ab", more=True), part(b"cd", more=True), part(b"e")]
    assert asyncio.run(scene()) == [*parts, {"type": "http.disconnect"}]


def test_replayed_body_may_be_empty() -> None:
    async def scene() -> list[Any]:
        receive = replay(b"", stream())
        return [await receive(), await receive()]

    assert asyncio.run(scene()) == [part(b""), {"type": "http.disconnect"}]


# Nesting


def json_scope(make_scope: MakeScope, media_type: str = "application/json") -> Scope:
    return make_scope("POST", "/", [("content-type", media_type)])


@pytest.mark.parametrize(
    "body",
    [
        b"[" * DEPTH_LIMIT + b"]" * DEPTH_LIMIT,
        b"[" + b"[]," * 10_000 + b"1]",
        b'{"a":' * DEPTH_LIMIT + b"1" + b"}" * DEPTH_LIMIT,
        b'["' + b"[" * 10_000 + b'"]',
        b'["' + rb"\"[" * 10_000 + b'"]',
        b'["' + rb"\\" * 501 + b'",' + b"[]," * 600 + b"1]",
    ],
    ids=["as deep as allowed", "long", "objects", "in a string", "behind quotes in a string", "backslashes"],
)
def test_json_of_ordinary_depth_passes(make_scope: MakeScope, body: bytes) -> None:
    check_json(json_scope(make_scope), body)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * (DEPTH_LIMIT + 1),
        b'{"a":[' * (DEPTH_LIMIT // 2 + 1),
        b'"\\\\"' + b"[" * (DEPTH_LIMIT + 1),
        b"]" * 10 + b"[" * (DEPTH_LIMIT + 11),
    ],
    ids=["arrays", "mixed", "after a string", "after brackets that close"],
)
def test_json_nested_too_deep_is_refused_without_parsing_it(make_scope: MakeScope, body: bytes) -> None:
    with pytest.raises(Problem, match="malformed-json"):
        check_json(json_scope(make_scope, "application/merge-patch+json"), body)


@pytest.mark.parametrize("unit", [rb"\"", b'"', b'"\\', b'"\\\n', b'"a'], ids=str)
def test_strings_without_an_end_take_no_longer_than_others(make_scope: MakeScope, unit: bytes) -> None:
    # With quadratic time this would not end within the patience of anybody.
    check_json(json_scope(make_scope), b"[]" * (DEPTH_LIMIT + 1) + unit * 1_000_000)


def test_other_types_may_hold_as_many_brackets_as_they_like(make_scope: MakeScope) -> None:
    check_json(json_scope(make_scope, "text/plain"), b"see [" * 10_000)


# case H1
@pytest.mark.parametrize("media_type", ["text/plain", "application/octet-stream", ""])
def test_json_under_another_name_may_not_nest_deeper(make_scope: MakeScope, media_type: str) -> None:
    with pytest.raises(Problem, match="malformed-json"):
        check_json(json_scope(make_scope, media_type), b"[" * 10_000)


# The key


def key_of(scope: Scope, body: bytes = b"") -> str | None:
    return idempotency_key(scope, asyncio.run(form_field(scope, body)), sha256(body).hexdigest())


def test_key_comes_from_the_header(make_scope: MakeScope) -> None:
    assert key_of(make_scope("POST", "/", [("idempotency-key", KEY)])) == KEY


def test_key_comes_from_the_hidden_field_of_a_form(make_scope: MakeScope) -> None:
    for headers, body in ((FORM, f"a=1&_key={KEY}".encode()), (MULTIPART, multipart(a="1", _key=KEY))):
        key = key_of(make_scope("POST", "/", headers), body)
        assert key is not None
        assert is_key(key)
        assert key == key_of(make_scope("POST", "/", headers), body)


def test_key_is_found_in_a_large_form_too(make_scope: MakeScope) -> None:
    scope = make_scope("POST", "/", MULTIPART)
    for fields in ({"_key": KEY, "essay": "x" * LARGE}, {"essay": "x" * LARGE, "_key": KEY}):
        assert asyncio.run(form_field(scope, multipart(**fields))) == KEY
    assert asyncio.run(form_field(scope, multipart(essay="x" * LARGE))) is None


def test_form_that_was_changed_has_another_key(make_scope: MakeScope) -> None:
    scope = make_scope("POST", "/", FORM)
    assert key_of(scope, f"a=1&_key={KEY}".encode()) != key_of(scope, f"a=2&_key={KEY}".encode())


def test_key_may_be_a_structured_string(make_scope: MakeScope) -> None:
    assert key_of(make_scope("POST", "/", [("idempotency-key", f'"{KEY}"')])) == KEY


def test_header_counts_more_than_the_field(make_scope: MakeScope) -> None:
    scope = make_scope("POST", "/", [*FORM, ("idempotency-key", KEY)])
    assert key_of(scope, b"_key=another-good-key-0") == KEY


def test_without_a_key_there_is_none(make_scope: MakeScope) -> None:
    assert key_of(make_scope("POST")) is None
    assert key_of(make_scope("POST", "/", FORM), b"a=1") is None
    assert key_of(make_scope("POST", "/", [("content-type", "application/json")]), b'{"_key":"x"}') is None


@pytest.mark.parametrize(
    "key", ["short", "x" * 65, "has spaces in it, many", "<script>alert(1)</script>", ""]
)
def test_malformed_key_is_refused(make_scope: MakeScope, key: str) -> None:
    with pytest.raises(Problem, match="malformed-key"):
        key_of(make_scope("POST", "/", [("idempotency-key", key)]))


def test_file_in_place_of_the_key_is_no_key(make_scope: MakeScope) -> None:
    body = multipart(_key=KEY).replace(b'name="_key"', b'name="_key"; filename="k"')
    assert key_of(make_scope("POST", "/", MULTIPART), body) is None


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (MULTIPART, b"--x\r\nno header\r\n\r\n"),
        ([("content-type", "multipart/form-data")], multipart(a="1")),
        (MULTIPART, b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n"),
    ],
    ids=["broken", "no boundary", "no name"],
)
def test_form_that_cannot_be_read_is_refused(
    make_scope: MakeScope, headers: list[tuple[str, str]], body: bytes
) -> None:
    with pytest.raises(Problem, match="malformed-form"):
        key_of(make_scope("POST", "/", headers), body)


# The time


def sent(make_scope: MakeScope, text: str, method: str = "POST") -> float:
    scope = make_scope(method)
    scope["headers"].append((b"edgekit-time", text.encode()))
    return sent_at(scope, 1000.0)


def test_write_that_waited_in_a_browser_has_the_time_of_its_making(make_scope: MakeScope) -> None:
    assert sent(make_scope, "990500") == 990.5
    assert sent_at(make_scope("POST"), 1000.0) == 1000.0


def test_clock_of_a_client_may_be_ahead_but_not_far(make_scope: MakeScope) -> None:
    assert sent(make_scope, "1030000") == 1030.0
    assert sent(make_scope, "9" * 15) == 1000.0 + AHEAD


def test_a_write_whose_key_may_be_forgotten_is_refused(make_scope: MakeScope) -> None:
    scope = make_scope("POST", "/", [("edgekit-time", "1000000")])
    assert sent_at(scope, 1000.0 + LONGEST_WAIT) == 1000.0
    with pytest.raises(Problem, match="idempotency-key-expired"):
        sent_at(scope, 1000.001 + LONGEST_WAIT)


@pytest.mark.parametrize("text", ["", "-1", "1.5", "soon", "٣", "9" * 16, "0x10"])
def test_time_that_makes_no_sense_does_not_count(make_scope: MakeScope, text: str) -> None:
    assert sent(make_scope, text) == 1000.0


@pytest.mark.parametrize("method", sorted(SAFE))
def test_reads_are_of_now(make_scope: MakeScope, method: str) -> None:
    assert sent(make_scope, "990500", method) == 1000.0


@pytest.mark.parametrize("kind", [FORM, MULTIPART])
def test_a_form_has_no_other_limits_than_its_body(make_scope: MakeScope, kind: Any) -> None:
    """Case P12: how many fields there may be, and how long ones, is for the app to say."""
    many = {f"field{number}": "x" for number in range(3_000)} | {"essay": "x" * 1_500_000, "_key": KEY}
    body = multipart(**many) if kind is MULTIPART else urlencode(many).encode()
    scope = make_scope("POST", headers=kind)
    assert asyncio.run(form_field(scope, body)) == KEY


def test_what_a_worker_cannot_say_of_a_request_it_says_in_a_header(make_scope: MakeScope) -> None:
    """case P1, P5"""
    told = (
        "sec-fetch-mode=navigate&referer=https%3A%2F%2Fa.example%2Fx&cookie=a&sec-ch-ua=%22A%22%3Bv%3D%221%22"
    )
    headers = [("sec-fetch-mode", "same-origin"), ("accept", "*/*"), ("edgekit-sent", told)]
    seen = as_sent(make_scope(headers=headers))
    assert sorted(seen) == [
        (b"accept", b"*/*"),
        (b"referer", b"https://a.example/x"),
        (b"sec-ch-ua", b'"A";v="1"'),
        (b"sec-fetch-mode", b"navigate"),
    ]


@pytest.mark.parametrize("told", ["", "=", "referer", "referer=a%0D%0Ax", "sec-fetch-=a", "%FF=%FF&host=b"])
def test_nothing_else_can_be_said_there(make_scope: MakeScope, told: str) -> None:
    headers = [("accept", "*/*"), ("edgekit-sent", told)]
    assert as_sent(make_scope(headers=headers)) == [(b"accept", b"*/*")]
