"""What edge and origin say about sessions is read as it was written, and anything else is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from edge.errors import Problem
from edge.session_wire import (
    CLAIMS_LIMIT,
    Renewed,
    decode_begun,
    decode_end,
    decode_refresh,
    decode_renewed,
    decode_session,
    encode_begun,
    encode_end,
    encode_refresh,
    encode_renewed,
    encode_session,
    is_sid,
    join_refresh,
    split_refresh,
)

SID, SECRET, JKT = "S" * 22, "s" * 43, "k" * 43
RENEWED = Renewed(SID, "ann", {"role": "admin"}, 3, None, 1_767_225_600, join_refresh(SID, SECRET), False)


def test_each_is_read_as_it_was_written() -> None:
    for jkt in (JKT, None):
        assert decode_session(encode_session({"name": "Änn"}, jkt)) == ({"name": "Änn"}, jkt)
        assert decode_refresh(encode_refresh("a.b", jkt)) == ("a.b", jkt)
        assert decode_renewed(encode_renewed(RENEWED._replace(jkt=jkt))) == RENEWED._replace(jkt=jkt)
    for everywhere in (True, False):
        assert decode_end(encode_end(everywhere)) is everywhere
    assert decode_begun(encode_begun(2, "a.b")) == (2, "a.b")
    largest = {"x": "y" * (CLAIMS_LIMIT - len('{"x":""}'))}
    assert decode_session(encode_session(largest, None)) == (largest, None)
    assert split_refresh(join_refresh(SID, SECRET)) == (SID, SECRET)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        SID,
        f"{SID}.",
        f"{SID}.{SECRET}.",
        f"{SID}.{SECRET}x",
        f".{SECRET}",
        f"{SID[1:]}.{SECRET}",
        "ü",
    ],
)
def test_what_never_was_a_token_renews_nothing(token: str) -> None:
    with pytest.raises(Problem, match="session-ended"):
        split_refresh(token)


def test_what_can_name_a_session() -> None:
    assert is_sid("AZaz09_-AZaz09_-AZaz09")
    assert not any(map(is_sid, ("", SID[1:], f"{SID}S", f"{SID[1:]}.", f"{SID[1:]}\n", f"{SID[1:]}ü")))


@pytest.mark.parametrize(
    ("decode", "good", "member", "wrong"),
    [
        (decode_session, encode_session({}, None), "claims", [None, [], "x", {"x": "y" * CLAIMS_LIMIT}]),
        (decode_session, encode_session({}, None), "jkt", [1, "", JKT[1:], f"{JKT}k", f"{JKT[1:]}="]),
        (decode_refresh, encode_refresh("a", None), "refresh", [None, 1, ["a"]]),
        (decode_refresh, encode_refresh("a", None), "jkt", [False, {}]),
        (decode_end, encode_end(True), "all", [None, 1, "true"]),
    ],
)
def test_requests_of_another_form_are_refused(
    decode: Any, good: bytes, member: str, wrong: list[object]
) -> None:
    for body in [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000]:
        with pytest.raises(Problem, match="malformed-json"):
            decode(body)
    for value in wrong:
        with pytest.raises(Problem, match="malformed-json"):
            decode(json.dumps(json.loads(good) | {member: value}).encode())


@pytest.mark.parametrize(
    ("decode", "good"), [(decode_begun, encode_begun(1, "a.b")), (decode_renewed, encode_renewed(RENEWED))]
)
def test_answers_of_another_form_are_refused(decode: Any, good: bytes) -> None:
    for body in [b"", b"{", b"[]", b"null", b"{}"]:
        with pytest.raises(Problem, match="origin-invalid"):
            decode(body)
    document = json.loads(good)
    for name in document:
        with pytest.raises(Problem, match="origin-invalid"):
            decode(json.dumps(document | {name: ["of another type"]}).encode())
        with pytest.raises(Problem, match="origin-invalid"):
            decode(json.dumps({key: value for key, value in document.items() if key != name}).encode())
