"""The kit's own paths."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from edge import Stateless, context
from edge.jose import decode_segment
from edge.testing import Client
from edge.wire import RecordKey

SERVICE_WORKER = {"edgekit-client": "1"}
CATALOG = {"products": {"tea": {"name": "Sencha 煎茶"}}}


async def own(request: Request) -> Response:
    return PlainTextResponse("the app's own")


async def write(request: Request) -> Response:
    ctx = context(request)
    ctx.state["name"] = "Ann"
    for name in "abc":
        ctx.records.put("orders", name, {"is": name})
    ctx.records.put("stock", "tea", {"left": 3})
    return PlainTextResponse(ctx.ensure_user().subject)


@pytest.fixture
def client() -> Client:
    routes = [Route("/{path:path}", own), Route("/write", write, methods=["POST"])]
    app = Stateless(Starlette(routes=routes), shared=["stock"], readable=["orders", "stock"])
    return Client(app, CATALOG)


def claims(answer: Any) -> dict[str, Any]:
    """What the view in the answer's header says."""
    found: dict[str, Any] = json.loads(decode_segment(answer.headers["edgekit-view"].split(".")[1]))
    return found


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_health_says_who_answers(client: Client) -> None:
    answer = client.get("/_edge/health")
    assert answer.json() == {"status": "ok", "host": "native"}
    assert answer.headers["cache-control"] == "no-store"


def test_keys_are_public_and_have_no_private_member(client: Client) -> None:
    answer = client.get("/_edge/keys")
    (key,) = answer.json()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use", "nbf"}
    assert answer.headers["cache-control"].startswith("public")


@pytest.mark.parametrize("path", ["/_edge/", "/_edge/other", "/_edge/health/x", "/_edge/keys/x", "/sw.js"])
def test_what_is_not_there_is_404_and_does_not_reach_the_app(client: Client, path: str) -> None:
    assert code(client.get(path)) == (404, "not-found")


@pytest.mark.parametrize("path", ["/", "/_edge", "/edge/health", "/x/_edge/health", "/sw.js/x"])
def test_other_paths_are_the_apps(client: Client, path: str) -> None:
    assert client.get(path).text == "the app's own"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_there_can_be_changed(client: Client, method: str) -> None:
    answer = client.request(method, "/_edge/health")
    assert code(answer) == (405, "method-not-allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


# The view


def test_view_is_for_service_workers_only(client: Client) -> None:
    client.post("/write")
    assert code(client.get("/_edge/view")) == (403, "forbidden")


def test_service_worker_gets_the_view_behind_the_cookie(client: Client) -> None:
    client.post("/write")
    answer = client.get("/_edge/view", headers=SERVICE_WORKER)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    assert claims(answer)["state"] == {"name": "Ann"}


def test_service_worker_of_a_visitor_makes_a_guest_whom_the_cookie_knows(client: Client) -> None:
    first = client.get("/_edge/view", headers=SERVICE_WORKER)
    assert set(client.cookies) == {"edgekit-session", "edgekit-view"}
    again = client.get("/_edge/view", headers=SERVICE_WORKER)
    assert "set-cookie" not in again.headers
    assert claims(first) == claims(again)
    assert claims(first)["guest"]
    assert client.post("/write").text == claims(first)["sub"]


def test_service_worker_hears_what_its_browser_accepts(client: Client) -> None:
    """case P5: no script can see it."""
    answer = client.get("/_edge/view", headers={**SERVICE_WORKER, "accept-language": "de-AT,de;q=0.9"})
    assert answer.headers["edgekit-language"] == "de-AT,de;q=0.9"
    answer = client.get("/_edge/view", headers=SERVICE_WORKER)
    assert "edgekit-language" not in answer.headers


def test_lost_view_is_made_again_for_the_same_session(client: Client) -> None:
    first = claims(client.get("/_edge/view", headers=SERVICE_WORKER))
    client.cookies.delete("edgekit-view")
    again = claims(client.get("/_edge/view", headers=SERVICE_WORKER))
    assert (again["sub"], again["sid"], again["frm"]) == (first["sub"], first["sid"], first["frm"])
    assert "edgekit-view" in client.cookies


def test_tampered_cookies_make_a_new_guest(client: Client) -> None:
    first = client.get("/_edge/view", headers=SERVICE_WORKER)
    client.cookies.clear()
    cookie = f"edgekit-session=a.b.c.d.e; edgekit-view={first.headers['edgekit-view']}"
    answer = client.get("/_edge/view", headers={**SERVICE_WORKER, "cookie": cookie})
    assert claims(answer)["sub"] != claims(first)["sub"]
    assert "set-cookie" in answer.headers


# The catalog


def test_catalog_is_public_and_cacheable(client: Client) -> None:
    answer = client.get("/_edge/catalog/products")
    assert answer.json() == {"collection": "products", "version": "1", "items": CATALOG["products"]}
    assert answer.headers["etag"] == 'W/"1"'  # the client accepts gzip
    assert answer.headers["cache-control"].startswith("public, max-age=")
    assert answer.headers["content-type"] == "application/json"


def test_catalog_is_not_sent_again_while_it_is_unchanged(client: Client) -> None:
    answer = client.get("/_edge/catalog/products", headers={"if-none-match": '"1"'})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"1"')
    assert client.get("/_edge/catalog/products", headers={"if-none-match": '"0"'}).status_code == 200


@pytest.mark.parametrize("tag", ['W/"1"', '"0", "1"', '"0",W/"1"', "*"])
def test_catalog_tag_is_found_in_every_form_that_it_may_come_back_in(client: Client, tag: str) -> None:
    assert client.get("/_edge/catalog/products", headers={"if-none-match": tag}).status_code == 304


@pytest.mark.parametrize(
    ("accepted", "encoding", "tag"),
    [
        ("gzip, br", "gzip", 'W/"1"'),
        ("GZIP;q=0.1", "gzip", 'W/"1"'),
        ("br, gzip;q=0.0, x", None, '"1"'),
        ("identity", None, '"1"'),
    ],
)
def test_catalog_is_compressed_for_who_can_read_it(
    client: Client, accepted: str, encoding: str | None, tag: str
) -> None:
    answer = client.get("/_edge/catalog/products", headers={"accept-encoding": accepted})
    assert answer.json()["items"] == CATALOG["products"]
    assert answer.headers.get("content-encoding") == encoding
    assert (answer.headers["etag"], answer.headers["vary"]) == (tag, "accept-encoding")


def test_catalog_ignores_who_asks(client: Client) -> None:
    before = client.get("/_edge/catalog/products")
    client.post("/write")
    after = client.get("/_edge/catalog/products", headers={"authorization": "Bearer x"})
    assert before.content == after.content
    assert "set-cookie" not in after.headers


@pytest.mark.parametrize("name", ["other", "", "..%2fcommit", "a/b"])
def test_collection_that_is_not_published_is_404(client: Client, name: str) -> None:
    assert code(client.get(f"/_edge/catalog/{name}")) == (404, "not-found")


def test_catalog_without_an_origin_is_503(client: Client) -> None:
    client.origin.available = False
    assert code(client.get("/_edge/catalog/products")) == (503, "origin-unavailable")


# Records


def test_own_records_are_private_and_never_kept(client: Client) -> None:
    client.post("/write")
    answer = client.get("/_edge/records/user/orders/a")
    assert answer.json() == {"id": "a", "version": 1, "value": {"is": "a"}}
    assert answer.headers["cache-control"] == "private, no-store"


def test_records_that_are_not_readable_are_not_there(client: Client) -> None:
    routes = [Route("/write", write, methods=["POST"])]
    closed = Client(Stateless(Starlette(routes=routes), shared=["stock"]), CATALOG)
    closed.post("/write")
    for path in ("user/orders/a", "user/orders", "shared/stock/tea", "shared/stock"):
        assert code(closed.get(f"/_edge/records/{path}")) == (404, "not-found")


def test_own_records_come_in_pages(client: Client) -> None:
    client.post("/write")
    first = client.get("/_edge/records/user/orders?limit=2").json()
    assert ([item["id"] for item in first["items"]], first["next"]) == (["a", "b"], "b")
    second = client.get("/_edge/records/user/orders?limit=2&after=b").json()
    assert ([item["id"] for item in second["items"]], second["next"]) == (["c"], None)


def test_records_of_somebody_else_are_not_there(client: Client) -> None:
    client.post("/write")
    client.cookies.clear()
    assert code(client.get("/_edge/records/user/orders/a")) == (404, "not-found")
    client.get("/_edge/view", headers=SERVICE_WORKER)
    assert code(client.get("/_edge/records/user/orders/a")) == (404, "not-found")
    assert client.get("/_edge/records/user/orders").json() == {"items": [], "next": None}


def test_shared_records_are_everybodys(client: Client) -> None:
    client.post("/write")
    client.cookies.clear()
    assert client.get("/_edge/records/shared/stock/tea").json()["value"] == {"left": 3}
    assert [item["id"] for item in client.get("/_edge/records/shared/stock").json()["items"]] == ["tea"]


@pytest.mark.parametrize(
    "path",
    [
        "user/stock/tea",
        "shared/orders/a",
        "user/orders/none",
        "user/orders/a/b",
        "user/orders/",
        "user",
        "user/",
        "everybody/orders/a",
        "user/..%2f..%2fcommit/a",
        "user/orders/..%2f",
    ],
)
def test_records_that_are_not_there_are_404(client: Client, path: str) -> None:
    client.post("/write")
    assert code(client.get(f"/_edge/records/{path}")) == (404, "not-found")


def test_bound_records_are_for_bound_sessions() -> None:
    """case T12: what a guarded page shows must not be had beside it."""
    routes = [Route("/write", write, methods=["POST"])]
    guarded = Client(
        Stateless(
            Starlette(routes=routes),
            shared=["stock"],
            readable=["orders", "stock"],
            bound=["/_edge/records/user/orders/{rest:path}"],
        )
    )
    guarded.post("/write")
    for path in ("user/orders", "user/orders/a", "user//orders/a", "USER/orders"):
        assert guarded.get(f"/_edge/records/{path}").status_code in (403, 404)
        assert guarded.get(f"/_edge/records/{path}").json()["code"] in ("device-required", "not-found")
    assert code(guarded.get("/_edge/records/user/orders/a")) == (403, "device-required")
    assert guarded.get("/_edge/records/shared/stock/tea").status_code == 200


def test_only_what_the_app_shares_is_shared_whatever_the_origin_holds(client: Client) -> None:
    client.post("/write")
    client.origin.records["", RecordKey("shared", "orders", "a")] = (1, {})
    client.origin.records["nobody", RecordKey("user", "orders", "a")] = (1, {})
    client.origin.records[client.post("/write").text, RecordKey("user", "stock", "tea")] = (
        1,
        {},
    )
    assert code(client.get("/_edge/records/shared/orders/a")) == (404, "not-found")
    assert code(client.get("/_edge/records/user/stock/tea")) == (404, "not-found")
    client.cookies.clear()
    assert code(client.get("/_edge/records/user/orders/a")) == (404, "not-found")


@pytest.mark.parametrize("limit", ["0", "201", "-1", "ten", "", "1.0", "٣", "9" * 5000])
def test_limit_that_makes_no_sense_is_refused(client: Client, limit: str) -> None:
    client.post("/write")
    answer = client.get("/_edge/records/user/orders", params={"limit": limit})
    assert code(answer) == (400, "malformed-query")


@pytest.mark.parametrize("after", ["a/b", "..", "a b", "x" * 200, "&limit=1"])
def test_after_that_is_no_id_is_refused(client: Client, after: str) -> None:
    client.post("/write")
    answer = client.get("/_edge/records/user/orders", params={"after": after})
    assert code(answer) == (400, "malformed-query")


def test_records_live_where_the_origin_keeps_them(client: Client) -> None:
    user = client.post("/write").text
    assert (user, RecordKey("user", "orders", "a")) in client.origin.records
    assert ("", RecordKey("shared", "stock", "tea")) in client.origin.records


def test_who_cannot_prove_anything_any_more_can_give_up_the_session(client: Client) -> None:
    client.get("/_edge/view", headers=SERVICE_WORKER)
    assert client.cookies
    answer = client.post("/_edge/session/forget", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert answer.headers["edgekit-view"] == "none"
    assert not client.cookies


def test_another_site_cannot_make_anybody_give_up_a_session(client: Client) -> None:
    answer = client.post("/_edge/session/forget", headers={"sec-fetch-site": "cross-site"})
    assert code(answer) == (403, "forbidden")
