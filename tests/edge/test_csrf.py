"""Three walls against other sites that write in a user's name, each alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edge.csrf import MARK_LENGTH, SECRET_LENGTH, check_write, form_secret, is_foreign, is_uninvited, mark
from edge.errors import Problem

Scope = dict[str, Any]
MakeScope = Callable[..., Scope]
SECRET, OLDER = form_secret(b"a" * 32), form_secret(b"b" * 32)
NONCE = "n" * 26
FORM = ("content-type", "application/x-www-form-urlencoded")
KEY = ("idempotency-key", "a-key-of-a-test-0001")
HOST = ("host", "shop.example")


def passes(scope: Scope, form_key: str | None = None) -> bool:
    try:
        check_write(scope, form_key, [SECRET, OLDER])
    except Problem as problem:
        return problem.code != "forbidden"
    return True


@pytest.fixture
def post(make_scope: MakeScope) -> Callable[..., Scope]:
    return lambda *headers: make_scope("POST", "/", [HOST, *headers], scheme="https")


Post = Callable[..., Scope]

# Who asks


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ([], False),
        ([("sec-fetch-site", "same-origin")], False),
        ([("sec-fetch-site", "none")], False),
        ([("sec-fetch-site", "same-site")], True),
        ([("sec-fetch-site", "cross-site")], True),
        ([("sec-fetch-site", "")], True),
        ([("sec-fetch-site", "same-origin, cross-site")], True),
        ([("origin", "https://shop.example")], False),
        ([("origin", "https://SHOP.example")], False),
        ([("origin", "http://shop.example")], True),  # case T12: the scheme is part of an origin
        ([("origin", "https://evil.example")], True),
        ([("origin", "https://a.shop.example")], True),
        ([("origin", "https://shop.example.evil.example")], True),
        ([("origin", "https://shop.example@evil.example")], True),
        ([("origin", "https://shop.example:8443")], True),
        ([("origin", "null")], True),
        ([("origin", "")], True),
        ([("origin", "http://[")], True),
        ([("origin", "shop.example")], True),
        ([("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")], False),
        ([("sec-fetch-site", "cross-site"), ("origin", "https://shop.example")], True),
    ],
    ids=str,
)
def test_the_browser_says_who_asks(post: Post, headers: list[tuple[str, str]], foreign: bool) -> None:
    assert is_foreign(post(*headers)) is foreign


@pytest.mark.parametrize(
    ("method", "mode", "dest", "uninvited"),
    [
        ("GET", "navigate", "document", False),
        ("HEAD", "navigate", "document", False),
        ("POST", "navigate", "document", True),
        ("GET", "navigate", "iframe", True),
        ("GET", "no-cors", "image", True),
        ("GET", "cors", "empty", True),
        ("GET", None, None, True),
    ],
)
def test_only_a_link_may_come_from_another_site(
    make_scope: MakeScope, method: str, mode: str | None, dest: str | None, uninvited: bool
) -> None:
    """case T12: signing in by GET."""
    said = {"sec-fetch-mode": mode, "sec-fetch-dest": dest}
    headers = [HOST, *((name, value) for name, value in said.items() if value is not None)]
    assert is_uninvited(make_scope(method, "/", [*headers, ("sec-fetch-site", "cross-site")])) is uninvited
    for site in ("same-origin", "none"):
        assert not is_uninvited(make_scope(method, "/", [*headers, ("sec-fetch-site", site)]))


def test_page_on_another_port_is_another_origin(make_scope: MakeScope) -> None:
    headers = [("host", "localhost:8000"), ("origin", "http://localhost:8000")]
    assert not is_foreign(make_scope("POST", "/", headers))
    assert is_foreign(make_scope("POST", "/", [("host", "localhost:8001"), headers[1]]))


@pytest.mark.parametrize("site", [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")])
@pytest.mark.parametrize("more", [[], [KEY], [("content-type", "application/json")], [("dpop", "x")]])
def test_other_sites_are_refused_whatever_else_they_send(
    post: Post, site: tuple[str, str], more: list[tuple[str, str]]
) -> None:
    scope = post(site, *more)
    assert not passes(scope)
    assert not passes(scope, mark(NONCE, SECRET))


# What the browser says, where there is no key


@pytest.mark.parametrize(
    ("headers", "passed"),
    [
        ([FORM], False),
        ([("content-type", "multipart/form-data; boundary=x")], False),
        ([("content-type", "TEXT/PLAIN; charset=utf-8")], False),
        ([], False),
        ([("content-type", "application/json")], True),
        ([("content-type", "image/png")], True),
        ([FORM, KEY], True),
        ([FORM, ("dpop", "x")], True),
        ([FORM, ("edgekit-client", "1")], True),
        ([FORM, ("x-requested-with", "XMLHttpRequest")], False),
        ([FORM, ("sec-fetch-site", "same-origin")], True),
        ([FORM, ("origin", "https://shop.example")], True),
    ],
    ids=str,
)
def test_what_another_sites_form_could_send_too_needs_a_word_of_the_browser(
    post: Post, headers: list[tuple[str, str]], passed: bool
) -> None:
    assert passes(post(*headers)) is passed


# The key of a form


def test_key_of_this_session_passes_alone(post: Post) -> None:
    for secret in (SECRET, OLDER):
        assert passes(post(FORM), mark(NONCE, secret))


@pytest.mark.parametrize(
    "key",
    [
        "",
        NONCE,
        f"{NONCE}.",
        f"{NONCE}." + "A" * MARK_LENGTH,
        mark(NONCE, form_secret(b"c" * 32)),
        mark(NONCE, SECRET).replace("n", "m", 1),
        mark(NONCE, SECRET) + "x",
        mark(NONCE, SECRET)[:-1],
        mark(NONCE, SECRET).upper(),
        "clé." + mark(NONCE, SECRET).partition(".")[2],
        "\udcff",
    ],
    ids=range(11),
)
@pytest.mark.parametrize("site", [[], [("sec-fetch-site", "same-origin")]])
def test_other_keys_are_refused_also_from_our_own_pages(
    post: Post, key: str, site: list[tuple[str, str]]
) -> None:
    assert not passes(post(FORM, *site), key)


def test_refusal_says_what_to_do(post: Post) -> None:
    with pytest.raises(Problem) as caught:
        check_write(post(FORM), mark(NONCE, "other"), [SECRET])
    assert "open its page again" in caught.value.detail
    with pytest.raises(Problem) as caught:
        check_write(post(FORM), None, [SECRET])
    assert "form_key()" in caught.value.detail


def test_marks_are_as_long_as_a_commit_key_allows() -> None:
    assert len(SECRET) == SECRET_LENGTH
    assert len(mark(NONCE, SECRET)) == len(NONCE) + 1 + MARK_LENGTH <= 64
    assert mark(NONCE, SECRET) == mark(NONCE, SECRET) != mark(NONCE, OLDER)


def test_form_that_has_waited_in_an_outbox_may_be_older_than_its_session(post: Post) -> None:
    waited = ("edgekit-time", "1767225000500")
    assert passes(post(FORM, waited, ("edgekit-client", "1")), mark(NONCE, "another session's"))
    assert not passes(post(FORM, waited), mark(NONCE, "another session's")), "nothing else speaks for it"
    assert not passes(post(FORM, waited, ("edgekit-client", "1"), ("sec-fetch-site", "same-site")), None)
