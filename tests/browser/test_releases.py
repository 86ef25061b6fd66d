"""Releases in a real Chromium: whatever is interrupted, damaged or gone, a page runs one of them whole."""

from __future__ import annotations

import os
import random
import time

import pytest

from edge.release import history

from ..visit import stop_worker
from .site import Site, build_small, unlike

INTERRUPTS = int(os.environ.get("EDGEKIT_INTERRUPTS", "15"))
LIMIT = 120  # seconds; the machine may be busy
UNREAD = {"loader", "factory", "engine", "worker", "kit", "late"}  # roles of files that a start does not read
CUT = "Failed to (load|fetch)|ERR_|net::"  # what Chromium says of requests that were cut off
# How an update has ended, as soon as it has come to one of these states; the same of a first install.
UPDATE = """async (ends) => {
  const registration = await navigator.serviceWorker.getRegistration("/");
  try { await registration.update(); } catch { return "unreachable"; }
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  while (!ends.includes(worker.state)) {
    await new Promise((resolve) => worker.addEventListener("statechange", resolve, { once: true }));
  }
  return worker.state;
}"""
INSTALL = """async () => {
  const options = { updateViaCache: "imports", scope: "/" };
  try {
    const registration = await navigator.serviceWorker.register("/sw.js", options);
    const worker = registration.installing ?? registration.waiting ?? registration.active;
    while (worker && !["activated", "redundant"].includes(worker.state)) {
      await new Promise((resolve) => worker.addEventListener("statechange", resolve, { once: true }));
    }
    return worker?.state ?? "redundant";
  } catch {
    return "unreachable";
  }
}"""
TAKEN_OVER = """async (release) => {
  const { active } = (await navigator.serviceWorker.getRegistration("/")) ?? {};
  const { phase, release: own } = edgekit.state;
  return active?.state === "activated" && phase === "ready" && own === release;
}"""
IS_WHOLE = """async (release) =>
  (await caches.match("/_edge/manifest.json", { cacheName: "edgekit-release-" + release })) !== undefined
"""
READ = """async (path) => {
  const response = await fetch(path);
  return [response.headers.get("edgekit-host"), await response.text()];
}"""
SNAPSHOT_SIZE = """async (release) => {
  const options = { cacheName: "edgekit-release-" + release };
  const kinds = ["jspi", "plain"].map((kind) => caches.match("/_edge/snapshot/" + kind, options));
  const kept = (await Promise.all(kinds)).find((found) => found !== undefined);
  return (await kept?.arrayBuffer())?.byteLength ?? 0;
}"""
# All that is kept there but `routes`, a note about one release.
ROWS = """() => new Promise((resolve, reject) => {
  const opening = indexedDB.open("edgekit");
  opening.onerror = () => reject(opening.error);
  opening.onsuccess = () => {
    const transaction = opening.result.transaction("values");
    const table = transaction.objectStore("values");
    const rows = {};
    table.openCursor().onsuccess = ({ target: { result: cursor } }) => {
      if (cursor === null) return;
      if (cursor.key !== "routes") rows[cursor.key] = cursor.value;
      cursor.continue();
    };
    transaction.oncomplete = () => {
      opening.result.close();
      resolve(rows);
    };
  };
})"""
TAMPER = """async ([name, key]) => {
  const cache = await caches.open(name);
  const bytes = new Uint8Array(await (await cache.match(key)).arrayBuffer());
  bytes[bytes.length >> 1] ^= 1;
  await cache.put(key, new Response(bytes, { headers: (await cache.match(key)).headers }));
}"""
IS_TAMPERED = """async ([cacheName, key, digest]) => {
  const kept = await caches.match(key, { cacheName });
  const hash = await crypto.subtle.digest("SHA-256", await kept.arrayBuffer());
  return digest !== [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}"""
FORGET = """async ([release, path]) => {
  await caches.delete("edgekit-release-" + release);
  await (await caches.open("edgekit-static")).delete(path);
}"""
STYLE = """() => getComputedStyle(document.documentElement).getPropertyValue("--version")"""
# Load a file as a page does, by an element; what it was, once it is there.
LOAD_STYLE = """(href) => new Promise((resolve, reject) => {
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
  link.onload = () => resolve(getComputedStyle(document.documentElement).getPropertyValue("--version"));
  link.onerror = reject;
  document.head.append(link);
})"""
KEPT_STATIC = """async () => {
  const keys = await (await caches.open("edgekit-static")).keys();
  return keys.map(({ url }) => new URL(url).pathname);
}"""
LOAD_SCRIPT = """(href) => import(href).then(() => globalThis.version)"""


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    return build_small(tmp_path_factory.mktemp("one"), "one")


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A changed handler and a changed static file; everything else is as in `one`."""
    return build_small(tmp_path_factory.mktemp("two"), "two")


@pytest.fixture(scope="module")
def all_new(two, tmp_path_factory):
    """`two` with no file in common with `one`, so that all of it has to be fetched."""
    return unlike(two, tmp_path_factory.mktemp("all-new"))


@pytest.fixture(scope="module")
def foreign(two, tmp_path_factory):
    """`two` with another protocol."""

    def change(name, content):
        return (
            content.replace(b"PROTOCOL = 1;", b"PROTOCOL = 2;")
            if name in ("protocol.js", "kit.js")
            else content
        )

    return unlike(two, tmp_path_factory.mktemp("foreign"), change)


@pytest.fixture
def site(one, tmp_path):
    site = Site(tmp_path / "releases")
    site.publish(one)
    with site.serve():
        yield site


@pytest.fixture
def page(chromium, site):
    return chromium.new_context().new_page()


def wait(page, condition, arg=None):
    """Until the function, which may be asynchronous, returns something true."""
    late = time.monotonic() + LIMIT
    while not page.evaluate(condition, arg):
        assert time.monotonic() < late, page.evaluate("() => JSON.stringify(edgekit.state)")
        page.wait_for_timeout(20)


def take_over(page, site, built):
    """Visit, and wait until the browser's own host runs this release."""
    page.goto(site.url)
    wait(page, TAKEN_OVER, built.id)


def update(page, *ends):
    return page.evaluate(UPDATE, ends or ["activated", "redundant"])


def runs(page, site):
    """The version that page, static file and state agree on, and the host of the page."""
    answer = page.goto(site.url)
    version = page.get_by_role("heading").inner_text()
    host, static = page.evaluate(READ, "/static/version.txt")
    assert static == version
    assert host == answer.headers["edgekit-host"]
    return version, host


class Leftovers:
    """Workers that Chromium would stop by itself, were it not for the debugger; they hold on to storage."""

    def __init__(self, page):
        self._session = page.context.new_cdp_session(page)
        self._running = {}
        self._session.on("ServiceWorker.workerVersionUpdated", self._note)
        self._session.send("ServiceWorker.enable")

    def _note(self, event):
        for one in event["versions"]:
            self._running[one["versionId"]] = (one["status"], one["runningStatus"]) == (
                "redundant",
                "running",
            )

    def stop(self):
        for version in [version for version, runs in self._running.items() if runs]:
            self._session.send("ServiceWorker.stopWorker", {"versionId": version})


def limit_storage(page, site, free):
    """Leave the site so many bytes; call what is returned to lift the limit."""
    session = page.context.new_cdp_session(page)
    usage = page.evaluate("() => navigator.storage.estimate().then(({ usage }) => usage)")
    quota = {"origin": site.url, "quotaSize": max(usage + free, 1)}
    session.send("Storage.overrideQuotaForOrigin", quota)
    return lambda: session.send("Storage.overrideQuotaForOrigin", {"origin": site.url})


def test_an_update_takes_over_under_an_open_tab_and_lets_the_old_worker_finish(page, site, one, two):
    take_over(page, site, one)
    rows = page.evaluate(ROWS)
    page.evaluate("() => { globalThis.slow = fetch('/slow').then((response) => response.text()); }")
    site.publish(two)
    update(page, "installed", "activated")
    site.slow.set()
    assert page.evaluate("() => slow") == "slow"
    wait(page, TAKEN_OVER, two.id)
    assert page.evaluate(READ, "/static/version.txt") == ["browser", "two"]
    assert page.get_by_role("heading").inner_text() == "edge"  # the page was not reloaded
    assert runs(page, site) == ("two", "browser")
    assert page.evaluate(ROWS) == rows
    assert set(page.evaluate("() => caches.keys()")) == {f"edgekit-release-{two.id}", "edgekit-static"}


def test_an_update_fetches_what_has_changed(page, site, one, two):
    take_over(page, site, one)
    site.publish(two)
    site.requests.clear()
    update(page)
    wait(page, TAKEN_OVER, two.id)
    fetched = {path for path in two.files if path in site.requests}
    changed = {path for path in two.installed if path not in one.files}
    # What the worker itself is made of comes from the HTTP cache, which may have lost some of it.
    running = {two.manifest.document["roles"][role] for role in ("engine", "worker")}
    assert changed <= fetched <= changed | running
    assert f"/_edge/releases/{two.id}.json" in site.requests


@pytest.mark.console_errors(CUT)
def test_the_server_may_switch_in_the_middle_of_an_install(page, site, one, two, all_new):
    take_over(page, site, one)
    site.publish(all_new)
    page.evaluate("""async () => {
      const registration = await navigator.serviceWorker.getRegistration("/");
      await registration.update();
    }""")
    site.publish(two)
    wait(page, TAKEN_OVER, all_new.id)
    assert runs(page, site) == ("two", "browser")
    update(page)
    wait(page, TAKEN_OVER, two.id)
    assert runs(page, site) == ("two", "browser")


@pytest.mark.console_errors(CUT)
def test_an_update_that_is_cut_off_anywhere_leaves_one_whole_release(
    page, site, one, all_new, record_property
):
    seed = int(os.environ.get("EDGEKIT_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
    print(f"EDGEKIT_SEED={seed}")
    dice = random.Random(seed)
    site.is_kept = False
    take_over(page, site, one)
    leftovers = Leftovers(page)
    old, new = one, all_new
    ends = {"unreachable": 0, "redundant": 0, "activated": 0}
    while ends["unreachable"] + ends["redundant"] < INTERRUPTS:
        site.publish(new)
        site.wire.mend()
        site.wire.cut_after(dice.randrange(1, new.size))
        end = update(page)
        ends[end] += 1
        site.wire.cut()
        now = new if end == "activated" else old
        if end == "activated":
            site.wire.mend()
            wait(page, TAKEN_OVER, new.id)
            site.wire.cut()
        assert runs(page, site) == (now.version, "browser"), (seed, end)
        site.wire.mend()
        if end != "activated":
            assert update(page) == "activated", (seed, end)
        wait(page, TAKEN_OVER, new.id)
        assert runs(page, site) == (new.version, "browser"), (seed, end)
        leftovers.stop()
        old, new = new, old
    print(ends)
    record_property("interrupts", ends)


@pytest.mark.console_errors(".")
def test_a_first_install_with_a_wrong_byte_in_any_file_is_refused(chromium, site, one):
    for path in one.installed:
        page = chromium.new_context().new_page()
        site.tampered = {path}
        page.goto(site.url)
        assert page.evaluate(INSTALL) in ("redundant", "unreachable"), path
        assert runs(page, site) == ("edge", "native"), path
        page.context.close()


@pytest.mark.console_errors(".")
def test_an_update_with_a_wrong_byte_in_any_file_is_refused_and_the_old_release_goes_on(
    page, site, one, all_new
):
    site.is_kept = False
    take_over(page, site, one)
    site.publish(all_new)
    late = all_new.manifest.document["roles"]["late"]  # fetched later, see below
    for path in all_new.installed:
        site.tampered = {path}
        # What has arrived before is not fetched again.
        page.evaluate(FORGET, [all_new.id, path])
        assert update(page) in ("redundant", "unreachable"), path
        assert runs(page, site) == ("one", "browser"), path
    site.tampered = {late}
    assert update(page) == "activated"
    wait(page, TAKEN_OVER, all_new.id)
    wait(
        page,
        "() => fetch('/_edge/browser').then((answer) => answer.text()).then((text) => /promises/.test(text))",
    )
    assert runs(page, site) == ("two", "browser")


def test_a_wrong_byte_in_any_kept_file_is_found_and_put_right(page, site, one):
    """As script of a page could plant it, or a disk could make it."""
    take_over(page, site, one)
    roles = one.manifest.document["roles"]
    read = {url for role, url in roles.items() if role not in UNREAD}
    read |= set(one.manifest.document["static"].values())
    for path in read:
        kept = one.place(path)
        page.evaluate(TAMPER, kept)
        assert page.evaluate(IS_TAMPERED, kept)
        stop_worker(page)
        page.reload()
        wait(page, TAKEN_OVER, one.id)
        assert runs(page, site) == ("one", "browser"), path
        wait(page, f"async (kept) => !(await ({IS_TAMPERED})(kept))", kept)


def test_a_wrong_byte_in_any_kept_file_does_not_reach_the_next_release(page, site, one, two):
    take_over(page, site, one)
    for path in one.kept:
        page.evaluate(TAMPER, one.place(path)[:2])
    site.publish(two)
    update(page)
    wait(page, TAKEN_OVER, two.id)
    assert runs(page, site) == ("two", "browser")
    for path in two.kept:
        assert not page.evaluate(IS_TAMPERED, two.place(path)), path


def test_a_planted_manifest_is_not_believed(page, site, one):
    take_over(page, site, one)
    page.evaluate(
        """async (release) => {
          const cache = await caches.open("edgekit-release-" + release);
          const manifest = await (await cache.match("/_edge/manifest.json")).json();
          manifest.placement = [];
          await cache.put("/_edge/manifest.json", new Response(JSON.stringify(manifest)));
        }""",
        one.id,
    )
    stop_worker(page)
    page.reload()
    wait(page, TAKEN_OVER, one.id)
    assert f"/_edge/releases/{one.id}.json" in site.requests
    assert runs(page, site) == ("one", "browser")


@pytest.mark.console_errors(".")
def test_a_page_has_the_static_files_of_its_own_release(page, site, one, two):
    """Whichever worker is in charge, and without a network as well."""
    files = {built.version: built.manifest.document["static"] for built in (one, two)}
    take_over(page, site, one)
    assert page.evaluate(READ, "/style") == ["browser", files["one"]["/static/version.css"]]
    site.publish(two)
    site.tampered = {two.manifest.document["roles"]["app"]}  # its worker cannot be installed yet
    ahead = page.context.new_page()
    ahead.goto(f"{site.url}/styled")
    assert ahead.evaluate(STYLE) == "two"
    assert ahead.evaluate(READ, "/style") == ["browser", files["one"]["/static/version.css"]]
    assert update(page) in ("redundant", "unreachable")
    site.tampered = set()
    update(page)
    wait(page, TAKEN_OVER, two.id)
    assert page.evaluate(READ, "/style") == ["browser", files["two"]["/static/version.css"]]
    site.wire.cut()
    site.requests.clear()
    for version in ("one", "two"):
        assert page.evaluate(LOAD_STYLE, files[version]["/static/version.css"]) == version
        assert page.evaluate(LOAD_SCRIPT, files[version]["/static/version.js"]) == version
    site.wire.mend()
    assert site.requests == []


def test_static_files_wait_neither_for_python_nor_for_the_worker(page, site, one):
    files = one.manifest.document["static"]
    take_over(page, site, one)
    page.evaluate("""() => {
      globalThis.isBusy = true;
      fetch("/busy/3").then((response) => response.text()).then(() => { globalThis.isBusy = false; });
    }""")
    page.wait_for_timeout(500)  # until Python sleeps
    assert page.evaluate(LOAD_STYLE, files["/static/version.css"]) == "one"
    assert page.evaluate(LOAD_SCRIPT, files["/static/version.js"]) == "one"
    assert page.evaluate("() => isBusy")
    wait(page, "() => !isBusy")

    states = []
    session = page.context.new_cdp_session(page)
    session.on("ServiceWorker.workerVersionUpdated", lambda event: states.extend(event["versions"]))
    session.send("ServiceWorker.enable")
    stop_worker(page)
    page.wait_for_timeout(500)
    states.clear()
    site.requests.clear()
    assert page.evaluate(LOAD_STYLE, files["/static/version.css"] + "#again") == "one"
    page.wait_for_timeout(200)
    assert [one["runningStatus"] for one in states if one["runningStatus"] != "stopped"] == []
    assert site.requests == []


def test_back_to_an_earlier_release_and_on_again(page, site, one, two):
    take_over(page, site, one)
    for built in (two, one, two):
        if built.id in {known.release for known in history.releases(site.folder)}:
            site.use(built)
        else:
            site.publish(built)
        update(page)
        wait(page, TAKEN_OVER, built.id)
        assert runs(page, site) == (built.version, "browser")


def test_the_browser_host_is_switched_off_and_on_again(page, site, one, two):
    take_over(page, site, one)
    rows = page.evaluate(ROWS)
    site.stop()
    assert update(page) == "activated"
    assert page.evaluate(READ, "/static/version.txt") == ["native", "edge"]
    wait(page, "() => edgekit.state.phase === 'idle'")
    for _ in range(2):
        assert runs(page, site) == ("edge", "native")
    assert page.evaluate("() => caches.keys()") == []
    assert page.evaluate(ROWS) == rows
    site.publish(two)
    site.use(one)
    update(page)
    wait(page, TAKEN_OVER, one.id)
    assert runs(page, site) == ("one", "browser")
    assert page.evaluate(ROWS) == rows


def test_a_release_with_another_protocol_asks_first(page, site, one, foreign):
    take_over(page, site, one)
    page.evaluate(
        "() => { edgekit.addEventListener('update', ({ detail }) => { globalThis.offered = detail; }); }"
    )
    rows = page.evaluate(ROWS)
    site.publish(foreign)
    assert update(page, "installed", "activated") == "installed"
    wait(page, "(release) => globalThis.offered?.release === release", foreign.id)
    assert runs(page, site) == ("one", "browser")
    # A page that was opened later hears of it too, and takes it.
    wait(page, "(release) => edgekit.offered === release", foreign.id)
    with page.expect_navigation():
        page.evaluate("() => edgekit.update()")
    wait(page, TAKEN_OVER, foreign.id)
    assert runs(page, site) == ("two", "browser")
    assert page.evaluate(ROWS) == {**rows, "protocol": 2}


def test_a_release_with_another_protocol_takes_over_when_no_page_is_open(page, site, one, foreign):
    take_over(page, site, one)
    site.publish(foreign)
    assert update(page, "installed", "activated") == "installed"
    context = page.context
    page.close()
    page = context.new_page()
    take_over(page, site, foreign)
    assert runs(page, site) == ("two", "browser")


@pytest.mark.console_errors("no room left|Quota")
def test_where_the_release_finds_no_room_the_edge_answers(page, site):
    session = page.context.new_cdp_session(page)
    session.send("Storage.overrideQuotaForOrigin", {"origin": site.url, "quotaSize": 4_000_000})
    page.goto(site.url)
    wait(page, "() => edgekit.state.phase === 'failed' && /no room left/.test(edgekit.state.reason)")
    assert runs(page, site) == ("edge", "native")


def test_where_room_is_short_the_snapshot_makes_room_for_the_update(page, site, one, all_new):
    take_over(page, site, one)
    wait(page, SNAPSHOT_SIZE, one.id)
    free = all_new.size + 4_000_000 - page.evaluate(SNAPSHOT_SIZE, one.id)
    assert free < all_new.size
    limit_storage(page, site, free)
    site.publish(all_new)
    assert update(page) == "activated"
    wait(page, TAKEN_OVER, all_new.id)
    assert runs(page, site) == ("two", "browser")


@pytest.mark.console_errors("no room left|Quota")
def test_where_an_update_finds_no_room_the_old_release_goes_on(page, site, one, all_new):
    take_over(page, site, one)
    wait(page, SNAPSHOT_SIZE, one.id)
    unlimited = limit_storage(page, site, -page.evaluate(SNAPSHOT_SIZE, one.id))
    site.publish(all_new)
    assert update(page) == "redundant"
    assert set(page.evaluate("() => caches.keys()")) == {f"edgekit-release-{one.id}", "edgekit-static"}
    assert set(page.evaluate(KEPT_STATIC)) == set(one.manifest.document["static"].values())
    assert runs(page, site) == ("one", "browser")
    unlimited()
    assert update(page) == "activated"
    wait(page, TAKEN_OVER, all_new.id)
    assert runs(page, site) == ("two", "browser")


def test_evicted_caches_are_filled_again_and_the_page_notices_nothing(page, site, one):
    take_over(page, site, one)
    page.evaluate("async () => { for (const name of await caches.keys()) await caches.delete(name); }")
    assert page.evaluate(READ, "/")[1] == "<!doctype html><link rel=icon href=data:,><h1>one</h1>"
    assert page.evaluate(READ, "/static/version.txt") == ["browser", "one"]
    page.evaluate("() => navigator.serviceWorker.controller.postMessage({ type: 'warm' })")
    wait(page, IS_WHOLE, one.id)
    stop_worker(page)
    site.wire.cut()
    answer = page.goto(site.url)
    assert answer.headers["edgekit-host"] == "browser"
    site.wire.mend()


def test_the_service_worker_is_small(site):
    for built in history.releases(site.folder):
        assert (site.folder / "_edge" / "releases" / f"{built.release}.js").stat().st_size < 30_000
    site.stop()
    assert (site.folder / "sw.js").stat().st_size < 30_000


@pytest.mark.console_errors("401")
def test_behind_a_password_the_browser_takes_part(chromium, site, one):
    """case P18: a proxy asks everybody for one, and browsers send it with what is not anonymous."""
    site.password = "tea"
    credentials = {"username": "guest", "password": "tea"}
    page = chromium.new_context(http_credentials=credentials).new_page()
    take_over(page, site, one)
    assert runs(page, site) == ("one", "browser")
