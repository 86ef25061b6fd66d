"""What a thief of cookies, proofs or a screen gets from a real Chromium, edge and origin: nothing."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from pathlib import Path

import httpx2 as httpx
import pytest

from edge.keys import KeyFile, NativeKeys
from edge.proof import NONCE_LIFE, Proofs

from ..visit import LIMIT, READY

HERE = Path(__file__).parent
NAME = "(name) => document.querySelector('h1')?.innerText === name"
FORM = "application/x-www-form-urlencoded"

REFUSED = pytest.mark.console_errors("401")  # Chromium itself reports these
# A proof by this browser's own key, made by the code that its worker uses.
PROVE = """async ({ method, path, nonce, body, ik, late }) => {
  const [{ openStore }, { findDeviceKey }, { bodyDigest, makeProof }] = await Promise.all(
    ["store", "device-key", "proof"].map((name) => import(`/_edge/${name}.js`)))
  const store = openStore(indexedDB)
  const [key, { ath }] = await Promise.all([findDeviceKey(store), store.get("view")])
  nonce ??= (await store.get("nonce")).nonce
  const write = ik === undefined ? undefined : { ik, bd: await bodyDigest(new Blob([body ?? ""])) }
  const at = Date.now() - 1000 * (late ?? 0)
  const url = location.origin + path
  return makeProof(key, { method, url, jti: crypto.randomUUID(), at, nonce, ath, write })
}"""
# Chromium puts off the change of workers, for minutes at times, if a request comes at the same moment.
SWITCHED = """async () => {
  const workers = navigator.serviceWorker
  const registration = await workers.getRegistration("/")
  const switched = new Promise((resolve) => workers.addEventListener("controllerchange", resolve))
  await Promise.all([switched, registration.update()])
}"""
EXPORT = """async () => {
  const { openStore } = await import("/_edge/store.js")
  const { privateKey } = await openStore(indexedDB).get("device")
  const wrapping = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["wrapKey"])
  const ways = ["jwk", "pkcs8", "raw", "spki"].map((format) => crypto.subtle.exportKey(format, privateKey))
  const wrap = { name: "AES-GCM", iv: new Uint8Array(12) }
  ways.push(crypto.subtle.wrapKey("pkcs8", privateKey, wrapping, wrap))
  return (await Promise.allSettled(ways)).map(({ status }) => status)
}"""


@pytest.fixture(scope="module")
def served(serve, tmp_path_factory):
    return serve("account_app:app", HERE, tmp_path_factory.mktemp("account"), "--no-reload")


@pytest.fixture(scope="module")
def url(served):
    return served.url


def visit(chromium, url):
    """A browser whose own host is ready."""
    page = chromium.new_context().new_page()
    page.goto(url)
    page.wait_for_function(READY, timeout=LIMIT)
    return page


def sign_in(page, url, user="ada"):
    page.goto(f"{url}/edge")
    page.fill("[name=user]", user)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_function(NAME, arg=user.capitalize())
    return page


@pytest.fixture
def page(chromium, url):
    """Ada has signed in here, in a session that is bound to this browser."""
    return sign_in(visit(chromium, url), url)


def cookies_of(page):
    return {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}


def head_of(token):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))


class Thief:
    """Has everything that travels, and no browser."""

    def __init__(self, page, url):
        self._page = page
        self.client = httpx.Client(base_url=url, cookies=cookies_of(page))

    def prove(self, method="GET", path="/secret", **facts):
        return self._page.evaluate(PROVE, {"method": method, "path": path, **facts})

    def ask(self, proof=None, method="GET", path="/secret", *, key=None, **content):
        headers = {"accept": "application/json"}
        headers |= {"dpop": proof} if proof else {}
        headers |= {"idempotency-key": key} if key else {}
        return self.client.request(method, path, headers=headers, **content)


@pytest.fixture
def thief(page, url):
    thief = Thief(page, url)
    yield thief
    thief.client.close()


def refused(answer):
    return (answer.status_code, answer.json()["code"]) == (401, "device-proof")


def test_the_key_of_the_device_cannot_be_exported(page):
    assert set(page.evaluate(EXPORT)) == {"rejected"}


def test_the_device_proves_itself_with_each_request_that_needs_an_edge(page, url):
    proofs = []
    page.context.on("request", lambda request: proofs.append(request.headers.get("dpop")))
    for path in ("/secret", "/safe"):
        assert page.evaluate("async (path) => (await (await fetch(path)).json()).user", path) == "ada"
    claims = [json.loads(base64.urlsafe_b64decode(proof.split(".")[1] + "==")) for proof in proofs if proof]
    assert {claim["htu"] for claim in claims} >= {f"{url}/secret", f"{url}/safe"}
    assert len({claim["jti"] for claim in claims}) == len(claims)


def test_the_local_host_needs_no_proof(page, url):
    page.wait_for_function(READY)
    seen = []
    page.context.on("request", lambda request: seen.append((request.url, "dpop" in request.headers)))
    assert page.goto(f"{url}/local").headers["edgekit-host"] == "browser"
    assert (f"{url}/local", True) not in seen


def test_stolen_cookies_alone_are_worth_nothing(thief):
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
        answer = thief.ask(None, method, "/secret", key="k" * 16)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'DPoP error="use_dpop_nonce"'


def test_stolen_cookies_open_none_of_the_kits_own_paths(thief):
    for method, path in (("GET", "/_edge/view"), ("POST", "/_edge/session/plain")):
        headers = {"edgekit-client": "1"}
        assert refused(thief.client.request(method, path, headers=headers)), path


def test_single_cookies_are_worth_no_more(page, url):
    cookies = cookies_of(page)
    for name in ("edgekit-refresh", "edgekit-session"):
        assert refused(httpx.get(f"{url}/secret", cookies={name: cookies[name]}))
    # Scripts of the user may read a view, so it proves nothing.
    alone = httpx.get(f"{url}/secret", cookies={"edgekit-view": cookies["edgekit-view"]})
    assert alone.json()["user"] is None


@REFUSED
def test_stolen_cookies_in_another_browser_with_a_key_of_its_own(chromium, page, url):
    other = visit(chromium, url)
    other.context.add_cookies(page.context.cookies())
    assert other.goto(f"{url}/edge").status == 401
    other.wait_for_function(NAME, arg="This device is not known")
    assert other.evaluate("async () => (await fetch('/secret')).status") == 401
    other.get_by_role("button", name="Sign in again").click()
    other.wait_for_function(NAME, arg="nobody")
    assert page.evaluate("async () => (await fetch('/secret')).status") == 200  # Ada is not disturbed


def test_a_proof_that_is_replayed(thief):
    proof = thief.prove()
    assert thief.ask(proof).json()["user"] == "ada"
    assert refused(thief.ask(proof))


def test_a_proof_from_the_wire_is_replayed(page, thief):
    with page.context.expect_event("request", lambda request: "dpop" in request.headers) as caught:
        assert page.evaluate("async () => (await fetch('/secret')).status") == 200
    assert refused(thief.ask(caught.value.headers["dpop"]))


def test_a_proof_for_another_request(thief):
    for method, path in (
        ("HEAD", "/secret"),
        ("GET", "/safe"),
        ("GET", "/secret?a=1"),
        ("GET", "/secret/"),
        ("GET", "/%73ecret"),
    ):
        assert thief.ask(thief.prove(), method, path).status_code == 401, (method, path)


def test_a_proof_for_another_body_or_key(thief):
    facts = {"method": "POST", "path": "/note", "ik": "k" * 16, "body": "text=mine"}

    def ask(key="k" * 16, content="text=mine"):
        proof = thief.prove(**facts)
        headers = {"dpop": proof, "idempotency-key": key, "content-type": FORM}
        return thief.client.post("/note", headers=headers, content=content)

    assert refused(ask(content="text=thine"))
    assert refused(ask(content=""))
    assert refused(ask(key="j" * 16))
    assert ask().status_code == 303


def test_a_proof_for_no_body_at_all(thief):
    """A proof that was made for a read covers no write."""
    answer = thief.ask(thief.prove("POST", "/note"), "POST", "/note", key="k" * 16, data={"text": "x"})
    assert refused(answer)


def test_a_proof_of_another_session_of_the_same_browser(page, thief, url):
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_function(NAME, arg="nobody")
    sign_in(page, url, "bob")
    assert thief.ask(thief.prove()).status_code == 401  # with Ada's cookies


def test_a_nonce_of_another_time(thief, served):
    keys = NativeKeys(KeyFile(served.data / "keys" / "edge-private.json", time.monotonic), time.time)

    def nonce(periods):
        then = time.time() + periods * NONCE_LIFE
        return Proofs(keys.verify_proof_signature, keys, lambda: then, time.monotonic).nonce()

    for wrong in (nonce(-2), nonce(-3), nonce(1), "made-up"):
        assert refused(thief.ask(thief.prove(nonce=wrong)))
    assert thief.ask(thief.prove(nonce=nonce(0))).status_code == 200


def test_a_proof_after_its_time_or_before_it(thief):
    for late in (32, 3600, -32, -3600):
        assert refused(thief.ask(thief.prove(late=late)))


def test_what_is_signed_in_is_encrypted(page):
    cookies = cookies_of(page)
    assert head_of(cookies["edgekit-session"])["enc"] == "A256GCM"
    stored = page.evaluate(
        "async () => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])"
    )
    for value in cookies.values():
        assert value not in stored


# Signing out


def test_signing_out_in_one_tab_empties_the_other(page, url):
    page.fill("[name=text]", "buy milk")
    page.get_by_role("button", name="Note").click()
    page.wait_for_function("() => document.querySelector('#notes').innerText === 'buy milk'")
    other, local = page.context.new_page(), page.context.new_page()
    other.goto(f"{url}/edge")
    assert local.goto(f"{url}/local").headers["edgekit-host"] == "browser"
    for tab in (other, local):
        tab.wait_for_function(NAME, arg="Ada")
    page.get_by_role("button", name="Sign out", exact=True).click()
    for tab in (page, other, local):
        tab.wait_for_function(NAME, arg="nobody")
        tab.wait_for_load_state()
        tab.wait_for_function("() => !document.documentElement.outerHTML.includes('milk')")
    assert "edgekit-refresh" not in cookies_of(page)
    held = page.evaluate(
        "async () => JSON.stringify(await (await import('/_edge/store.js')).openStore(indexedDB).get('view'))"
    )
    assert "Ada" not in held
    assert "milk" not in held
    fresh = page.context.new_page()
    fresh.goto(f"{url}/local")
    fresh.wait_for_function(NAME, arg="nobody")
    assert "milk" not in fresh.content()


def test_going_back_after_signing_out_shows_nothing(page, url):
    for path in ("/edge", "/local", "/"):
        page.goto(url + path)
        page.wait_for_function(NAME, arg="Ada")
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_function(NAME, arg="nobody")
    for _ in range(3):
        page.go_back()
        page.wait_for_function(NAME, arg="nobody")


def test_an_app_may_decide_itself_what_happens_to_its_page(page, url):
    other = page.context.new_page()
    other.goto(f"{url}/edge")
    other.evaluate("""() => edgekit.addEventListener("user", (event) => {
      event.preventDefault()
      document.title = `now ${event.detail.user}`
    })""")
    page.get_by_role("button", name="Sign out", exact=True).click()
    other.wait_for_function("() => document.title.startsWith('now ')")
    assert other.inner_text("h1") == "Ada"


def test_without_a_service_worker_tabs_tell_each_other(chromium, url):
    context = chromium.new_context(service_workers="block")
    page, other = context.new_page(), context.new_page()
    sign_in(page, url)
    other.goto(f"{url}/edge")
    other.wait_for_function(NAME, arg="Ada")
    page.get_by_role("button", name="Sign out", exact=True).click()
    other.wait_for_function(NAME, arg="nobody")


def test_a_session_that_is_ended_elsewhere_disappears_from_the_local_host(chromium, page, url):
    elsewhere = sign_in(visit(chromium, url), url)
    page.goto(f"{url}/local")
    page.bring_to_front()
    page.wait_for_function(NAME, arg="Ada")
    elsewhere.get_by_role("button", name="Sign out everywhere").click()
    elsewhere.wait_for_function(NAME, arg="nobody")
    page.wait_for_function(NAME, arg="nobody", timeout=30_000)
    assert page.evaluate("async () => (await (await fetch('/secret')).json()).user") != "ada"


# Around the service worker


@REFUSED
def test_a_reload_around_the_service_worker_needs_no_new_sign_in(page, url):
    page.goto(f"{url}/edge")
    page.context.new_cdp_session(page).send("Page.reload", {"ignoreCache": True})
    page.wait_for_function(NAME, arg="Ada")
    assert page.evaluate("async () => (await (await fetch('/safe')).json()).user") == "ada"


@pytest.mark.console_errors("401|403|ERR_FAILED")
def test_a_browser_whose_host_is_switched_off_goes_on_without_its_device(page, url, served):
    folder, bound = served.data / "release", page.context.cookies()
    release = json.loads((folder / "_edge/manifest.json").read_text())["release"]
    kit = Path(sys.executable).with_name("edgekit")
    subprocess.run([kit, "release", "stop", "-o", folder], check=True)
    try:
        page.evaluate(SWITCHED)
        page.goto(f"{url}/edge")
        page.wait_for_function(NAME, arg="Ada")
        page.fill("[name=text]", "still here")
        page.get_by_role("button", name="Note").click()
        page.wait_for_function("() => document.querySelector('#notes').innerText === 'still here'")
        assert page.evaluate("async () => (await fetch('/safe')).status") == 403
        page.goto(f"{url}/edge")
        page.context.add_cookies(bound)  # as after ten minutes, when the plain session has ended
        page.fill("[name=text]", "again")
        page.get_by_role("button", name="Note").click()
        page.wait_for_function(NAME, arg="Send it again")
        page.go_back()
        page.fill("[name=text]", "again")
        page.get_by_role("button", name="Note").click()
        page.wait_for_function("() => document.querySelector('#notes')?.innerText.endsWith('again')")
    finally:
        subprocess.run([kit, "release", "use", release, "-o", folder], check=True)


@pytest.mark.console_errors("403")
def test_without_scripts_a_session_is_a_plain_cookie_that_some_routes_refuse(chromium, url):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(url)
    page.get_by_role("button", name="Sign in").click()
    assert page.get_by_role("heading", name="Ada").count() == 1
    assert page.goto(f"{url}/safe").status == 403
