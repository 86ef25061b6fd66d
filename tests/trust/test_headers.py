"""What browsers make of the security headers: the same on every host, and nothing gets past them."""

from __future__ import annotations

import re
from pathlib import Path

import httpx2 as httpx
import pytest

from edge.security_headers import ALWAYS, CONTENT_SECURITY_POLICY, DOCUMENT, SCRIPT

from ..visit import take_over

HERE = Path(__file__).parent
REFUSED = "Content Security Policy|Refused to|blocked|requires 'Trusted(HTML|Script|ScriptURL)'|violates"
WATCH = "addEventListener('securitypolicyviolation', (event) => edgekitTestNote(event.violatedDirective))"
RAN = "() => [globalThis.ranInline, globalThis.ranHandler, globalThis.ranLink].filter(Boolean).length"


@pytest.fixture(scope="module")
def url(serve, tmp_path_factory):
    return serve("headers_app:app", HERE, tmp_path_factory.mktemp("headers"), "--no-reload").url


@pytest.fixture
def context(chromium):
    return chromium.new_context()


@pytest.fixture
def page(context):
    return context.new_page()


@pytest.fixture
def violations(context):
    """What the pages of `context` report from now on, in order."""
    found: list[str] = []
    context.expose_binding("edgekitTestNote", lambda _source, directive: found.append(directive))
    context.add_init_script(WATCH)
    return found


def security(headers):
    return {name: headers[name] for name, _ in said([*ALWAYS, *DOCUMENT]) if name in headers}


def said(pairs):
    return [(name.decode(), value.decode()) for name, value in pairs]


@pytest.mark.parametrize("path", ["/", "/inline", "/nothing-here", "/_edge/nothing-here"])
def test_pages_of_an_edge_have_them(url, path):
    answer = httpx.get(url + path, headers={"accept": "text/html"})
    expected = dict(said([*ALWAYS, *DOCUMENT]))
    if not answer.headers["content-type"].startswith("text/html"):
        expected = dict(said(ALWAYS))
    assert security(answer.headers) == expected


@pytest.mark.parametrize("path", ["/sw.js", "/_edge/page.js", "/assets/probe.js"])
def test_scripts_have_them_because_workers_follow_their_own(url, path):
    answer = httpx.get(url + path, follow_redirects=True)
    assert security(answer.headers) == dict(said([*ALWAYS, *SCRIPT]))


@pytest.mark.console_errors(f"503|404|ERR_|{REFUSED}")
def test_pages_made_in_the_browser_have_those_of_the_edge(page, context, url):
    take_over(page, url)
    paths = ["/", "/inline", "/assets/offline.html", "/assets/probe.js"]
    for path in paths:
        answer = page.goto(url + path)
        assert (answer.headers["edgekit-host"], answer.from_service_worker) == ("browser", True), path
        assert security(answer.headers) == security(httpx.get(url + path).headers), path
        assert "cross-origin-opener-policy" in answer.headers
    assert security(page.goto(f"{url}/_edge/browser").headers) == dict(said([*ALWAYS, *DOCUMENT]))
    context.set_offline(True)
    lost = page.goto(f"{url}/edge-only")
    assert (lost.status, lost.headers["edgekit-host"]) == (503, "browser")
    assert security(lost.headers) == dict(said([*ALWAYS, *DOCUMENT]))
    assert page.get_by_role("heading", name="Our own page for this").is_visible()
    assert page.evaluate(RAN) == 0


@pytest.mark.console_errors(REFUSED)
@pytest.mark.parametrize("host", ["native", "browser"])
def test_inline_code_does_not_run_wherever_the_page_was_made(page, url, host):
    if host == "browser":
        take_over(page, url)
    assert page.goto(f"{url}/inline").headers["edgekit-host"] == host
    page.get_by_role("link", name="link").click()
    assert page.evaluate(RAN) == 0
    assert page.evaluate("() => getComputedStyle(document.querySelector('h1')).color") != "rgb(1, 2, 3)"


@pytest.mark.console_errors(REFUSED)
@pytest.mark.parametrize("host", ["native", "browser"])
def test_a_script_can_neither_make_code_nor_register_another_worker(page, url, host):
    if host == "browser":
        take_over(page, url)
    assert page.goto(f"{url}/probe").headers["edgekit-host"] == host
    page.wait_for_function("() => globalThis.probe")
    assert page.evaluate("() => globalThis.probe") == {
        "eval": "EvalError",
        "Function": "EvalError",
        "innerHTML": "TypeError",
        "script text": "TypeError",
        "script address": "TypeError",
        "another policy": "TypeError",
        "the kit's policy once more": "TypeError",
        "another service worker": "TypeError",
        "our service worker by a string": "TypeError",
        "worker": "TypeError",
        "script of a data URL": "TypeError",
        "another site": "TypeError",
        "WebAssembly": "allowed",
    }


@pytest.mark.console_errors("403")
def test_no_other_script_is_served_as_a_service_worker(page, url):
    page.goto(f"{url}/loose")  # no Trusted Types there
    assert page.evaluate("() => globalThis.ranInline")
    for path in ("/assets/worker.js", "/_edge/page.js"):
        script = f"() => navigator.serviceWorker.register('{path}').catch((error) => error.message)"
        assert re.search("403", page.evaluate(script)), path
    asked = {"service-worker": "script"}
    assert httpx.get(f"{url}/sw.js", headers=asked).status_code == 200
    assert httpx.get(f"{url}/assets/worker.js", headers=asked).status_code == 403
    assert httpx.get(f"{url}/assets/worker.js").status_code == 200


@pytest.mark.parametrize("host", ["native", "browser"])
def test_an_apps_own_policy_stays(page, url, host):
    if host == "browser":
        take_over(page, url)
    answer = page.goto(f"{url}/loose")
    assert answer.headers["edgekit-host"] == host
    assert answer.headers["content-security-policy"].startswith("default-src 'self'; ")
    assert page.evaluate("() => globalThis.ranInline")


@pytest.mark.console_errors("503|404|ERR_")
def test_the_shop_works_under_the_policy(page, context, shop, violations):
    url = shop.url
    take_over(page, url)
    assert page.goto(url).headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    strip = page.get_by_role("status").filter(has_text="answered by this browser")
    assert strip.evaluate("(strip) => getComputedStyle(strip).display") == "flex"
    page.get_by_role("searchbox").fill("sencha")
    page.get_by_role("searchbox").press("Enter")
    page.wait_for_url("**q=sencha")
    page.goto(f"{url}/products/sencha-uji")
    for button in ("Add to cart", "Place the order"):
        with page.expect_navigation():
            page.get_by_role("button", name=button, exact=True).click()
    page.wait_for_url("**/orders/*")
    for path in ("/orders", "/cart", "/nothing-here", "/_edge/nothing-here", "/_edge/browser"):
        page.goto(url + path)
    context.set_offline(True)
    page.goto(url)
    page.goto(f"{url}/products/sencha-uji")
    with page.expect_navigation() as navigation:
        page.get_by_role("button", name=re.compile("Add to cart|Change the cart")).click()
    assert (navigation.value.status, navigation.value.url) == (200, f"{url}/cart")
    with page.expect_navigation() as navigation:
        page.get_by_role("button", name="Place the order").click()
    assert navigation.value.status == 503
    assert page.evaluate("() => getComputedStyle(document.querySelector('main')).maxWidth") != "none"
    assert violations == []
