"""The one script that the kit adds to pages."""

from __future__ import annotations

import pytest

from edge.page_script import (
    FAILURE_TAG,
    TAG,
    insert,
    is_navigation,
    is_page,
    is_sealed,
    of_scripted,
    varied,
)

NAVIGATION = [(b"sec-fetch-dest", b"document"), (b"sec-fetch-mode", b"navigate")]
PASSED_ON = [(b"sec-fetch-dest", b"empty"), (b"sec-fetch-mode", b"navigate")]
IN_FIREFOX = [
    (b"sec-fetch-dest", b"empty"),
    (b"sec-fetch-mode", b"same-origin"),
    (b"upgrade-insecure-requests", b"1"),
]
HTML = [(b"content-type", b"text/html; charset=utf-8")]


@pytest.mark.parametrize("request_headers", [NAVIGATION, PASSED_ON, IN_FIREFOX])
def test_a_page_that_somebody_navigates_to_gets_it(request_headers: list[tuple[bytes, bytes]]) -> None:
    assert is_navigation(request_headers)


@pytest.mark.parametrize(
    "request_headers",
    [
        [],
        [(b"sec-fetch-dest", b"iframe"), (b"sec-fetch-mode", b"navigate")],
        [(b"sec-fetch-dest", b"empty"), (b"sec-fetch-mode", b"cors")],
        [(b"sec-fetch-dest", b"empty")],
        [(b"sec-fetch-dest", b"empty"), (b"sec-fetch-mode", b"same-origin")],
        [(b"sec-fetch-mode", b"navigate")],
    ],
    ids=str,
)
def test_what_is_no_navigation_does_not(request_headers: list[tuple[bytes, bytes]]) -> None:
    assert not is_navigation(request_headers)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([(b"content-type", b"application/json")], 200),
        ([], 200),
        ([*HTML, (b"content-encoding", b"gzip")], 200),
        (HTML, 404),
        (HTML, 500),
        (HTML, 206),
        (HTML, 304),
    ],
    ids=str,
)
def test_what_is_no_complete_plain_page_does_not(headers: list[tuple[bytes, bytes]], status: int) -> None:
    assert not is_page(headers, status)


def test_it_goes_before_the_end_of_the_last_body() -> None:
    page = b"<body><pre></body></pre></body></html>"
    assert insert(page) == b"<body><pre></body></pre>" + TAG + b"</body></html>"


def test_it_goes_to_the_end_of_a_page_without_one() -> None:
    assert insert(b"<h1>Tea</h1>") == b"<h1>Tea</h1>" + TAG


# case N16
def test_in_development_a_page_learns_what_is_broken() -> None:
    assert insert(b"<p></body>", development=True) == b"<p>" + TAG + FAILURE_TAG + b"</body>"


def test_a_complete_page_can_be_added_to_unless_the_app_has_coded_it() -> None:
    assert is_page(HTML, 200)
    assert not is_sealed(HTML, 200)
    assert is_sealed([*HTML, (b"content-encoding", b"gzip")], 200)
    assert not is_sealed([(b"content-type", b"text/css"), (b"content-encoding", b"gzip")], 200)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ([], b"sec-fetch-dest, sec-fetch-mode, upgrade-insecure-requests"),
        ([b"Cookie"], b"Cookie, sec-fetch-dest, sec-fetch-mode, upgrade-insecure-requests"),
        (
            [b"Cookie, Sec-Fetch-Dest", b"accept"],
            b"Cookie, Sec-Fetch-Dest, accept, sec-fetch-mode, upgrade-insecure-requests",
        ),
        ([b"*"], b"*"),
    ],
)
def test_caches_are_told_what_a_page_depends_on(said: list[bytes], says: bytes) -> None:
    """Case P16."""
    assert varied([*HTML, *((b"vary", value) for value in said)]) == [*HTML, (b"vary", says)]


@pytest.mark.parametrize(("tag", "weak"), [(b'"v1"', b'W/"v1"'), (b'W/"v1"', b'W/"v1"')])
def test_a_strong_tag_names_the_body_without_the_script_only(tag: bytes, weak: bytes) -> None:
    """Case P16: neither do digests and offers of ranges hold for the other one."""
    app = [*HTML, (b"etag", tag), (b"content-digest", b"sha-256=:a:"), (b"accept-ranges", b"bytes")]
    assert of_scripted(app) == [*HTML, (b"etag", weak)]
