"""The same CASES on CPython, on Pyodide in Node and on Pyodide in Chromium: byte-equal answers."""

from __future__ import annotations

import base64
import json
import socket
from pathlib import Path

import pytest

from edge.conformance import CASES
from edge.security_headers import ALWAYS, DOCUMENT, SECURE

# Headers with a meaning of their own; the others say who answered and when.
COMPARED = (
    *("content-type", "content-range", "accept-ranges", "etag", "location", "cache-control"),
    *(name.decode() for name, _ in (*ALWAYS, *SECURE, *DOCUMENT)),
)
IN_PAGE = Path(__file__).with_name("in_page.js").read_text()
AS_DATA = [
    {
        "method": case.method,
        "target": case.target,
        "headers": [list(pair) for pair in case.headers],
        "body": base64.b64encode(case.body).decode(),
    }
    for case in CASES
]


def told(headers):
    return {name: headers[name] for name in COMPARED if name in headers}


@pytest.fixture(scope="module")
def expected(native_url, send):
    """What the CPython host answers to each case."""
    return {case.name: send(native_url, case) for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cpython_answers_as_the_case_says(case, expected):
    answer = expected[case.name]
    assert answer.status == case.status, answer.body[:300]
    assert case.contains in answer.body
    assert answer.headers["edgekit-host"] == "native"
    assert answer.headers["server-timing"].startswith('edgekit;desc="native";dur=')
    assert {name: answer.headers[name.decode()].encode() for name, _ in ALWAYS} == dict(ALWAYS)
    media_type = answer.headers.get("content-type")
    is_guessed = media_type is None and not 300 <= case.status < 400 and case.status != 204
    is_document = is_guessed or (media_type or "").startswith("text/html")
    assert ("content-security-policy" in answer.headers) is is_document
    if case.code:
        assert answer.headers["content-type"] == "application/problem+json"
        assert json.loads(answer.body)["code"] == case.code
        assert b"Traceback" not in answer.body


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_pyodide_in_node_answers_the_same(case, expected, node_url, send):
    answer = send(node_url, case)
    assert (answer.status, answer.body) == (case.status, expected[case.name].body)
    assert told(answer.headers) == told(expected[case.name].headers)
    assert answer.headers["edgekit-host"] == "edge"


@pytest.mark.console_errors("404")  # the collection that is not there is one of the cases
def test_pyodide_in_chromium_answers_the_same(expected, native_url, chromium):
    context = chromium.new_context(service_workers="block")
    page = context.new_page()
    page.goto(f"{native_url}/_edge/health")
    page.evaluate(IN_PAGE)
    page.evaluate("conformance.start()")
    answers = page.evaluate("(cases) => conformance.direct(cases)", AS_DATA)
    context.close()
    assert len(answers) == len(CASES)
    for case, answer in zip(CASES, answers, strict=True):
        if case.escalates:
            assert answer is None, f"{case.name}: this is an edge's"
            continue
        assert answer is not None, case.name
        assert (answer["status"], base64.b64decode(answer["body"])) == (
            case.status,
            expected[case.name].body,
        ), case.name
        assert told(answer["headers"]) == told(expected[case.name].headers), case.name
        assert answer["headers"]["edgekit-host"] == "browser", case.name


@pytest.mark.parametrize(
    "garbage",
    [
        b"BREW /pot HTCPCP/1.0\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
    ],
    ids=["unknown method", "no target", "header without colon", "tls to a plain port"],
)
@pytest.mark.parametrize("host", ["native_url", "node_url"])
def test_what_is_not_http_gets_a_problem(garbage, host, request):
    url = request.getfixturevalue(host)
    address = url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=20) as connection:
        connection.sendall(garbage)
        received = b""
        while part := connection.recv(65536):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    assert all(b"%s: %s" % pair in head for pair in ALWAYS)
    assert head.startswith(b"HTTP/1.1 4")
    assert b"application/problem+json" in head.lower()
    assert json.loads(body)["status"] == int(head[9:12])
