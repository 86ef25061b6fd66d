"""A `Problem` as an HTTP answer: a document for programs, a plain page for people."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from .errors import Problem

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>{title}</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/_edge/page.css"></head>
<body><main{more}><h1>{title}</h1><p>{detail}</p><p><a href="/">Back to the start</a></p></main></body></html>
"""
# What a page can do about a problem by itself: see browser/recover.js.
RECOVERY = ("One moment", "This page is making sure that it is the device on which you signed in.")
SCRIPT = '<script type="module" src="/_edge/recover.js"></script>'


def wants_page(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the client names text/html, as browsers do when they navigate."""
    return any(name == b"accept" and b"text/html" in value for name, value in headers)


def render(
    problem: Problem, *, page: bool, method: str = "GET"
) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """(status, headers, body) of the answer to a `method` request; the same problem gives the same bytes
    on every host."""
    if page:
        media_type = "text/html; charset=utf-8"
        recovers = problem.code == "device-proof"
        title, detail = RECOVERY if recovers else (problem.kind.title, problem.detail)
        more = f' data-method="{method}"' if recovers else ""
        text = PAGE.format(title=escape(title), detail=escape(detail), more=more)
        body = (text.replace("</main>", f"</main>{SCRIPT}") if recovers else text).encode()
    else:
        media_type, body = problem.media_type, problem.encode()
    headers = [
        (b"content-type", media_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *((name.lower().encode(), value.encode("latin-1")) for name, value in problem.headers.items()),
    ]
    return problem.status, headers, body
