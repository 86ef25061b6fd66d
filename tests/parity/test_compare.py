"""What counts as the same answer must not hide a difference."""

from __future__ import annotations

import pytest

from .compare import Answer, Tally, difference

PLAIN = Answer(200, (("content-type", "text/plain"), ("x-app", "a"), ("date", "now")), b"tea")
HEADERS = PLAIN.headers


@pytest.mark.parametrize(
    "kits",
    [
        PLAIN,
        PLAIN._replace(headers=(*HEADERS[:2], ("date", "later"), ("server", "edge"))),
        PLAIN._replace(headers=(*HEADERS, ("cache-control", "private"), ("edgekit-host", "native"))),
        PLAIN._replace(headers=HEADERS[::-1]),
    ],
    ids=["the same", "the server's own headers", "what the kit adds", "another order of headers"],
)
def test_is_the_same(kits):
    assert difference(PLAIN, kits) is None


@pytest.mark.parametrize(
    ("kits", "what"),
    [
        (PLAIN._replace(status=201), "status 201 instead of 200"),
        (PLAIN._replace(body=b"tee"), "body b'tee' instead of b'tea'"),
        (PLAIN._replace(cut=True), "a body that is cut off"),
        (PLAIN._replace(headers=(HEADERS[0],)), "x-app (none) instead of a"),
        (PLAIN._replace(headers=(*HEADERS, ("x-app", "b"))), "x-app a, b instead of a"),
        (PLAIN._replace(headers=(("content-type", "text/html"), HEADERS[1])), "content-type text/html"),
    ],
    ids=["status", "body", "cut", "header gone", "header twice", "content type"],
)
def test_is_another_answer(kits, what):
    assert (difference(PLAIN, kits) or "").startswith(what)


def test_a_cookie_of_the_app_must_be_there_whatever_cookies_the_kit_sets():
    cookie = ("set-cookie", "theme=dark")
    plain = PLAIN._replace(headers=(*HEADERS, cookie))
    kits = ("set-cookie", "edgekit-view=x")
    assert difference(plain, PLAIN._replace(headers=(*HEADERS, kits, cookie))) is None
    assert difference(plain, PLAIN._replace(headers=(*HEADERS, kits))) is not None


STOCK = Answer(500, (("content-type", "text/plain; charset=utf-8"),), b"Internal Server Error")
PROBLEM = Answer(500, (("content-type", "application/problem+json"),), b'{"code":"internal-error"}')


@pytest.mark.parametrize("plain", [STOCK, PLAIN._replace(cut=True)], ids=["stock", "broken off"])
def test_a_failure_is_told_as_a_problem(plain):
    tally = Tally()
    tally.add(("app", 0, "GET /"), plain, PROBLEM)
    tally.add(("app", 1, "GET /"), STOCK._replace(body=b"the app's own words"), PROBLEM)
    tally.add(("app", 2, "GET /"), plain, PROBLEM._replace(body=b'{"code":"host-starting"}'))
    assert (tally.failures, len(tally.different)) == (1, 2)


def test_the_kit_may_forbid_shared_caches_and_nothing_else():
    plain = PLAIN._replace(headers=(("cache-control", "no-cache"),))
    assert difference(plain, plain._replace(headers=(("cache-control", "private, no-cache"),))) is None
    assert difference(plain, plain._replace(headers=(("cache-control", "private"),))) is not None


def test_a_tally_says_how_many_are_equal():
    tally = Tally()
    for at, status in enumerate((200, 200, 500)):
        tally.add(("app", at, "GET /"), PLAIN, PLAIN._replace(status=status))
    assert str(tally) == "2 of 3 equal (66.67 %), 0 of them failures"
    assert list(tally.different) == [("app", 2, "GET /")]
