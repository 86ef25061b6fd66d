"""What edge and origin say to each other."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import Problem
from edge.wire import (
    RECORD_LIMIT,
    RESPONSE_LIMIT,
    WRITES_LIMIT,
    Commit,
    Outcome,
    Read,
    RecordKey,
    Scope,
    StoredResponse,
    Write,
    decode_commit,
    decode_outcome,
    encode_commit,
    encode_json,
    encode_outcome,
    fingerprint,
    is_deep_json,
    is_key,
    is_name,
)

MARK = "0" * 64

names = st.from_regex(r"[A-Za-z0-9_\-]{1,20}", fullmatch=True)
scopes: st.SearchStrategy[Scope] = st.sampled_from(["user", "shared"])
keys = st.builds(RecordKey, scopes, names, names)
text = st.text(st.characters(codec="utf-8"), max_size=20)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text
values = st.recursive(leaves, lambda v: st.lists(v, max_size=3) | st.dictionaries(text, v, max_size=3))
objects = st.dictionaries(text, values, max_size=4)
responses = st.builds(
    StoredResponse,
    st.integers(200, 599),
    st.lists(st.tuples(text, text), max_size=3).map(tuple),
    st.binary(max_size=50),
    st.none() | objects,
    st.none() | text,
    text,
)
commits = st.builds(
    Commit,
    st.just(MARK),
    st.lists(st.builds(Read, keys, st.integers(0, 2**40)), max_size=3).map(tuple),
    st.lists(st.builds(Write, keys, st.none() | objects), max_size=3, unique_by=lambda w: w.key).map(tuple),
    responses,
)


@given(commits)
def test_commit_survives_the_wire(commit: Commit) -> None:
    assert decode_commit(encode_commit(commit)) == commit


@given(st.builds(Outcome, st.booleans(), responses))
def test_outcome_survives_the_wire(outcome: Outcome) -> None:
    assert decode_outcome(encode_outcome(outcome)) == outcome


def document(**members: Any) -> dict[str, Any]:
    """A good commit as JSON, but for `members`."""
    response = {"status": 200, "headers": [], "body": "", "state": None, "sealed": None}
    parts = {"reads": [], "writes": [], "increments": []}
    return {"fingerprint": MARK, **parts, "response": response, **members}


def with_response(**members: Any) -> dict[str, Any]:
    good = document()
    return {**good, "response": {**good["response"], **members}}


def test_the_base_of_the_bad_commits_is_good() -> None:
    assert decode_commit(encode_json(document())).fingerprint == MARK


@pytest.mark.parametrize(
    "bad",
    [
        [],
        "text",
        None,
        {},
        document(fingerprint="ABC"),
        document(fingerprint=MARK.upper().replace("0", "A")),
        document(fingerprint=7),
        document(reads=[["user", "cups", "1"]]),
        document(reads=[["user", "cups", "1", -1]]),
        document(reads=[["user", "cups", "1", True]]),
        document(reads=[["user", "cups", "1", 1.0]]),
        document(reads=[["everybody", "cups", "1", 1]]),
        document(writes=[["user", "../cups", "1", {}]]),
        document(writes=[["user", "cups", "..", {}]]),
        document(writes=[["user", "cups", "", {}]]),
        document(writes=[["user", "cups", 1, {}]]),
        document(writes=[["user", "cups", "1", []]]),
        document(writes=[["user", "cups", "1", "text"]]),
        document(writes=[{"user": 1}]),
        document(writes=[["user", "cups", "1", {}], ["user", "cups", "1", None]]),
        document(writes=[["user", "cups", str(n), None] for n in range(WRITES_LIMIT + 1)]),
        document(reads=[["user", "cups", str(n), 0] for n in range(WRITES_LIMIT + 1)]),
        with_response(status=199),
        with_response(status=600),
        with_response(status="200"),
        with_response(body="not base64!"),
        with_response(body=base64.b64encode(b"x" * (RESPONSE_LIMIT + 1)).decode()),
        with_response(headers=[["only one"]]),
        with_response(state=[]),
        with_response(sealed={}),
        with_response(base=None),
    ],
    ids=lambda bad: str(bad)[:60],
)
def test_commit_outside_the_format_is_refused(bad: object) -> None:
    with pytest.raises(Problem) as caught:
        decode_commit(encode_json(bad))
    assert caught.value.code == "malformed-commit"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 200_000,
        json.dumps(document(writes=[["user", "c", "1", {"x": float("nan")}]])).encode(),
        json.dumps(document(writes=[["user", "c", "1", {"x": "\ud800"}]])).encode(),
    ],
    ids=["empty", "cut off", "not utf-8", "too deep", "not a number", "half a surrogate pair"],
)
def test_commit_that_is_not_proper_json_is_refused(raw: bytes) -> None:
    with pytest.raises(Problem) as caught:
        decode_commit(raw)
    assert caught.value.code == "malformed-commit"


def test_record_over_the_limit_has_its_own_code() -> None:
    fits = {"x": "y" * (RECORD_LIMIT - len('{"x":""}'))}
    decode_commit(encode_json(document(writes=[["user", "cups", "1", fits]])))
    with pytest.raises(Problem) as caught:
        decode_commit(encode_json(document(writes=[["user", "cups", "1", {"x": fits["x"] + "y"}]])))
    assert caught.value.code == "record-too-large"


@pytest.mark.parametrize(
    "bad", [b"", b"[]", b'{"replayed":true}', b'{"replayed":true,"response":[]}', b"\xff"]
)
def test_unreadable_outcome_is_the_origins_fault(bad: bytes) -> None:
    with pytest.raises(Problem) as caught:
        decode_outcome(bad)
    assert caught.value.code == "origin-invalid"


@pytest.mark.parametrize("good", ["a" * 16, "a" * 64, "AZaz09_.-" * 2])
def test_key_has_16_to_64_url_safe_characters(good: str) -> None:
    assert is_key(good)


@pytest.mark.parametrize("bad", ["", "a" * 15, "a" * 65, "a" * 15 + " ", "a" * 16 + "\n", "ä" * 16, "٣" * 16])
def test_other_keys_are_refused(bad: str) -> None:
    assert not is_key(bad)


@pytest.mark.parametrize("good", ["a", "a" * 128, "A-1_2.3", ".hidden"])
def test_name_has_1_to_128_url_safe_characters(good: str) -> None:
    assert is_name(good)


@pytest.mark.parametrize("bad", ["", ".", "..", "...", "a" * 129, "a/b", "a b", "a\n", "ä"])
def test_other_names_are_refused(bad: str) -> None:
    assert not is_name(bad)


BASE: tuple[str, str, tuple[tuple[str, str], ...], bytes] = (
    "POST",
    "/a?b=1",
    (("content-type", "x/y"),),
    b"z",
)


@pytest.mark.parametrize(
    "other",
    [
        ("PUT", *BASE[1:]),
        ("POST", "/a?b=2", *BASE[2:]),
        ("POST", "/a", *BASE[2:]),
        (*BASE[:2], (("content-type", "x/z"),), b"z"),
        (*BASE[:2], (("content-type", "x/y"), ("if-match", '"1"')), b"z"),
        (*BASE[:2], (("content-type", "x/y"), ("if-none-match", "*")), b"z"),
        (*BASE[:3], b"zz"),
    ],
)
def test_fingerprint_tells_different_requests_apart(other: tuple[Any, ...]) -> None:
    assert fingerprint(*other) != fingerprint(*BASE)


def test_fingerprint_ignores_cookies_and_dates() -> None:
    noise = (("cookie", "a=1"), ("date", "today"), ("user-agent", "me"))
    assert fingerprint("POST", "/a?b=1", (*BASE[2], *noise), b"z") == fingerprint(*BASE)


def test_fingerprint_does_not_confuse_neighbours() -> None:
    assert fingerprint("POST", "/ab", (), b"") != fingerprint("POST", "/a", (("content-type", "b"),), b"")


def test_json_is_compact_utf_8_and_never_nan() -> None:
    assert encode_json({"b": 1, "a": "茶"}) == '{"b":1,"a":"茶"}'.encode()
    with pytest.raises(ValueError, match="JSON compliant"):
        encode_json(float("nan"))


def test_outcome_that_was_stored_before_views_had_names_can_be_read() -> None:
    document = json.loads(encode_outcome(Outcome(True, StoredResponse(200, (), b"", {"cups": 1}, base="x"))))
    del document["response"]["base"]
    assert decode_outcome(encode_json(document)).response == StoredResponse(200, (), b"", {"cups": 1})


# Depth (case H1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-be"])
@pytest.mark.parametrize(
    "text",
    [
        "[" * 600,
        '{"a":' * 600,
        ' \n[{"a[[b": [1, -2.5e+7, true, false, null, "x\\"y"], "c": ' * 300,
    ],
    ids=["arrays", "objects", "mixed"],
)
def test_deep_json_is_seen_whatever_it_is_called(text: str, encoding: str) -> None:
    assert is_deep_json(text.encode(encoding))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 500 + "]" * 500,
        "[[]," * 499 + "]",
        "{\\rtf1 " * 600,
        "if (a) {\n" * 600,
        "{ int x[" * 600,
        "-- " + "[" * 600,
        "<" + "[" * 600,
        '"' + "[" * 600,
        "[" + '"[[[" ' * 600,
        "[]" * 600,
        "",
    ],
    ids=range(11),
)
def test_what_is_no_deep_json_is_left_alone(text: str) -> None:
    assert not is_deep_json(text.encode())
