"""The table of problems and the documents made from it (RFC 9457)."""

from __future__ import annotations

import json
import re

import pytest

from edge.errors import PROBLEMS, NeedsEdge, Problem


@pytest.mark.parametrize(("code", "kind"), PROBLEMS.items())
def test_every_code_is_kebab_case_and_an_error_status(code: str, kind: tuple[int, str, bool]) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
    assert 400 <= kind[0] <= 599
    assert kind[1]


def test_document_has_the_members_of_rfc_9457_and_ours() -> None:
    assert Problem("version-conflict", "again", record="tea").document() == {
        "type": "urn:problem-type:edgekit:version-conflict",
        "title": PROBLEMS["version-conflict"].title,
        "status": 409,
        "code": "version-conflict",
        "retryable": True,
        "detail": "again",
        "record": "tea",
    }


def test_document_leaves_out_an_empty_detail() -> None:
    assert "detail" not in Problem("not-found").document()


def test_encoding_is_utf_8_and_repeatable() -> None:
    problem = Problem("not-found", "緑茶")
    assert "緑茶".encode() in problem.encode()
    assert problem.encode() == Problem("not-found", "緑茶").encode()
    assert json.loads(problem.encode()) == problem.document()


def test_a_code_that_is_none_says_what_to_do() -> None:
    """Case N16."""
    with pytest.raises(LookupError, match=r"'my-own-code' is no code .* let the handler return a response"):
        Problem("my-own-code")


def test_headers_are_copied() -> None:
    headers = {"allow": "GET"}
    problem = Problem("method-not-allowed", headers=headers)
    headers["allow"] = "POST"
    assert problem.headers == {"allow": "GET"}


def test_needs_edge_is_a_retryable_503_that_says_what_was_missing() -> None:
    problem = NeedsEdge("a secret")
    assert isinstance(problem, Problem)
    assert (problem.code, problem.status, problem.kind.retryable) == ("needs-edge", 503, True)
    assert "a secret" in problem.detail
