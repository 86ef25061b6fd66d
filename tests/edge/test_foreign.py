"""Writes of other sites' pages do nothing at all, with or without cookies (case T4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from edge import Stateless, context
from edge.errors import Problem
from edge.foreign import Foreign
from edge.testing import Client

CROSS = {"sec-fetch-site": "cross-site"}
SIGNS = [
    CROSS,
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": ""},
    {"origin": "https://evil.example"},
    {"origin": "https://testserver"},  # the scheme is another
    {"origin": "http://testserver:81"},
    {"origin": "null"},
    {"referer": "https://evil.example/page"},
    {"referer": "http://testserver.evil.example/"},
]
UNSAFE = ["POST", "PUT", "PATCH", "DELETE"]
ran: list[str] = []


async def add(request: Request) -> Response:
    ran.append(request.url.path)
    ctx = context(request)
    ctx.state["cups"] = ctx.state.get("cups", 0) + 1
    return PlainTextResponse(str(ctx.state["cups"]))


async def sign_in(request: Request) -> Response:
    context(request).sign_in("ann")
    return PlainTextResponse("in")


async def sign_out(request: Request) -> Response:
    context(request).sign_out()
    return PlainTextResponse("out")


async def tell(request: Request) -> Response:
    ran.append(request.url.path)
    user = context(request).user
    return PlainTextResponse("nobody" if user is None else user.id)


async def form(request: Request) -> Response:
    return PlainTextResponse(str(context(request).form_key()))


METHODS = [*UNSAFE, "GET"]
ROUTES = [
    Route("/add", add, methods=METHODS),
    Route("/in", sign_in, methods=METHODS),
    Route("/out", sign_out, methods=METHODS),
    Route("/tell", tell, methods=METHODS),
    Route("/form", form, methods=METHODS),
    *(
        Route(f"/hook{path}", at, methods=METHODS)
        for path, at in (("", tell), ("/add", add), ("/form", form))
    ),
    *(Route(f"/hook{path}", at, methods=METHODS) for path, at in (("/in", sign_in), ("/out", sign_out))),
]


@pytest.fixture
def client() -> Iterator[Client]:
    """A client that says nothing of what browsers say, unless a test does."""
    ran.clear()
    made = Client(Stateless(Starlette(routes=ROUTES), foreign=["/hook", "/hook/{what}"]))
    del made.headers["sec-fetch-site"]
    yield made
    made.close()


def is_untouched(answer: Any) -> bool:
    """Whether the answer leaves the browser as it was."""
    touching = {"set-cookie", "clear-site-data", "edgekit-view", "dpop-nonce"}
    return not touching & set(answer.headers)


@pytest.mark.parametrize("signs", SIGNS, ids=str)
@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize("path", ["/add", "/in", "/out", "/form", "/tell"])
def test_nothing_comes_of_it_without_cookies(
    client: Client, signs: dict[str, str], method: str, path: str
) -> None:
    answer = client.request(method, path, headers=signs)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert is_untouched(answer)
    assert ran == []


@pytest.mark.parametrize("who", ["/in", "/add"], ids=["signed in", "a guest"])
@pytest.mark.parametrize("path", ["/add", "/in", "/out", "/form", "/tell"])
def test_nor_with_them(client: Client, who: str, path: str) -> None:
    assert client.post(who).status_code == 200
    before = dict(client.cookies), client.get("/tell").text
    ran.clear()
    for more in ({}, {"idempotency-key": "a-key-of-a-test-0001"}, {"edgekit-client": "1"}):
        answer = client.post(path, headers={**CROSS, **more})
        assert answer.status_code == 403
        assert is_untouched(answer)
    assert ran == []
    assert (dict(client.cookies), client.get("/tell").text) == before


def test_nor_with_a_session_that_is_over(client: Client) -> None:
    """Cookies that are good for nothing any more are not even taken away."""
    client.cookies.set("edgekit-session", "gone", domain="testserver.local", path="/")
    assert is_untouched(client.post("/add", headers=CROSS))
    assert "set-cookie" in client.post("/add").headers


@pytest.mark.parametrize("path", ["/_edge/session/plain", "/_edge/session/forget", "/_edge/health", "/sw.js"])
def test_nor_at_the_kits_own_paths(client: Client, path: str) -> None:
    answer = client.post(path, headers=CROSS)
    assert (answer.status_code, is_untouched(answer)) == (403, True)


@pytest.mark.parametrize("name", ["origin", "sec-fetch-site"])
def test_two_words_are_one_too_many(call: Any, make_host: Callable[..., Any], name: str) -> None:
    app = Stateless(Starlette(routes=ROUTES))
    app.bind(make_host())
    own = {"origin": "http://testserver", "sec-fetch-site": "same-origin"}[name]
    heard = call(app, "POST", "/add", [("host", "testserver"), (name, own), (name, "https://evil.example")])
    assert (heard.status, heard.header("set-cookie")) == (403, None)


def test_a_view_is_not_for_other_sites(client: Client) -> None:
    answer = client.get("/_edge/view", headers={**CROSS, "edgekit-client": "1"})
    assert (answer.status_code, is_untouched(answer)) == (403, True)


@pytest.mark.parametrize("path", ["/form", "/add"])
@pytest.mark.parametrize("dest", ["iframe", "image", "empty"])
def test_a_read_that_nobody_asked_for_makes_nobody_a_guest(client: Client, path: str, dest: str) -> None:
    mode = "navigate" if dest == "iframe" else "no-cors"
    answer = client.get(path, headers={**CROSS, "sec-fetch-mode": mode, "sec-fetch-dest": dest})
    assert (answer.status_code, is_untouched(answer)) == (200, True)
    assert "private" in answer.headers["cache-control"]


def test_a_link_from_elsewhere_may_begin_a_visit(client: Client) -> None:
    link = {**CROSS, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert "set-cookie" in client.get("/form", headers=link).headers


def test_a_picture_signs_nobody_out(client: Client) -> None:
    client.post("/in")
    answer = client.get("/out", headers={**CROSS, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"})
    assert (answer.status_code, is_untouched(answer)) == (403, True)


@pytest.mark.parametrize(
    "headers",
    [{}, {"content-type": "application/json"}, {"user-agent": "Hook/1.0", "x-signature": "abc"}],
    ids=str,
)
def test_servers_say_nothing_of_what_browsers_say(client: Client, headers: dict[str, str]) -> None:
    assert client.post("/tell", headers=headers).text == "nobody"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"origin": "http://testserver"},
        {"referer": "http://testserver/form"},
        {"referer": "http://testserver"},
        {"sec-fetch-site": "same-origin", "origin": "null"},  # under `Referrer-Policy: no-referrer`
    ],
    ids=str,
)
def test_our_own_pages_write(client: Client, headers: dict[str, str]) -> None:
    assert client.post("/add", headers=headers).text == "1"


# Routes that ask for it


@pytest.mark.parametrize("signs", SIGNS, ids=str)
def test_who_comes_in_where_it_is_asked_for_is_nobody(client: Client, signs: dict[str, str]) -> None:
    client.post("/in")
    answer = client.post("/hook", headers=signs)
    assert (answer.status_code, answer.text, is_untouched(answer)) == (200, "nobody", True)
    assert client.post("/hook", headers={"sec-fetch-site": "same-origin"}).text == "ann"


@pytest.mark.parametrize("path", ["/hook/add", "/hook/form", "/hook/in", "/hook/out"])
@pytest.mark.parametrize("signed_in", [False, True])
def test_and_stays_nobody(client: Client, path: str, signed_in: bool) -> None:
    if signed_in:
        client.post("/in")
    answer = client.post(path, headers=CROSS)
    assert (answer.status_code, answer.json()["code"], is_untouched(answer)) == (403, "forbidden", True)
    assert client.get("/tell").text == ("ann" if signed_in else "nobody")


@pytest.mark.parametrize("path", ["/hook/", "/Hook", "//hook", "/hook%20", "/hook/a/b"])
def test_another_spelling_is_not_asked_for(client: Client, path: str) -> None:
    assert client.post(path, headers=CROSS).status_code == 403


def test_the_browsers_own_host_is_asked_by_its_own_pages(call: Any, make_host: Callable[..., Any]) -> None:
    app = Stateless(Starlette(routes=ROUTES))
    app.bind(make_host(name="browser"))
    ran.clear()
    call(app, "POST", "/tell", [("host", "testserver"), ("origin", "null")])
    assert ran == ["/tell"]


def test_patterns_are_patterns() -> None:
    with pytest.raises(ValueError, match="starts with a slash"):
        Foreign(["hook"])


def test_a_mount_is_left_out_of_the_path(make_scope: Any) -> None:
    scope = make_scope("POST", "/app/hook", [("sec-fetch-site", "cross-site")], root_path="/app")
    assert Foreign(["/hook"]).judge(scope)
    with pytest.raises(Problem):
        Foreign(["/app/hook"]).judge(scope)
