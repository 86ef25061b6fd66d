"""Sessions that are bound to a device: what a thief of cookies can do, and what the device itself can."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.websockets import WebSocketDisconnect

from edge import Stateless, context
from edge.jose import decode_segment
from edge.proof import NONCE_LIFE
from edge.testing import Client
from edge.tokens import SESSION_LIFE

KEY = "a-key-of-a-test-0001"
SID = "s" * 22
HOST = "http://testserver"


async def show(request: Request) -> Response:
    user = context(request).user
    return PlainTextResponse("nobody" if user is None else user.id)


async def login(request: Request) -> Response:
    context(request).sign_in("ann")
    return Response()


async def logout(request: Request) -> Response:
    context(request).sign_out()
    return Response()


async def add(request: Request) -> Response:
    ctx = context(request)
    ctx.state["cups"] = ctx.state.get("cups", 0) + 1
    return PlainTextResponse(str(ctx.state["cups"]))


async def transfer(request: Request) -> Response:
    ctx = context(request)
    ctx.require_device()
    return PlainTextResponse("sent")


def app() -> Stateless:
    routes = [Route(path, show) for path in ("/", "/other", "/account/{rest:path}")]
    unsafe = {"/add": add, "/account/add": add, "/login": login, "/logout": logout, "/transfer": transfer}
    routes += [Route(path, handler, methods=["POST", "PUT"]) for path, handler in unsafe.items()]
    return Stateless(Starlette(routes=routes), bound=["/account/{rest:path}"])


@pytest.fixture
def client() -> Client:
    return Client(app())


class Browser:
    """A client whose service worker adds proofs, and tries once more when it learns of another nonce."""

    def __init__(self, client: Client, device: Any) -> None:
        self.client, self.device = client, device
        self.nonce: str | None = None
        self.tries = 0

    def prove(self, method: str, path: str, **claims: Any) -> str:
        said = {"sid": session_id(self.client), "nonce": self.nonce, **claims}
        return str(self.device.prove(method, HOST + path, **said))

    def __call__(self, method: str, path: str, body: bytes = b"", **headers: str) -> Any:
        key = headers.get("idempotency-key", "")
        for self.tries in (1, 2):
            proof = self.prove(method, path, key=key, body=body)
            sent = {"edgekit-client": "1", "dpop": proof, **headers}
            answer = self.client.request(method, path, content=body, headers=sent)
            before, self.nonce = self.nonce, answer.headers.get("dpop-nonce", self.nonce)
            if answer.status_code != 401 or before == self.nonce:
                break
        return answer


@pytest.fixture
def device(client: Client, make_device: Callable[..., Any]) -> Any:
    """A device with the client's clock."""
    return make_device(lambda: client.now)


@pytest.fixture
def browser(client: Client, device: Any) -> Browser:
    """A browser in which ann is signed in."""
    made = Browser(client, device)
    assert made("POST", "/login").status_code == 200
    assert view(client)["jkt"] == device.jkt
    return made


def view(client: Client) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(decode_segment(client.cookies["edgekit-view"].split(".")[1]))
    return claims


def session_id(client: Client) -> str | None:
    return str(view(client)["sid"]) if "edgekit-view" in client.cookies else None


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def wait(client: Client, seconds: float) -> None:
    client.now += seconds


# Signing in


def test_sign_in_with_a_proof_binds_the_session_after_one_question_for_the_nonce(
    client: Client, device: Any
) -> None:
    browser = Browser(client, device)
    assert browser("POST", "/login").status_code == 200
    assert browser.tries == 2
    assert (view(client)["sub"], view(client)["jkt"]) == ("ann", device.jkt)
    assert browser("GET", "/").text == "ann"
    assert browser.tries == 1


def test_sign_in_without_a_proof_makes_a_plain_session(client: Client) -> None:
    assert client.post("/login").status_code == 200
    assert "jkt" not in view(client)
    assert client.get("/").text == "ann"


def test_sign_in_with_a_proof_for_something_else_binds_nothing(client: Client, device: Any) -> None:
    nonce = client.get("/", headers={"edgekit-client": "1"}).headers["dpop-nonce"]
    for claims in ({"body": b"other"}, {"htm": "PUT"}, {"htq": "a=1"}):
        proof = device.prove("POST", f"{HOST}/login", nonce=nonce, **claims)
        client.cookies.clear()
        assert client.post("/login", headers={"dpop": proof}).status_code == 200
        assert "jkt" not in view(client)


# With the device


def test_device_reads_and_writes(browser: Browser) -> None:
    assert browser("GET", "/").text == "ann"
    assert browser("POST", "/add").text == "1"
    body = bytes(range(256)) * 5000  # more than one piece
    answer = browser("POST", "/add", body, **{"idempotency-key": KEY, "content-type": "image/png"})
    assert answer.text == "2"
    assert browser.tries == 1


def test_form_key_is_enough_where_the_worker_knows_no_other(browser: Browser) -> None:
    body = b"a=1"
    answer = browser("POST", "/add", body, **{"content-type": "application/x-www-form-urlencoded"})
    assert answer.text == "1"


def test_nonce_is_renewed_on_the_way(client: Client, browser: Browser) -> None:
    wait(client, NONCE_LIFE)
    assert browser("GET", "/").text == "ann"
    assert browser.tries == 1  # the last one is still good, and the answer had the next
    wait(client, 2 * NONCE_LIFE)
    assert browser("GET", "/").text == "ann"
    assert browser.tries == 2


def test_session_stays_bound_over_renewals(client: Client, browser: Browser) -> None:
    for pause in (SESSION_LIFE * 0.6, SESSION_LIFE + 60, 86_400.0):
        wait(client, pause)
        assert browser("POST", "/add").status_code == 200
        assert view(client)["jkt"] == browser.device.jkt
        assert code(client.get("/")) == (401, "device-proof")


def test_plain_session_becomes_bound_when_it_is_renewed_by_a_device(client: Client, device: Any) -> None:
    client.post("/login")
    browser = Browser(client, device)
    browser("GET", "/")
    assert "jkt" not in view(client)
    wait(client, SESSION_LIFE * 0.6)
    browser.nonce = "old"
    browser("GET", "/")  # is renewed, but nothing that old binds it
    assert "jkt" not in view(client)
    wait(client, SESSION_LIFE * 0.6)
    browser("GET", "/")
    assert view(client)["jkt"] == device.jkt
    assert code(client.get("/")) == (401, "device-proof")


def test_device_signs_out(client: Client, browser: Browser) -> None:
    assert browser("POST", "/logout").headers["edgekit-view"] == "none"
    assert dict(client.cookies) == {}


# Without it


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("held", ["everything", "the session", "the refresh token"])
def test_stolen_cookies_are_worth_nothing(client: Client, browser: Browser, method: str, held: str) -> None:
    if held == "the session":
        client.cookies.delete("edgekit-refresh")
    if held == "the refresh token":
        client.cookies.delete("edgekit-session")
    before = dict(client.cookies)
    answer = client.request(method, "/add" if method == "POST" else "/")
    assert code(answer) == (401, "device-proof")
    assert answer.headers["dpop-nonce"]
    assert answer.headers["www-authenticate"] == 'DPoP error="use_dpop_nonce"'
    assert dict(client.cookies) == before
    assert browser("GET", "/").text == "ann"  # and nobody is logged out


def test_stolen_cookies_on_another_device_are_worth_nothing(
    client: Client, browser: Browser, make_device: Callable[..., Any]
) -> None:
    thief = Browser(client, make_device(lambda: client.now))
    for pause in (0, SESSION_LIFE * 0.6, SESSION_LIFE + 60):
        wait(client, pause)
        for method, path in (("GET", "/"), ("POST", "/add"), ("POST", "/_edge/session/plain")):
            assert code(thief(method, path)) == (401, "device-proof")
        for path in ("/_edge/view", "/_edge/records/user/orders"):
            assert thief("GET", path).status_code in (401, 404)
    assert browser("GET", "/").text == "ann"


@pytest.mark.parametrize(
    "claims",
    [
        {"htm": "PUT"},
        {"htu": f"{HOST}/other"},
        {"htu": "https://testserver/add"},
        {"htq": "a=1"},
        {"ik": "a-key-of-a-test-0002"},
        {"ik": None},
        {"body": b"tee"},
        {"bd": None},
        {"sid": "t" * 22},
        {"ath": None},
        {"nonce": None},
        {"nonce": "old"},
        {"iat": 1},
        {"jti": None},
    ],
    ids=str,
)
def test_proof_of_another_request_is_worth_nothing(
    client: Client, browser: Browser, claims: dict[str, Any]
) -> None:
    headers = {"idempotency-key": KEY, "content-type": "text/plain"}
    said = {"key": KEY, "body": b"tea", **claims}
    bad = {**headers, "dpop": browser.prove("POST", "/add", **said)}
    assert code(client.post("/add", content=b"tea", headers=bad)) == (401, "device-proof")
    good = {**headers, "dpop": browser.prove("POST", "/add", key=KEY, body=b"tea")}
    assert client.post("/add", content=b"tea", headers=good).text == "1"


def test_proof_that_was_captured_is_worth_nothing(client: Client, browser: Browser) -> None:
    headers = {"dpop": browser.prove("GET", "/")}
    assert client.get("/", headers=headers).text == "ann"
    assert code(client.get("/", headers=headers)) == (401, "device-proof")


def test_person_gets_a_page_that_helps_itself(client: Client, browser: Browser) -> None:
    answer = client.get("/", headers={"accept": "text/html"})
    assert answer.status_code == 401
    assert answer.headers["dpop-nonce"]
    assert "/_edge/recover.js" in answer.text


# Where the service worker is gone


def test_device_gets_a_plain_session_for_its_short_life(client: Client, browser: Browser) -> None:
    browser("POST", "/add")
    answer = browser("POST", "/_edge/session/plain")
    assert (answer.status_code, answer.headers["cache-control"]) == (204, "no-store")
    assert client.get("/").text == "ann"
    assert client.post("/add").text == "2"
    assert "jkt" not in view(client)
    wait(client, SESSION_LIFE - 1)
    assert client.get("/").text == "ann"
    wait(client, 60)
    assert code(client.get("/")) == (401, "device-proof")
    assert browser("GET", "/").text == "ann"
    assert view(client)["jkt"] == browser.device.jkt


def test_plain_session_is_for_devices_that_prove_themselves(client: Client, browser: Browser) -> None:
    assert code(client.post("/_edge/session/plain")) == (401, "device-proof")
    bad = {"dpop": browser.prove("POST", "/_edge/session/plain", body=b"other")}
    assert code(client.post("/_edge/session/plain", headers=bad)) == (401, "device-proof")
    assert code(browser("POST", "/_edge/session/plain", b"a body")) == (413, "body-too-large")
    assert code(browser("GET", "/_edge/session/plain")) == (404, "not-found")
    assert code(browser("PUT", "/_edge/session/plain")) == (405, "method-not-allowed")


def test_who_has_no_bound_session_gets_no_plain_one(client: Client, device: Any) -> None:
    browser = Browser(client, device)
    for method, path in (("GET", "/"), ("POST", "/add"), ("POST", "/logout")):  # nobody, a guest, nobody
        browser(method, path)
        assert code(browser("POST", "/_edge/session/plain")) == (401, "device-proof")
    client.cookies.clear()
    client.post("/login")
    assert code(browser("POST", "/_edge/session/plain")) == (401, "device-proof")


def test_browser_that_lost_its_key_can_start_again(client: Client, browser: Browser) -> None:
    answer = client.post("/_edge/session/forget", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert answer.headers["edgekit-view"] == "none"
    assert answer.headers["cache-control"] == "no-store"
    assert dict(client.cookies) == {}
    assert client.get("/").text == "nobody"


def test_page_of_another_site_makes_nobody_forget(client: Client, browser: Browser) -> None:
    before = dict(client.cookies)
    answer = client.post("/_edge/session/forget", headers={"sec-fetch-site": "cross-site"})
    assert code(answer) == (403, "forbidden")
    assert code(client.get("/_edge/session/forget")) == (404, "not-found")
    assert dict(client.cookies) == before


# Routes for bound sessions


@pytest.mark.parametrize(("method", "path"), [("GET", "/account/orders"), ("POST", "/account/add")])
def test_bound_route_is_for_bound_sessions(client: Client, device: Any, method: str, path: str) -> None:
    browser = Browser(client, device)
    assert code(browser(method, path)) == (403, "device-required")  # nobody
    browser("POST", "/add")
    assert code(browser(method, path)) == (403, "device-required")  # a guest
    client.post("/login")
    assert code(browser(method, path)) == (403, "device-required")  # a plain session
    assert "sign in" in client.request(method, path).json()["detail"]
    browser("POST", "/login")
    assert browser(method, path).status_code == 200
    assert code(client.request(method, path)) == (401, "device-proof")
    browser("POST", "/_edge/session/plain")
    assert code(client.request(method, path)) == (403, "device-required")


def test_handler_can_insist_on_the_device(client: Client, device: Any) -> None:
    """case T2: a list of paths fails open, a call in the handler does not."""
    browser = Browser(client, device)
    assert code(browser("POST", "/transfer")) == (403, "device-required")  # nobody
    browser("POST", "/add")
    assert code(browser("POST", "/transfer")) == (403, "device-required")  # a guest
    client.post("/login")
    assert code(browser("POST", "/transfer")) == (403, "device-required")  # a plain session
    browser("POST", "/login")
    assert browser("POST", "/transfer").text == "sent"
    browser("POST", "/_edge/session/plain")
    assert code(client.post("/transfer")) == (403, "device-required")


@pytest.mark.parametrize(
    "spelling", ["/account/orders", "/ACCOUNT/orders", "//account//orders/", "/%61ccount/x"]
)
def test_bound_route_cannot_be_missed_by_a_spelling(client: Client, spelling: str) -> None:
    """case T2"""
    client.post("/login")
    for method in ("GET", "HEAD", "POST", "OPTIONS"):
        assert client.request(method, f"http://testserver{spelling}").status_code == 403
    for ending in ("%0A", "%00", "/../account/x"):
        raw = f"http://testserver/account/x{ending}"
        assert client.get(raw).status_code in (400, 403)


def test_session_that_a_thief_has_bound_opens_no_bound_route(client: Client, make_device: Any) -> None:
    """case T3: all that he has is the refresh cookie of a session without a key."""
    client.post("/login")
    cookies, sid = dict(client.cookies), session_id(client)
    client.cookies.clear()
    client.cookies.set("edgekit-refresh", cookies["edgekit-refresh"])
    thief = Browser(client, make_device(lambda: client.now))
    thief.nonce = client.get("/", headers={"edgekit-client": "1"}).headers["dpop-nonce"]
    client.cookies.clear()
    client.cookies.set("edgekit-refresh", cookies["edgekit-refresh"])
    proof = thief.device.prove("GET", f"{HOST}/", sid=sid, nonce=thief.nonce)
    assert client.get("/", headers={"dpop": proof, "edgekit-client": "1"}).text == "ann"
    assert thief("GET", "/").text == "ann"
    for method, path in (("GET", "/account/orders"), ("POST", "/account/add"), ("POST", "/transfer")):
        assert code(thief(method, path)) == (403, "device-required")


def test_user_without_a_key_ends_a_session_that_a_thief_has_bound(client: Client, make_device: Any) -> None:
    """case T3"""
    client.post("/login")
    mine, sid = dict(client.cookies), session_id(client)
    thief = Browser(client, make_device(lambda: client.now))
    thief("GET", "/")
    wait(client, SESSION_LIFE * 0.6)
    proof = thief.device.prove("GET", f"{HOST}/", sid=sid, nonce=thief.nonce)
    client.get("/", headers={"dpop": proof, "edgekit-client": "1"})
    assert view(client)["late"] is True
    his = dict(client.cookies)
    wait(client, SESSION_LIFE)
    client.cookies.clear()
    client.cookies.update(mine)
    assert client.get("/").text == "nobody"
    client.cookies.update(his)
    assert code(thief("POST", "/add")) == (401, "session-ended")


def test_who_has_lost_the_key_of_a_plain_session_ends_it_by_forgetting(client: Client) -> None:
    """case T3: also at the origin, since this browser could as well have signed out."""
    client.post("/login")
    copy = dict(client.cookies)
    client.post("/_edge/session/forget", follow_redirects=False)
    assert dict(client.cookies) == {}
    client.cookies.update(copy)
    wait(client, 30)
    assert code(client.post("/add")) == (401, "session-ended")


def test_who_cannot_prove_anything_forgets_only_here(client: Client, browser: Browser) -> None:
    copy = dict(client.cookies)
    client.post("/_edge/session/forget", follow_redirects=False)
    client.cookies.update(copy)
    wait(client, 30)
    assert browser("GET", "/").text == "ann"
    browser("POST", "/_edge/session/forget")  # with a proof it is a sign-out
    client.cookies.update(copy)
    wait(client, 30)
    assert code(browser("POST", "/add")) == (401, "session-ended")


def test_forgetting_needs_no_origin(client: Client) -> None:
    client.post("/login")
    client.origin.available = False
    wait(client, 120)
    answer = client.post("/_edge/session/forget", follow_redirects=False)
    assert (answer.status_code, dict(client.cookies)) == (303, {})


@pytest.mark.parametrize("path", ["/account/feed", "/account", "//ACCOUNT/feed"])
def test_websocket_of_a_bound_route_is_refused(client: Client, path: str) -> None:
    """case T2: no browser can prove anything when it opens one."""
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(path):
        pass


def test_other_routes_are_everybodys(client: Client) -> None:
    assert client.get("/other").text == "nobody"
