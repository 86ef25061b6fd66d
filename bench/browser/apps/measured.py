"""What latency is measured with: answers of known sizes, and one endpoint in several wrappings."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from edge import Stateless

ITEMS = [
    {"sku": f"tea-{number:03}", "name": "Gyokuro from Uji", "cents": 1250 + number} for number in range(32)
]
ROWS = 200


async def data(_request: Request) -> Response:
    """About 2 kB of JSON."""
    return JSONResponse(ITEMS)


async def page(_request: Request) -> Response:
    """About 20 kB of HTML, made anew for each request."""
    rows = "".join(
        f'<tr><td>{number}</td><td><a href="/tea/{number}">Gyokuro from Uji, first harvest</a></td>'
        f"<td>{number / 7:.2f} EUR</td></tr>"
        for number in range(ROWS)
    )
    return HTMLResponse(f"<!doctype html><title>Teas</title><body><table>{rows}</table></body>")


async def plain(_request: Request) -> Response:
    return PlainTextResponse("tea")


def in_a_thread(_request: Request) -> Response:
    return PlainTextResponse("tea")


async def mark(request: Request, call_next: RequestResponseEndpoint) -> Response:
    response = await call_next(request)
    response.headers["x-marked"] = "yes"
    return response


class Mark:
    """The same as pure ASGI."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"x-marked", b"yes")]}
            await send(message)

        await self.app(scope, receive, marked)


PATHS = ("/", "/json", "/html", "/plain", "/pure", "/base", "/sync")
app = Stateless(
    Starlette(
        routes=[
            Route("/", page),
            Route("/json", data),
            Route("/html", page),
            Route("/plain", plain),
            Route("/pure", plain, middleware=[Middleware(Mark)]),
            Route("/base", plain, middleware=[Middleware(BaseHTTPMiddleware, dispatch=mark)]),
            Route("/sync", in_a_thread),
        ]
    ),
    anywhere=PATHS,
)
