"""A `Problem` as an HTTP answer: a document for programs, a plain page for people."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from .errors import Problem
from .page_words import for_people

# Its style is a file: the policy of security_headers.py allows no other, and it reads well without.
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>{title}</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/_edge/page.css"></head>
<body><main{more}><div class="status">{status}</div><h1>{title}</h1>{detail}
{way_out}</main>{script}</body></html>
"""
WAY_BACK = '<p><a class="button" href="/">Back to the start</a></p>'
AGAIN = '<p><a class="button" href="">Try again</a> <a href="/">Back to the start</a></p>'
# What a page can do by itself about one problem, see browser/recover.js; and what is left if it cannot.
SCRIPT = '<script type="module" src="/_edge/recover.js"></script>'
FORGET = '<form method="post" action="/_edge/session/forget"><button class="button">{}</button></form>'
GIVE_UP = FORGET.format("Sign in again")
# While the origin is away nobody may write, not even to sign out; but one must be able to leave.
LEAVE = FORGET.format("Sign out on this device")


def wants_page(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the client names text/html, as browsers do when they navigate."""
    return any(name == b"accept" and b"text/html" in value for name, value in headers)


def render(
    problem: Problem,
    *,
    page: bool,
    people: bool = False,
    method: str = "GET",
    signed_in: bool = False,
    development: bool = False,
) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """(status, headers, body) of the answer to a `method` request; the same on every host.

    A page speaks to people. A document does to programs, unless `people` will read its title and detail.
    `signed_in`: the request has cookies that only users have. In `development` either says too what the
    app's developer should know.
    """
    if page:
        media_type, body = "text/html; charset=utf-8", _page(problem, method, signed_in, development).encode()
    else:
        media_type, body = problem.media_type, _document(problem, people, development)
    headers = [
        (b"content-type", media_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"edgekit-problem", problem.code.encode()),  # a page does not tell it, and apps have problems too
        *((name.lower().encode(), value.encode("latin-1")) for name, value in problem.headers.items()),
    ]
    return problem.status, headers, body


def _page(problem: Problem, method: str, signed_in: bool, development: bool) -> str:
    title, text = for_people(problem)
    details = f"<p>{escape(text)}</p>" if text else ""
    if development:
        said = f"{problem.code}. {problem.kind.title}. {problem.detail}"
        details += f'<p class="status">For developers: {escape(said)}</p>'
    recovers = problem.code == "device-proof"
    way_on = AGAIN if problem.kind.retryable and method in ("GET", "HEAD") else WAY_BACK
    if signed_in and problem.code == "origin-unavailable":
        way_on += LEAVE
    return PAGE.format(
        status=problem.status,
        title=escape(title),
        detail=details,
        more=f' data-method="{method}"' if recovers else "",
        way_out=GIVE_UP if recovers else way_on,
        script=SCRIPT if recovers else "",
    )


def _document(problem: Problem, people: bool, development: bool) -> bytes:
    if people:
        title, text = for_people(problem)
        return problem.encode(title=title, detail=text)
    return problem.encode(**({"detail": ""} if problem.for_developers and not development else {}))
