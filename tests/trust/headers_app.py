"""Pages that try what a policy has to refuse, and note what came of it."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from edge import Stateless

HEAD = '<!doctype html><title>Headers</title><link rel="icon" href="data:,">'
INLINE = """<body data-color="none"><h1 style="color: rgb(1, 2, 3)">Inline</h1>
<script>globalThis.ranInline = true</script>
<img src="data:image/png,broken" alt="" onerror="globalThis.ranHandler = true">
<a href="javascript:globalThis.ranLink = true">link</a>"""
LOOSE = "default-src 'self'; script-src 'self' 'unsafe-inline'; img-src data:"


async def show(request: Request) -> HTMLResponse:
    return HTMLResponse(HEAD + "<h1>Start</h1>")


async def inline(request: Request) -> HTMLResponse:
    return HTMLResponse(HEAD + INLINE)


async def probe(request: Request) -> HTMLResponse:
    return HTMLResponse(HEAD + '<script type="module" src="/assets/probe.js"></script>')


async def loose(request: Request) -> HTMLResponse:
    """A page with a policy of its own."""
    return HTMLResponse(
        HEAD + "<script>globalThis.ranInline = true</script>", headers={"content-security-policy": LOOSE}
    )


app = Stateless(
    Starlette(
        routes=[
            Route("/", show),
            Route("/inline", inline),
            Route("/probe", probe),
            Route("/loose", loose),
            Route("/edge-only", show),
        ]
    ),
    anywhere=["/", "/inline", "/probe", "/loose"],
    static={"/assets": Path(__file__).parent / "headers_static"},
)
