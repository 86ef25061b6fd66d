"""Problems as HTTP answers, for programs and for people."""

from __future__ import annotations

import json

import pytest

from edge.errors import Problem
from edge.page_words import WORDS
from edge.problem_response import render, wants_page


def test_programs_get_the_document() -> None:
    problem = Problem("version-conflict", "again")
    status, headers, body = render(problem, page=False)
    assert status == 409
    assert json.loads(body) == problem.document()
    assert dict(headers) == {
        b"content-type": b"application/problem+json",
        b"content-length": str(len(body)).encode(),
        b"cache-control": b"no-store",
        b"edgekit-problem": b"version-conflict",
    }


def test_people_get_a_page_with_a_way_back() -> None:
    status, headers, body = render(Problem("not-found", "no such tea"), page=True)
    assert status == 404
    assert dict(headers)[b"content-type"] == b"text/html; charset=utf-8"
    assert dict(headers)[b"content-length"] == str(len(body)).encode()
    assert b"There is nothing here" in body
    assert b"no such tea" in body
    assert b'href="/"' in body


def test_a_page_says_how_much_is_too_much() -> None:  # case N3
    _, _, body = render(Problem("body-too-large", "at most 3000000 bytes", limit=3_000_000), page=True)
    assert b"The most is 3 MB." in body
    assert b"bytes" not in body


@pytest.mark.parametrize(("method", "again"), [("GET", True), ("HEAD", True), ("POST", False)])
def test_what_may_succeed_later_can_be_tried_again_on_the_page(method: str, again: bool) -> None:
    _, _, body = render(Problem("overloaded"), page=True, method=method)
    assert (b"Try again</a>" in body) is again


def test_a_document_that_people_will_read_is_in_their_words() -> None:  # case N11
    problem = Problem("record-too-large", "notes/1 is over 65536 bytes of JSON", for_developers=True)
    _, _, body = render(problem, page=False, people=True)
    assert json.loads(body) | {"detail": ""} == problem.document() | {
        "title": WORDS["record-too-large"].title,
        "detail": "",
    }
    assert json.loads(body)["detail"] == WORDS["record-too-large"].says


def test_page_escapes_what_it_shows() -> None:
    _, _, body = render(Problem("not-found", "<script>{0}&"), page=True)
    assert b"&lt;script&gt;{0}&amp;" in body
    assert b"<script>" not in body


def test_a_user_can_leave_while_the_origin_is_away() -> None:
    """case T12"""
    pages = [
        render(Problem(code), page=True, signed_in=signed_in)[2]
        for code in ("origin-unavailable", "not-found")
        for signed_in in (True, False)
    ]
    assert [b'action="/_edge/session/forget"' in page for page in pages] == [True, False, False, False]
    assert all(b'href="/"' in page for page in pages)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_page_that_lacks_a_proof_makes_one_itself_or_gives_up_the_session(method: str) -> None:
    status, _, body = render(Problem("device-proof", "not shown"), page=True, method=method)
    assert status == 401
    assert f'<main data-method="{method}">'.encode() in body
    assert b'src="/_edge/recover.js"' in body
    assert b'action="/_edge/session/forget"' in body
    assert b"not shown" not in body


def test_headers_of_the_problem_are_sent_in_lower_case() -> None:
    _, headers, _ = render(Problem("overloaded", headers={"Retry-After": "1"}), page=False)
    assert (b"retry-after", b"1") in headers


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", True),
        ("application/json", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_who_names_html_gets_a_page(accept: str, page: bool) -> None:
    assert wants_page([(b"accept", accept.encode())]) is page


def test_who_names_nothing_gets_the_document() -> None:
    assert not wants_page([])
