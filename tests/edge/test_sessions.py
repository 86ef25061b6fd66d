"""Visitors over many requests: guests, signing in, renewal, signing out."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from edge import Stateless, context
from edge.cookie_visitors import GUEST_RENEWAL
from edge.jose import decode_segment
from edge.testing import Client
from edge.tokens import GUEST_LIFE, REFRESH_LIFE, SEALED_LIFE, SESSION_LIFE
from edge.wire import RecordKey

KEY = "a-key-of-a-test-0001"
SESSION, REFRESH, VIEW, SEALED = "edgekit-session", "edgekit-refresh", "edgekit-view", "edgekit-sealed"
LIST_AGE = 30  # seconds after which every edge knows that a session has ended


async def show(request: Request) -> Response:
    ctx = context(request)
    user = ctx.user and {"id": ctx.user.id, "guest": ctx.user.is_guest, "claims": ctx.user.claims}
    return JSONResponse({"user": user, "state": dict(ctx.state), "sealed": dict(ctx.sealed)})


async def form(request: Request) -> Response:
    return HTMLResponse(f"<form>{context(request).form_key()}</form>")


async def public(request: Request) -> Response:
    return PlainTextResponse("the same for all", headers={"cache-control": "public, max-age=60"})


async def add(request: Request) -> Response:
    ctx = context(request)
    ctx.state["cups"] = ctx.state.get("cups", 0) + 1
    return PlainTextResponse("added")


async def seal(request: Request) -> Response:
    ctx = context(request)
    ctx.sealed["code"] = ctx.sealed.get("code", "open sesame") + "!"
    if request.query_params.get("store"):
        ctx.records.put("codes", "one", {})
    return PlainTextResponse("sealed")


async def login(request: Request) -> Response:
    ctx = context(request)
    ctx.sign_in(request.query_params.get("user", "ann"), name="Ann")
    return Response(status_code=int(request.query_params.get("status", "200")))


async def link_login(request: Request) -> Response:
    context(request).sign_in("mallory")
    return Response()


async def late_login(request: Request) -> Response:
    ctx = context(request)
    await ctx.records.get("orders", "one")
    ctx.sign_in("ann")
    return Response()


async def logout(request: Request) -> Response:
    context(request).sign_out(everywhere="everywhere" in request.query_params)
    return RedirectResponse("/", 303)


async def order(request: Request) -> Response:
    ctx = context(request)
    ctx.records.put("orders", ctx.new_id(), {})
    return PlainTextResponse("ordered")


async def orders(request: Request) -> Response:
    page = await context(request).records.list("orders")
    return JSONResponse(len(page.items))


def app() -> Stateless:
    safe = {"/": show, "/form": form, "/public": public, "/orders": orders, "/link": link_login}
    unsafe = {
        "/add": add,
        "/seal": seal,
        "/login": login,
        "/late": late_login,
        "/logout": logout,
        "/order": order,
    }
    routes = [Route(path, handler) for path, handler in safe.items()]
    routes += [Route(path, handler, methods=["POST"]) for path, handler in unsafe.items()]
    return Stateless(Starlette(routes=routes), shared=["stock"], readable=["orders"])


@pytest.fixture
def client() -> Client:
    return Client(app(), follow_redirects=False)


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def who(client: Client) -> Any:
    """The id of whom a page is for, None for nobody."""
    user = client.get("/").json()["user"]
    return user and user["id"]


def view(client: Client) -> dict[str, Any]:
    """What a browser reads in its view."""
    claims: dict[str, Any] = json.loads(decode_segment(client.cookies[VIEW].split(".")[1]))
    return claims


def put_back(client: Client, cookies: dict[str, str]) -> None:
    """As if the last answer had never come."""
    client.cookies.clear()
    for name, value in cookies.items():
        hold(client, name, value)


def hold(client: Client, name: str, value: str) -> None:
    """As if an answer had set this cookie; the next one may replace it."""
    client.cookies.set(name, value, domain="testserver.local", path="/")


def wait(client: Client, seconds: float) -> None:
    """Let time go by, also for the browser, which drops cookies that are over."""
    client.now += seconds


def test_link_of_another_site_signs_in_and_its_picture_does_not(client: Client) -> None:
    """case T12: signing in by GET. Links in mails have to work; whether one was meant the app finds out."""
    foreign = {"sec-fetch-site": "cross-site"}
    for mode, dest in (("no-cors", "image"), ("navigate", "iframe"), ("cors", "empty")):
        answer = client.get("/link", headers={**foreign, "sec-fetch-mode": mode, "sec-fetch-dest": dest})
        assert code(answer) == (403, "forbidden")
        assert dict(client.cookies) == {}
    client.get("/link", headers={**foreign, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"})
    assert who(client) == "mallory"


# Guests


def test_reading_makes_nobody(client: Client) -> None:
    answer = client.get("/")
    assert answer.json() == {"user": None, "state": {}, "sealed": {}}
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/form"), ("POST", "/add"), ("POST", "/seal"), ("POST", "/order")]
)
def test_guest_is_made_when_one_is_needed_and_stays_the_same(client: Client, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert {SESSION, VIEW} <= set(client.cookies) <= {SESSION, VIEW, SEALED}
    guest = client.get("/").json()["user"]
    assert (guest["guest"], guest["claims"]) == (True, {})
    assert guest["id"] == view(client)["sub"]
    assert view(client)["guest"]
    assert client.request(method, path).status_code == answer.status_code
    assert who(client) == guest["id"]


def test_guest_is_sealed_anew_once_a_day_and_stays_as_long_as_they_come(client: Client) -> None:
    client.post("/add")
    guest, token = who(client), client.cookies[SESSION]
    wait(client, GUEST_RENEWAL)
    assert "set-cookie" not in client.get("/").headers
    for _ in range(3):
        wait(client, GUEST_LIFE / 2)
        assert who(client) == guest
        assert client.cookies[SESSION] != token
        token = client.cookies[SESSION]
    assert client.get("/").json()["state"] == {"cups": 1}
    assert client.origin.sessions.epochs == client.origin.records == {}
    wait(client, GUEST_LIFE + 60)
    assert who(client) is None


def test_guest_needs_no_origin(client: Client) -> None:
    client.origin.available = False
    client.post("/add")
    for _ in range(3):
        wait(client, GUEST_RENEWAL + 1)
        assert client.post("/add").status_code == 200
    assert client.get("/").json()["state"] == {"cups": 4}


def test_without_the_session_the_view_is_nobodys(client: Client) -> None:
    client.post("/add")
    guest = who(client)
    client.cookies.delete(SESSION)
    assert client.get("/").json() == {"user": None, "state": {}, "sealed": {}}
    client.post("/add")
    assert who(client) not in (guest, None)
    assert client.get("/").json()["state"] == {"cups": 1}


def test_without_the_view_the_session_goes_on_with_an_empty_state(client: Client) -> None:
    client.post("/add")
    guest, secret = who(client), view(client)["frm"]
    client.cookies.delete(VIEW)
    assert client.get("/").json()["state"] == {}
    assert who(client) == guest
    assert view(client)["frm"] == secret  # forms that are open still count


# Signing in


def test_who_signs_in_takes_along_what_they_had(client: Client) -> None:
    client.post("/add")
    client.post("/seal")
    before = view(client)
    assert client.post("/login").status_code == 200
    assert set(client.cookies) == {SESSION, REFRESH, VIEW, SEALED}
    assert client.get("/").json() == {
        "user": {"id": "ann", "guest": False, "claims": {"name": "Ann"}},
        "state": {"cups": 1},
        "sealed": {"code": "open sesame!"},
    }
    after = view(client)
    assert after["sid"] != before["sid"]
    assert (after["sub"], after["guest"], after["usr"], after["state"]) == (
        "ann",
        False,
        {"name": "Ann"},
        {"cups": 1},
    )


def test_session_that_somebody_planted_is_worth_nothing(client: Client) -> None:
    client.post("/add")
    planted = dict(client.cookies)
    client.post("/login")
    put_back(client, planted)
    assert who(client) not in ("ann", None)


def test_user_who_signs_in_again_gets_another_session(client: Client) -> None:
    client.post("/login")
    sid = view(client)["sid"]
    client.post("/login")
    assert view(client)["sid"] != sid
    assert who(client) == "ann"


def test_next_user_of_a_browser_finds_nothing_of_the_last_one(client: Client) -> None:
    client.post("/login")
    client.post("/add")
    client.post("/seal")
    client.post("/login?user=bob")
    assert client.get("/").json() == {
        "user": {"id": "bob", "guest": False, "claims": {"name": "Ann"}},
        "state": {},
        "sealed": {},
    }
    assert view(client)["state"] == {}


def test_records_are_the_users_from_then_on(client: Client) -> None:
    client.post("/order")
    client.post("/login")
    assert client.get("/orders").json() == 0
    client.post("/order")
    assert client.get("/orders").json() == 1
    client.cookies.clear()
    client.post("/login")
    assert client.get("/orders").json() == 1


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
def test_answer_that_failed_signs_nobody_in(client: Client, status: int) -> None:
    assert client.post(f"/login?status={status}").status_code == status
    assert dict(client.cookies) == {}
    client.post("/add")
    guest = who(client)
    client.post(f"/login?status={status}")
    assert who(client) == guest


def test_while_the_origin_is_away_nobody_is_signed_in(client: Client) -> None:
    client.post("/add")
    before = dict(client.cookies)
    client.origin.available = False
    assert code(client.post("/login")) == (503, "origin-unavailable")
    assert dict(client.cookies) == before


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}],
)
def test_page_of_another_site_signs_nobody_in(client: Client, known: bool, headers: dict[str, str]) -> None:
    if known:
        client.post("/add")
    before = dict(client.cookies)
    assert code(client.post("/login", headers=headers)) == (403, "forbidden")
    assert dict(client.cookies) == before


def test_browser_that_sends_an_origin_only_is_understood_too(client: Client) -> None:
    del client.headers["sec-fetch-site"]
    assert code(client.post("/login", headers={"origin": "https://evil.example"})) == (403, "forbidden")
    assert client.post("/login", headers={"origin": "http://testserver"}).status_code == 200


@pytest.mark.parametrize("name", ["", "guest:one", "x" * 129, "a%0Ab"])
def test_id_that_no_user_can_have_is_the_apps_mistake(client: Client, name: str) -> None:
    assert code(client.post(f"/login?user={name}")) == (500, "internal-error")
    assert dict(client.cookies) == {}


def test_signing_in_after_own_records_were_touched_is_the_apps_mistake(client: Client) -> None:
    assert code(client.post("/late")) == (500, "internal-error")
    assert dict(client.cookies) == {}


def test_form_from_before_signing_in_is_refused_and_says_what_to_do(client: Client) -> None:
    found = re.search(r'value="([^"]+)"', client.get("/form").text)
    assert found is not None
    client.post("/login")
    answer = client.post("/add", data={"_key": found[1]})
    assert code(answer) == (403, "forbidden")
    assert "open its page again" in answer.json()["detail"]


# Renewal


def test_user_stays_signed_in_while_they_come(client: Client) -> None:
    client.post("/login")
    client.post("/add")
    sid, tokens = view(client)["sid"], [client.cookies[REFRESH]]
    for _ in range(5):
        wait(client, SESSION_LIFE * 0.6)
        assert client.get("/").json()["user"] == {"id": "ann", "guest": False, "claims": {"name": "Ann"}}
        tokens.append(client.cookies[REFRESH])
        assert "set-cookie" not in client.get("/").headers
    assert len(set(tokens)) == 6
    assert view(client)["sid"] == sid
    assert client.get("/").json()["state"] == {"cups": 1}


@pytest.mark.parametrize("dropped", [False, True])
def test_user_who_comes_back_after_days_is_still_signed_in(client: Client, dropped: bool) -> None:
    client.post("/login")
    for method, path in (("GET", "/"), ("POST", "/add"), ("POST", "/order")):
        wait(client, REFRESH_LIFE - 60)
        if dropped:  # by the browser, when its time was over
            client.cookies.delete(SESSION)
        assert client.request(method, path).status_code == 200
        assert who(client) == "ann"
    wait(client, REFRESH_LIFE + 60)
    assert who(client) is None
    assert dict(client.cookies) == {}


def test_lost_answer_logs_nobody_out(client: Client) -> None:
    client.post("/login")
    for _ in range(3):
        wait(client, SESSION_LIFE + 60)
        before = dict(client.cookies)
        client.get("/")
        put_back(client, before)
        assert who(client) == "ann"


def test_token_that_somebody_else_has_used_ends_the_session_for_both(client: Client) -> None:
    client.post("/login")
    stolen = dict(client.cookies)
    for _ in range(2):
        wait(client, SESSION_LIFE + 60)
        assert who(client) == "ann"
    mine = dict(client.cookies)
    put_back(client, stolen)
    assert who(client) is None
    put_back(client, mine)
    wait(client, LIST_AGE)
    assert code(client.get("/")) == (401, "session-ended")
    assert who(client) is None


def test_while_the_origin_is_away_a_good_session_goes_on(client: Client) -> None:
    client.post("/login")
    client.get("/")
    client.origin.available = False
    wait(client, SESSION_LIFE * 0.6)
    before = dict(client.cookies)
    assert who(client) == "ann"
    assert dict(client.cookies) == before
    assert code(client.post("/add")) == (503, "origin-unavailable")  # who could be somebody else by now
    client.origin.available = True
    wait(client, 5)
    assert client.post("/add").status_code == 200


def test_while_the_origin_is_away_an_expired_session_reads_as_nobody_and_comes_back(client: Client) -> None:
    client.post("/login")
    client.post("/add")
    client.post("/order")
    client.origin.available = False
    wait(client, SESSION_LIFE + 60)
    before = dict(client.cookies)
    answer = client.get("/")
    assert answer.json() == {"user": None, "state": {}, "sealed": {}}
    assert "edgekit-view" not in answer.headers
    for method, path in (("GET", "/form"), ("GET", "/orders"), ("POST", "/add"), ("POST", "/logout")):
        assert code(client.request(method, path)) == (503, "origin-unavailable")
    for path in ("/_edge/view", "/_edge/records/user/orders"):
        answer = client.get(path, headers={"edgekit-client": "1"})
        assert code(answer) == (503, "origin-unavailable")
    assert dict(client.cookies) == before
    client.origin.available = True
    assert client.get("/").json()["state"] == {"cups": 1}
    assert client.get("/orders").json() == 1


# Signing out


@pytest.mark.parametrize("idle", [0, SESSION_LIFE * 0.6, SESSION_LIFE + 60])
@pytest.mark.parametrize("path", ["/logout", "/logout?everywhere"])
def test_who_signs_out_leaves_nothing(client: Client, idle: float, path: str) -> None:
    client.post("/login")
    client.post("/add")
    client.post("/seal")
    wait(client, idle)
    if idle > SESSION_LIFE:
        client.cookies.delete(SESSION)
    answer = client.post(path)
    assert (answer.status_code, answer.headers["edgekit-view"]) == (303, "none")
    assert answer.headers["clear-site-data"] == '"cache"'
    assert dict(client.cookies) == {}
    assert client.get("/").json() == {"user": None, "state": {}, "sealed": {}}


@pytest.mark.parametrize("path", ["/logout", "/logout?everywhere"])
def test_what_was_stolen_ends_with_the_session(client: Client, path: str) -> None:
    client.post("/login")
    stolen = dict(client.cookies)
    client.post(path)
    put_back(client, stolen)
    answer = client.post("/order")
    assert code(answer) == (401, "session-ended")  # the origin knows at once
    assert answer.headers["edgekit-view"] == "none"
    assert dict(client.cookies) == client.origin.outcomes == {}
    wait(client, LIST_AGE)  # and every edge soon
    for method in ("GET", "POST"):
        put_back(client, stolen)
        answer = client.request(method, "/" if method == "GET" else "/add")
        assert code(answer) == (401, "session-ended")
        assert answer.headers["edgekit-view"] == "none"
        assert dict(client.cookies) == {}
    put_back(client, {REFRESH: stolen[REFRESH]})
    assert who(client) is None


def test_other_sessions_of_a_user_end_only_with_everywhere(client: Client) -> None:
    client.post("/login")
    phone = dict(client.cookies)
    client.cookies.clear()
    client.post("/login")
    client.post("/logout")
    put_back(client, phone)
    wait(client, LIST_AGE)
    assert who(client) == "ann"
    phone = dict(client.cookies)
    client.cookies.clear()
    client.post("/login")
    laptop = dict(client.cookies)
    client.post("/logout?everywhere")
    wait(client, LIST_AGE)
    for device in (phone, laptop):
        put_back(client, device)
        assert code(client.get("/")) == (401, "session-ended")
    client.post("/login")
    assert who(client) == "ann"


def test_guest_may_sign_out_too(client: Client) -> None:
    client.post("/add")
    client.post("/logout")
    assert dict(client.cookies) == {}
    assert client.origin.sessions.ended == set()


def test_while_the_origin_is_away_one_can_leave_this_computer(client: Client) -> None:
    """case T12"""
    client.post("/login")
    assert who(client) == "ann"  # and the list of ended sessions is there
    before = dict(client.cookies)
    client.origin.available = False
    assert code(client.post("/logout?everywhere=1")) == (503, "origin-unavailable")
    assert dict(client.cookies) == before
    assert client.post("/logout").status_code == 303
    assert dict(client.cookies) == {}


def test_where_nobody_may_write_any_more_the_page_says_how_to_leave(client: Client) -> None:
    """case T12: after a minute without the list of ended sessions the handler does not even run."""
    client.post("/login")
    client.origin.available = False
    wait(client, 2 * LIST_AGE + 31)
    page = client.post("/logout", headers={"accept": "text/html"})
    assert page.status_code == 503
    assert 'action="/_edge/session/forget"' in page.text
    assert client.post("/_edge/session/forget").status_code == 303
    assert dict(client.cookies) == {}
    assert "forget" not in client.get("/orders", headers={"accept": "text/html"}).text


# Dead sessions


def test_dead_session_reads_as_nobody_and_its_cookies_go_away(client: Client) -> None:
    client.post("/seal")
    hold(client, SESSION, "dead")
    answer = client.get("/", headers={"edgekit-client": "1"})
    assert answer.json() == {"user": None, "state": {}, "sealed": {}}
    assert answer.headers["edgekit-view"] == "none"
    assert dict(client.cookies) == {}


def test_page_that_makes_a_new_guest_of_a_dead_session_says_so_once(client: Client) -> None:
    client.post("/add")
    hold(client, SESSION, "dead")
    answer = client.get("/form", headers={"edgekit-client": "1"})
    assert answer.headers["edgekit-view"].count(".") == 2
    assert answer.headers["edgekit-view"] == client.cookies[VIEW]
    assert who(client) == view(client)["sub"]


def test_dead_session_writes_nothing(client: Client) -> None:
    client.post("/add")
    wait(client, GUEST_LIFE + 60)
    answer = client.post("/order")
    assert code(answer) == (401, "session-ended")
    assert answer.headers["edgekit-view"] == "none"
    assert dict(client.cookies) == {}
    assert client.origin.records == {}
    assert client.post("/order").status_code == 200


# Sealed state


def test_sealed_state_comes_back_and_nobody_can_read_it(client: Client) -> None:
    client.post("/seal")
    assert client.get("/").json()["sealed"] == {"code": "open sesame!"}
    assert view(client)["state"] == {}
    for value in client.cookies.values():
        for segment in value.split("."):
            assert b"sesame" not in decode_segment(segment)
    wait(client, SEALED_LIFE + 60)
    assert client.get("/").json()["sealed"] == {}


def test_sealed_state_of_one_session_opens_in_no_other(client: Client) -> None:
    client.post("/seal")
    sealed = client.cookies[SEALED]
    client.cookies.clear()
    client.post("/add")
    hold(client, SEALED, sealed)
    assert client.get("/").json()["sealed"] == {}


def test_retry_gets_the_sealed_state_of_the_first_time(client: Client) -> None:
    client.post("/login")
    before = dict(client.cookies)
    headers = {"idempotency-key": KEY}
    client.post("/seal?store=1", headers=headers)
    first = client.cookies[SEALED]
    ((_, outcome),) = client.origin.outcomes.values()
    assert "sesame" not in repr(outcome)
    for _ in range(2):  # the first answer has come, and has not
        assert client.post("/seal?store=1", headers=headers).headers["idempotency-replayed"] == "true"
        assert client.cookies[SEALED] == first
        assert client.get("/").json()["sealed"] == {"code": "open sesame!"}
        put_back(client, before)


def test_sealed_state_without_records_is_the_same_after_a_retry(client: Client) -> None:
    client.post("/login")
    before = dict(client.cookies)
    for _ in range(2):
        client.post("/seal", headers={"idempotency-key": KEY})
        client.post("/seal", headers={"idempotency-key": KEY})
        assert client.get("/").json()["sealed"] == {"code": "open sesame!"}
        put_back(client, before)


# Cookies and caches


def test_over_https_cookies_belong_to_this_very_host(client: Client) -> None:
    client.base_url = "https://testserver"
    client.post("/login")
    client.post("/seal")
    assert set(client.cookies) == {f"__Host-{name}" for name in (SESSION, REFRESH, VIEW, SEALED)}
    assert who(client) == "ann"
    tokens = {name.removeprefix("__Host-"): value for name, value in client.cookies.items()}
    put_back(client, tokens)  # as a sibling domain could set them
    assert who(client) is None
    client.base_url = "http://testserver"
    assert who(client) == "ann"


def test_tokens_never_go_onto_an_answer_that_caches_may_share(client: Client) -> None:
    client.post("/login")
    wait(client, SESSION_LIFE + 60)
    answer = client.get("/public")
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert "set-cookie" not in answer.headers
    assert "edgekit-view" not in answer.headers
    assert "set-cookie" in client.get("/").headers
    hold(client, SESSION, "dead")
    answer = client.get("/public", headers={"edgekit-client": "1"})
    assert {"set-cookie", "edgekit-view", "dpop-nonce"}.isdisjoint(answer.headers)


# Two tabs


def test_two_tabs_one_after_the_other_see_each_others_changes(client: Client) -> None:
    for _ in range(2):
        client.post("/add")
    assert client.get("/").json()["state"] == {"cups": 2}


def test_of_two_tabs_at_the_same_time_the_last_answer_wins(client: Client) -> None:
    client.post("/add")
    before = dict(client.cookies)
    client.post("/add")
    client.post("/seal")
    put_back(client, before)
    client.post("/add")
    assert client.get("/").json()["state"] == {"cups": 2}
    assert client.get("/").json()["sealed"] == {}


def test_two_tabs_that_renew_at_the_same_time_both_go_on(client: Client) -> None:
    client.post("/login")
    wait(client, SESSION_LIFE + 60)
    before = dict(client.cookies)
    tabs = []
    for _ in range(2):
        put_back(client, before)
        assert client.post("/order").status_code == 200
        tabs.append(dict(client.cookies))
    for tab in tabs:
        put_back(client, tab)
        assert who(client) == "ann"
    assert len([key for _, key in client.origin.records if isinstance(key, RecordKey)]) == 2
