"""The part of the echo app that fails, breaks rules, or does what only an edge can."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

CODED = bytes.fromhex("1f8b08000000000002032b494d0400b2d7868e03000000")  # "tea" in gzip


async def cookies(_request: Request) -> Response:
    response = PlainTextResponse("two cookies")
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


async def cookie(request: Request) -> Response:
    cookies = request.cookies
    read = request.query_params.get("read") != "0"
    return PlainTextResponse(str(cookies.get("theme")) if read else "unread")


async def headers(request: Request) -> Response:
    return JSONResponse(sorted(request.headers.keys()) and "there are some")


async def challenge(_request: Request) -> Response:
    raise HTTPException(401, "who are you?", headers={"WWW-Authenticate": "Basic"})


async def coded(_request: Request) -> Response:
    return Response(CODED, headers={"content-encoding": "gzip"})


async def lost(request: Request) -> Response:
    """A stream whose source is not there: an `OSError` that says nothing about the client."""
    failure = FileNotFoundError if request.query_params["what"] == "file" else TimeoutError

    async def parts() -> AsyncIterator[bytes]:
        raise failure("this text stays inside")
        yield b""

    return StreamingResponse(parts())


async def wrong_length(request: Request) -> Response:
    """Ten bytes are promised."""
    return Response(b"x" * int(request.query_params["size"]), headers={"content-length": "10"})


async def large_form(request: Request) -> Response:
    async with request.form(max_fields=5_000, max_part_size=2**23) as fields:
        return JSONResponse([len(fields), sum(len(str(value)) for value in fields.values())])


async def say_so(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"error": "E-1"}, 500)


async def crash(_request: Request) -> Response:
    raise ZeroDivisionError("this text stays inside")


class Visits:
    """Looks at a cookie on every request, as middleware for sessions does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "visits" not in HTTPConnection(scope).cookies:
            scope["state"]["visits"] = 0
        await self._app(scope, receive, send)


async def answered(_request: Request) -> Response:
    return PlainTextResponse("answered")


own_words = Starlette(
    routes=[Route("/crash", crash, methods=["GET", "POST"])], exception_handlers={Exception: say_so}
)


ROUTES = [
    Route("/cookies", cookies),
    Route("/cookie", cookie),
    Route("/headers", headers),
    Route("/challenge", challenge),
    Route("/coded", coded),
    Route("/lost", lost, methods=["GET", "POST"]),
    Route("/wrong-length", wrong_length),
    Route("/large-form", large_form, methods=["POST"]),
    Route("/crash", crash, methods=["GET", "POST"]),
    Mount("/own", own_words),
    Mount("/with-session", routes=[Route("/text", answered)], middleware=[Middleware(Visits)]),
]
