"""Why an app may have failed on a request: the client's mistake, or its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from edge.diagnosis import diagnose, diagnose_head
from edge.wire import encode_json

Scope = dict[str, Any]
MakeScope = Callable[..., Scope]
KEY = "0123456789abcdef"
FORM = [("content-type", "application/x-www-form-urlencoded")]
MULTIPART = [("content-type", "multipart/form-data; boundary=x")]


def multipart(**fields: str) -> bytes:
    parts = (f'--x\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items())
    return "".join([*parts, "--x--\r\n"]).encode()


def diagnosis(scope: Scope, body: bytes) -> str | None:
    problem = asyncio.run(diagnose(scope, body))
    return None if problem is None else problem.code


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
@pytest.mark.parametrize(
    "media_type", ["application/json", "Application/JSON; charset=utf-8", "application/x+json"]
)
def test_broken_json_is_the_clients_mistake(make_scope: MakeScope, media_type: str, body: bytes) -> None:
    assert diagnosis(make_scope("POST", "/", [("content-type", media_type)]), body) == "malformed-json"


def test_broken_form_is_the_clients_mistake_also_with_a_key_in_the_header(make_scope: MakeScope) -> None:
    scope = make_scope("POST", "/", [*MULTIPART, ("idempotency-key", KEY)])
    assert diagnosis(scope, b"--x\r\nno header\r\n\r\n") == "malformed-form"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([("content-type", "application/json")], b"{}"),
        (FORM, b"a=1&_key=bad"),
        (MULTIPART, multipart(a="1")),
        ([("content-type", "text/plain")], b"{"),
        ([], b"{"),
    ],
    ids=str,
)
def test_good_body_is_nobodys_mistake(
    make_scope: MakeScope, headers: list[tuple[str, str]], body: bytes
) -> None:
    assert diagnosis(make_scope("POST", "/", headers), body) is None


@pytest.mark.parametrize("kind", [FORM, MULTIPART])
@pytest.mark.parametrize("number", ["1", "nan"])
def test_long_form_is_searched_to_its_end(make_scope: MakeScope, kind: Any, number: str) -> None:
    """case P12"""
    many = {f"field{at}": "x" for at in range(3_000)} | {"essay": "x" * 1_500_000, "n": number}
    body = multipart(**many) if kind is MULTIPART else urlencode(many).encode()
    found = asyncio.run(diagnose(make_scope("POST", headers=kind), body, ValueError("nan")))
    assert (found is None) is (number == "1")
    assert found is None or found.code == "malformed-form"


def unwritable(value: object) -> ValueError:
    with pytest.raises(ValueError, match=r".") as caught:
        encode_json(value)
    return caught.value


def test_what_a_head_holds_counts_only_where_json_could_not_be_written(make_scope: MakeScope) -> None:
    """case T12: "nan" in a path is more often a name than a number."""
    heads = {
        "malformed-query": make_scope("GET", "/?n=nan&n=1"),
        "malformed-path": make_scope("GET", "/a/1e999"),
        "malformed-header": make_scope("GET", "/", [("cookie", "a=1; n=-inf")]),
    }
    for code, scope in heads.items():
        found = diagnose_head(scope, unwritable(float("nan")))
        assert found is not None
        assert found.code == code
        found = diagnose_head(scope, ValueError("something else"))
        assert (found is None) is (code != "malformed-query")
    assert diagnose_head(make_scope("GET", "/a/1"), unwritable("\ud800")) is None
