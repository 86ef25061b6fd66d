"""A `Problem` as an HTTP answer: a document for programs, a plain page for people."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from .errors import Problem

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>{title}</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/_edge/page.css"></head>
<body><main><h1>{title}</h1><p>{detail}</p><p><a href="/">Back to the start</a></p></main></body></html>
"""


def wants_page(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the client names text/html, as browsers do when they navigate."""
    return any(name == b"accept" and b"text/html" in value for name, value in headers)


def render(problem: Problem, *, page: bool) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """(status, headers, body) of the answer; the same problem gives the same bytes on every host."""
    if page:
        media_type = "text/html; charset=utf-8"
        body = PAGE.format(title=escape(problem.kind.title), detail=escape(problem.detail)).encode()
    else:
        media_type, body = problem.media_type, problem.encode()
    headers = [
        (b"content-type", media_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *((name.lower().encode(), value.encode("latin-1")) for name, value in problem.headers.items()),
    ]
    return problem.status, headers, body
