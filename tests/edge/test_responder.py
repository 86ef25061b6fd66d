"""The last station of every answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from edge.errors import NeedsEdge, Problem
from edge.host import Host
from edge.page_script import TAG
from edge.responder import REDIRECTS, Responder
from edge.security_headers import ALWAYS

PAGE = [(b"content-type", b"text/html"), (b"content-length", b"13")]
NAVIGATION = [("sec-fetch-dest", "document")]
SERVICE_WORKER = [("edgekit-client", "1")]


@pytest.fixture
def make(
    make_host: Callable[..., Host], make_scope: Callable[..., dict[str, Any]]
) -> Callable[..., tuple[Responder, list[dict[str, Any]]]]:
    """`make(headers, name="browser", script=False)`: a responder and what it sends."""

    def make(headers: Any = (), name: str = "native", *, development: bool = False, **options: Any) -> Any:
        sent: list[dict[str, Any]] = []

        async def send(message: Any) -> None:
            sent.append(dict(message))

        return Responder(
            make_scope("GET", "/", headers), send, make_host(name=name, development=development), **options
        ), sent

    return make


Make = Callable[..., tuple[Responder, list[dict[str, Any]]]]


def head(sent: list[dict[str, Any]]) -> dict[bytes, bytes]:
    return dict(sent[0]["headers"])


@pytest.mark.parametrize(("caching", "named"), [([], True), ([b"private"], True), ([b"public"], False)])
def test_page_says_for_whom_it_was_made_but_not_if_it_is_for_everybody(
    make: Make, caching: list[bytes], named: bool
) -> None:
    responder, sent = make()
    responder.made_for = lambda: "ada"
    asyncio.run(responder.begin(200, [(b"cache-control", value) for value in caching], b"tea"))
    assert (b', edgekit-user;desc="ada"' in head(sent)[b"server-timing"]) is named


def test_answer_is_sent_with_who_gave_it_and_how_long_it_took(make: Make, clock: Any) -> None:
    responder, sent = make()
    clock.now += 0.0425
    asyncio.run(responder.begin(201, [(b"x-own", b"1"), (b"content-type", b"text/plain")], b"tea"))
    assert sent == [
        {
            "type": "http.response.start",
            "status": 201,
            "headers": [
                (b"x-own", b"1"),
                (b"content-type", b"text/plain"),
                *ALWAYS,
                (b"edgekit-host", b"native"),
                (b"server-timing", b'edgekit;desc="native";dur=42.50'),
            ],
        },
        {"type": "http.response.body", "body": b"tea", "more_body": False},
    ]


def test_it_counts_as_started_from_the_first_message_even_if_sending_fails(make: Make) -> None:
    responder, _ = make()
    assert not responder.started

    async def broken(message: Any) -> None:
        raise OSError("the client has gone away")

    responder._send = broken
    with pytest.raises(OSError, match="gone away"):
        asyncio.run(responder.begin(200, [], b""))
    assert responder.started


def test_script_goes_into_a_page_and_its_length_is_right(make: Make) -> None:
    responder, sent = make(NAVIGATION)
    asyncio.run(responder.begin(200, PAGE, b"<body></body>"))
    assert sent[1]["body"] == b"<body>" + TAG + b"</body>"
    assert head(sent)[b"content-length"] == str(13 + len(TAG)).encode()


def test_script_goes_to_the_end_of_a_page_in_parts_which_then_has_no_length(make: Make) -> None:
    responder, sent = make(NAVIGATION)

    async def send() -> None:
        await responder.begin(200, PAGE, b"<body>", more=True)
        await responder.part(b"tea", more=True)
        await responder.part(b"</body>", more=False)

    asyncio.run(send())
    assert b"content-length" not in head(sent)
    assert [message["body"] for message in sent[1:]] == [b"<body>", b"tea", b"</body>" + TAG]


def test_two_representations_of_a_page_do_not_share_a_strong_tag(make: Make) -> None:
    """Case P16."""
    headers = [*PAGE, (b"etag", b'"v1"'), (b"cache-control", b"public")]
    told = {}
    for name, request in (("navigation", NAVIGATION), ("script", [])):
        responder, sent = make(request)
        asyncio.run(responder.begin(200, headers, b"<body></body>"))
        told[name] = head(sent)[b"etag"], head(sent)[b"vary"], len(sent[1]["body"])
    assert told["script"][0] == b'"v1"'
    assert told["navigation"][0] == b'W/"v1"'
    assert told["script"][1] == told["navigation"][1]
    assert told["script"][2] != told["navigation"][2]


def test_a_navigation_to_what_has_not_changed_is_told_of_the_same_representation(make: Make) -> None:
    """Case P16: RFC 9110 section 15.4.5."""
    responder, sent = make(NAVIGATION)
    asyncio.run(responder.begin(304, [(b"etag", b'"v1"')], b""))
    assert head(sent)[b"etag"] == b'W/"v1"'
    assert b"sec-fetch-dest" in head(sent)[b"vary"]


@pytest.mark.parametrize(("development", "words"), [(True, 1), (False, 0)])
def test_a_page_that_the_app_has_coded_is_no_secret_in_development(
    make: Make, caplog: pytest.LogCaptureFixture, development: bool, words: int
) -> None:
    """Case P10."""
    responder, sent = make(NAVIGATION, development=development)
    asyncio.run(responder.begin(200, [*PAGE, (b"content-encoding", b"br")], b"coded"))
    assert sent[1]["body"] == b"coded"
    assert len([record for record in caplog.records if "coded" in record.message]) == words


def test_page_without_a_body_stays_without(make: Make) -> None:
    responder, sent = make(NAVIGATION)
    asyncio.run(responder.begin(200, PAGE, b""))
    assert sent[1]["body"] == b""
    assert head(sent)[b"content-length"] == b"13"


def test_script_can_be_switched_off(make: Make) -> None:
    responder, sent = make(NAVIGATION, script=False)
    asyncio.run(responder.begin(200, PAGE, b"<body></body>"))
    assert sent[1]["body"] == b"<body></body>"


@pytest.mark.parametrize("status", sorted(REDIRECTS))
def test_redirects_are_readable_for_a_service_worker(make: Make, status: int) -> None:
    responder, sent = make(SERVICE_WORKER)
    asyncio.run(responder.begin(status, [(b"location", b"/orders/1"), (b"set-cookie", b"a=1")], b""))
    assert sent[0]["status"] == 200
    assert head(sent)[b"edgekit-status"] == str(status).encode()
    assert head(sent)[b"edgekit-location"] == b"/orders/1"
    assert head(sent)[b"set-cookie"] == b"a=1"
    assert b"location" not in head(sent)


@pytest.mark.parametrize("status", [200, 201, 304, 404])
def test_other_answers_to_a_service_worker_stay_as_they_are(make: Make, status: int) -> None:
    responder, sent = make(SERVICE_WORKER)
    asyncio.run(responder.begin(status, [(b"location", b"/made")], b""))
    assert sent[0]["status"] == status
    assert head(sent)[b"location"] == b"/made"
    assert b"edgekit-status" not in head(sent)


def test_problem_is_a_document_or_a_page(make: Make) -> None:
    responder, sent = make()
    asyncio.run(responder.problem(Problem("not-found")))
    assert (sent[0]["status"], head(sent)[b"content-type"]) == (404, b"application/problem+json")
    responder, sent = make([("accept", "text/html")])
    asyncio.run(responder.problem(Problem("not-found")))
    assert head(sent)[b"content-type"].startswith(b"text/html")


def test_outbox_gets_a_document_even_for_a_request_that_wanted_a_page(make: Make) -> None:
    responder, sent = make([("accept", "text/html"), ("edgekit-time", "1767225000500")])
    asyncio.run(responder.problem(Problem("not-found")))
    assert head(sent)[b"content-type"] == b"application/problem+json"


def test_browser_passes_on_what_needs_an_edge_and_nobody_else_does(make: Make) -> None:
    responder, sent = make(name="browser")
    asyncio.run(responder.problem(NeedsEdge("a secret")))
    assert sent == [{"type": "edgekit.escalate", "reason": "a secret is not available on this host"}]
    assert responder.started
    for name in ("edge", "native"):
        responder, sent = make(name=name)
        asyncio.run(responder.problem(NeedsEdge("a secret")))
        assert sent[0]["status"] == 503


def test_browser_answers_other_problems_itself(make: Make) -> None:
    responder, sent = make(name="browser")
    asyncio.run(responder.problem(Problem("not-found")))
    assert sent[0]["status"] == 404


FIELDS = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"edgekit-view", b"none"), (b"dpop-nonce", b"n")]


@pytest.mark.parametrize("caching", [None, b"no-store", b"Private, max-age=5"])
def test_what_is_known_before_the_answer_goes_onto_it_whatever_it_is(
    make: Make, caching: bytes | None
) -> None:
    headers = [(b"cache-control", caching)] if caching else []
    for answer in (
        lambda responder: responder.begin(200, headers, b""),
        lambda responder: responder.forward(
            {"type": "http.response.start", "status": 200, "headers": headers}
        ),
        lambda responder: responder.problem(Problem("not-found")),
    ):
        responder, sent = make()
        responder.fields += FIELDS
        asyncio.run(answer(responder))
        assert [pair for pair in sent[0]["headers"] if pair in FIELDS] == FIELDS


@pytest.mark.parametrize("caching", [b"public", b"max-age=60", b"no-cache"])
def test_nothing_that_is_one_visitors_own_goes_where_caches_may_share_it(make: Make, caching: bytes) -> None:
    responder, sent = make()
    responder.fields += FIELDS
    asyncio.run(responder.begin(200, [(b"cache-control", caching)], b""))
    assert not {name for name, _ in FIELDS} & set(head(sent))


def test_what_the_answer_says_itself_is_not_said_before_it(make: Make) -> None:
    responder, sent = make()
    responder.fields += FIELDS
    own = [(b"set-cookie", b"a=3"), (b"edgekit-view", b"token")]
    asyncio.run(responder.begin(200, own, b""))
    told = [pair for pair in sent[0]["headers"] if pair[0] in (b"set-cookie", b"edgekit-view", b"dpop-nonce")]
    assert told == [FIELDS[1], FIELDS[3], *own]
    responder, sent = make()
    responder.fields += FIELDS
    asyncio.run(responder.problem(Problem("device-proof", headers={"DPoP-Nonce": "newer"})))
    assert [value for name, value in sent[0]["headers"] if name == b"dpop-nonce"] == [b"newer"]


def test_of_what_is_set_and_deleted_before_the_answer_the_last_word_counts(make: Make) -> None:
    responder, sent = make()
    responder.fields += [*FIELDS, (b"set-cookie", b"a=; Max-Age=0"), (b"edgekit-view", b"token")]
    asyncio.run(responder.begin(200, [], b""))
    told = [pair for pair in sent[0]["headers"] if pair[0] in (b"set-cookie", b"edgekit-view")]
    assert told == [FIELDS[1], (b"set-cookie", b"a=; Max-Age=0"), (b"edgekit-view", b"token")]


def test_problem_may_set_cookies(make: Make) -> None:
    responder, sent = make()
    problem = Problem("session-ended")
    problem.fields += FIELDS
    asyncio.run(responder.problem(problem))
    assert [value for name, value in sent[0]["headers"] if name == b"set-cookie"] == [b"a=1", b"b=2"]


def test_forwarded_messages_are_only_marked(make: Make) -> None:
    responder, sent = make([*NAVIGATION, *SERVICE_WORKER])
    start = {"type": "http.response.start", "status": 303, "headers": [(b"location", b"/a")]}
    body = {"type": "http.response.body", "body": b"x"}

    async def send() -> None:
        await responder.forward(start)
        await responder.forward(body)

    asyncio.run(send())
    assert responder.started
    assert (sent[0]["status"], head(sent)[b"location"], head(sent)[b"edgekit-host"]) == (
        303,
        b"/a",
        b"native",
    )
    assert sent[1] == body
    assert start["headers"] == [(b"location", b"/a")]


# case T6: what is made for a service worker never reaches a shared cache as something else

CLIENT = [("edgekit-client", "1")]
SHARED = [(b"location", b"/"), (b"cache-control", b"public, max-age=3600")]


def values(sent: list[dict[str, Any]], name: bytes) -> list[bytes]:
    return [value for header, value in sent[0]["headers"] if header == name]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_for_a_service_worker_is_kept_by_no_cache(make: Make, status: int) -> None:
    said = [(b"expires", b"Thu, 01 Jan 2037 00:00:00 GMT"), (b"etag", b'"a"'), (b"age", b"1")]
    more = [(b"surrogate-control", b"max-age=3600"), (b"cdn-cache-control", b"max-age=3600")]
    responder, sent = make(CLIENT)
    asyncio.run(responder.begin(status, [*SHARED, (b"cache-control", b"immutable"), *said, *more], b""))
    assert sent[0]["status"] == 200
    assert values(sent, b"cache-control") == [b"private, no-store"]
    assert not {name for name, _ in [*said, *more]} & {name for name, _ in sent[0]["headers"]}


@pytest.mark.parametrize("caching", [b"public, max-age=3600", b"max-age=60", b"s-maxage=60"])
def test_redirect_for_everybody_is_not_for_service_workers(make: Make, caching: bytes) -> None:
    responder, sent = make()
    asyncio.run(responder.begin(301, [(b"location", b"/"), (b"cache-control", caching)], b""))
    assert values(sent, b"vary") == [b"edgekit-client"]
    assert values(sent, b"cache-control") == [caching]


@pytest.mark.parametrize("caching", [[], [(b"cache-control", b"private")], [(b"cache-control", b"no-store")]])
def test_redirect_that_no_shared_cache_keeps_says_nothing_more(make: Make, caching: list[Any]) -> None:
    responder, sent = make()
    asyncio.run(responder.begin(303, [(b"location", b"/"), *caching], b""))
    assert values(sent, b"vary") == []
