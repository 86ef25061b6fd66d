"""A site with a second edge at another origin, in a real Chromium: who asks it for what."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import httpx2 as httpx
import pytest

from edge.release.toolchain import find_node

from ..proxy import Proxy
from ..visit import host_of, take_over

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SEND = (
    "async (path) => { const r = await fetch(path, { method: 'POST' }); return [r.status, await r.text()] }"
)
pytestmark = pytest.mark.console_errors("503|ERR_|Failed to load resource|Content Security Policy")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def edges(serve, tmp_path_factory):
    """(the way to the site's own edge, URL of the other, folder of the release)."""
    port = free_port()
    proxy = Proxy(f"http://127.0.0.1:{port}")
    folder = tmp_path_factory.mktemp("edges")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TEST_EDGE", "the other")
        environment.setenv("EDGEKIT_SITES", proxy.url)
        other = serve("edges_app:app", HERE, folder / "other", "--no-reload").url
        environment.setenv("TEST_EDGE", "its own")
        environment.delenv("EDGEKIT_SITES")
        options = ("--no-reload", "--port", str(port), "--edge", other)
        own = serve("edges_app:app", HERE, folder / "own", *options)
    yield proxy, other, own.data / "release"
    proxy.close()


@pytest.fixture
def proxy(edges):
    proxy = edges[0]
    proxy.heal()
    return proxy


@pytest.fixture
def page(chromium, proxy):
    page = chromium.new_context().new_page()
    take_over(page, f"{proxy.url}/open")
    assert heading(page) == "For everybody by its own"
    return page


def heading(page):
    return page.get_by_role("heading").first.inner_text()


def asked(edges):
    return httpx.get(f"{edges[1]}/asked").json()


def test_the_worker_may_ask_the_other_edge_and_pages_may_not(page, proxy, edges):
    assert (
        f"connect-src 'self' {edges[1]};"
        in httpx.get(f"{proxy.url}/sw.js").headers["content-security-policy"]
    )
    assert "connect-src 'self';" in httpx.get(f"{proxy.url}/open").headers["content-security-policy"]
    failed = "async (url) => fetch(url).then(() => 'read', (error) => error.name)"
    assert page.evaluate(failed, f"{edges[1]}/open") == "TypeError"


@pytest.mark.parametrize("fault", ["cut", "slow"])
def test_what_is_for_everybody_comes_from_the_other_edge(page, proxy, edges, fault):
    before = len(asked(edges))
    if fault == "cut":
        proxy.cut()
    else:
        proxy.delay(20)
    response = page.goto(f"{proxy.url}/open")
    assert (response.status, host_of(response)) == (200, "native")
    assert heading(page) == "For everybody by the other"
    assert page.url == f"{proxy.url}/open"
    # It is a page of this site in every respect: its policy, and the kit's script.
    assert "connect-src 'self';" in response.headers["content-security-policy"]
    assert "/_edge/page.js" in response.text()
    [(method, path, names)] = asked(edges)[before:]
    assert (method, path) == ("GET", "/open")
    assert not {"cookie", "authorization", "dpop", "referer", "edgekit-client"} & set(names)


def test_what_is_somebodys_and_what_changes_something_is_not(page, proxy, edges):
    proxy.cut()
    lost = page.goto(f"{proxy.url}/mine")
    assert (lost.status, host_of(lost)) == (503, "browser")
    before = len(asked(edges))
    assert page.evaluate(f"() => ({SEND})('/write').catch((error) => error.name)") == "TypeError"
    assert asked(edges)[before:] == []
    proxy.heal()
    assert page.evaluate(SEND, "/write") == [200, "its own"]
    assert "POST" not in {method for method, _, _ in asked(edges)}


def test_who_is_signed_in_asks_nobody_else(page, proxy, edges):
    with page.expect_navigation():  # a page of somebody else than who is here now is loaded anew
        page.evaluate(f"() => void ({SEND})('/in')")
    assert page.goto(f"{proxy.url}/mine").status == 200
    assert heading(page) == "For ada by its own"
    before = len(asked(edges))
    proxy.cut()
    lost = page.goto(f"{proxy.url}/open")
    assert (lost.status, host_of(lost)) == (503, "browser")
    assert asked(edges)[before:] == []


def test_an_edge_on_node_can_be_that_other_edge(edges):
    proxy, _, release = edges
    process = subprocess.Popen(
        [str(find_node()), "browser/node/serve.js", "--release", str(release)],
        cwd=ROOT,
        env={**os.environ, "EDGEKIT_SITES": proxy.url},
        stdout=subprocess.PIPE,
        text=True,
    )
    url = process.stdout.readline().removeprefix("ready ").strip()
    ours, others = (
        httpx.get(f"{url}/open", headers={"origin": site}) for site in (proxy.url, "http://evil.example")
    )
    process.terminate()
    process.communicate()
    assert ours.headers["access-control-allow-origin"] == proxy.url
    assert "access-control-allow-origin" not in others.headers
    assert "access-control-allow-credentials" not in ours.headers
