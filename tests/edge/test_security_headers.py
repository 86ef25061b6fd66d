"""What every answer tells browsers: which headers, on what, and the same from Python as from JavaScript."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from edge.errors import Problem
from edge.problem_response import render
from edge.security_headers import ALWAYS, CONTENT_SECURITY_POLICY, missing, worker_policy

ROOT = Path(__file__).parents[2]
TYPES = (
    *("", "text/html", "text/html; charset=utf-8", "Text/HTML;charset=x", "application/xhtml+xml"),
    *("image/svg+xml", "text/xml", "application/xml", "text/javascript; charset=utf-8"),
    *("application/javascript", "application/json", "text/plain", "text/css", "application/wasm"),
)
# case T10: whatever a browser may run scripts in, and what it may take for such a thing
RUNS = (
    *("application/mathml+xml", "application/rss+xml", "application/atom+xml", "application/xslt+xml"),
    *("application/anything+xml", "text/xsl", "image/x+xml", "image/svg-xml", "font/xml", "model/x3d+xml"),
    *("application/vnd.wap.xhtml+xml", "multipart/x-mixed-replace", "message/rfc822", "text/x-unknown"),
    *("html", "*/*", "text/plain,text/html", "image/png, text/html", "text/plain text/html", "TEXT/HTML"),
    *("", ";", "text/\xa0plain", "application/x-www-form-urlencoded", "application/mathml+xml ; a=b"),
)
INERT = (
    *("text/plain", "application/json", "application/vnd.api+json", "text/css; charset=utf-8", "Image/PNG"),
    *("image/avif", "audio/mpeg", "video/mp4", "font/woff2", "application/pdf", "text/event-stream"),
    *("application/octet-stream", "application/zip", "text/csv", "application/problem+json"),
)
POLICY = dict(part.partition(" ")[::2] for part in CONTENT_SECURITY_POLICY.split("; "))


def names(headers: list[tuple[bytes, bytes]]) -> set[str]:
    return {name.decode() for name, _ in headers}


def of_type(media_type: str, scheme: str = "https") -> dict[str, str]:
    headers = missing([(b"content-type", media_type.encode("latin-1"))] if media_type else [], scheme)
    return {name.decode(): value.decode() for name, value in headers}


def test_every_answer_has_the_basic_ones():
    assert missing([], "http", 204) == ALWAYS
    assert of_type("application/json", "http") == {n.decode(): v.decode() for n, v in ALWAYS}


def test_hsts_over_https_only():
    assert of_type("text/css", "https")["strict-transport-security"] == "max-age=31536000"
    assert "strict-transport-security" not in of_type("text/css", "http")


@pytest.mark.parametrize("media_type", ["text/html; charset=utf-8", "image/svg+xml", "application/xml"])
def test_documents_have_the_policies(media_type):
    assert of_type(media_type)["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "camera=()" in of_type(media_type)["permissions-policy"]


def test_scripts_have_the_content_policy_because_workers_follow_their_own():
    assert of_type("text/javascript; charset=utf-8")["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "permissions-policy" not in of_type("text/javascript")


@pytest.mark.parametrize("media_type", RUNS)
def test_whatever_may_run_something_has_the_policy(media_type):
    headers = dict(missing([(b"content-type", media_type.encode("latin-1"))], "http"))
    assert headers[b"content-security-policy"].decode() == CONTENT_SECURITY_POLICY


def test_a_body_without_a_type_has_the_policy_and_an_answer_without_a_body_has_none():
    assert b"content-security-policy" in dict(missing([], "http"))
    for status in (204, 205, 301, 303, 304, 308):
        assert b"content-security-policy" not in dict(missing([], "http", status)), status


def test_one_type_of_several_is_enough():
    both = [(b"content-type", b"text/plain"), (b"content-type", b"text/html")]
    for headers in (both, both[::-1]):
        assert b"content-security-policy" in dict(missing(headers, "http"))


@pytest.mark.parametrize("media_type", INERT)
def test_what_runs_nothing_has_no_policy(media_type):
    assert "content-security-policy" not in of_type(media_type)


def test_a_worker_may_ask_the_edges_of_its_site_and_nothing_else_is_loosened():
    changed = dict(part.partition(" ")[::2] for part in worker_policy(["https://a.example"]).split("; "))
    assert changed == {**POLICY, "connect-src": "'self' https://a.example"}
    assert worker_policy([]) == CONTENT_SECURITY_POLICY


def test_what_the_app_has_set_stays():
    own = [(b"content-type", b"text/html"), (b"content-security-policy", b"default-src *")]
    assert b"content-security-policy" not in dict(missing(own, "http"))
    assert b"permissions-policy" in dict(missing(own, "http"))
    assert missing([*own, *missing(own, "https")], "https") == []


def test_the_policy_is_strict():
    assert POLICY["default-src"] == "'none'"
    assert POLICY["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert "unsafe-inline" not in CONTENT_SECURITY_POLICY
    assert "'unsafe-eval'" not in CONTENT_SECURITY_POLICY
    assert "http" not in CONTENT_SECURITY_POLICY
    assert POLICY["require-trusted-types-for"] == "'script'"
    for directive in ("base-uri", "frame-ancestors", "object-src"):
        assert POLICY[directive] == "'none'", directive
    # What `default-src` does not stand in for (CSP Level 3, sections 6.3 to 6.5).
    assert {"base-uri", "form-action", "frame-ancestors"} <= POLICY.keys()


def test_the_kits_own_pages_have_nothing_inline():
    body = render(Problem("not-found"), page=True)[2]
    assert b"<style" not in body
    assert b"style=" not in body
    assert b"<script" not in body


def in_node(script: str, words: Any) -> Any:
    command = ["node", "--input-type=module", "--eval", script, json.dumps(words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_javascript_says_the_same():
    script = """
        import { securityHeaders } from "./browser/security-headers.js";
        const words = JSON.parse(process.argv[1]);
        console.log(JSON.stringify(words.map(([type, scheme]) => securityHeaders(type, `${scheme}://x.test/`))));
    """
    cases = [(media_type, scheme) for media_type in (*TYPES, *RUNS, *INERT) for scheme in ("http", "https")]
    assert in_node(script, cases) == [of_type(*case) for case in cases]
