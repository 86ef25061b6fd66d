"""A handler that needs what stays on servers: the browser passes the request on, and has not seen it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import httpx2
import pytest

from edge.release import BuildError, build
from edge.release.toolchain import find_node

from ..visit import LIMIT, READY

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ASK = "async (path) => { const r = await fetch(path); return [r.status, r.headers.get('edgekit-host')] }"
SEARCH = """async (text) => {
    const bytes = new TextEncoder().encode(text).join();
    for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        for (const request of await cache.keys()) {
            const body = new Uint8Array(await (await cache.match(request)).arrayBuffer());
            for (let at = body.indexOf(111); at >= 0; at = body.indexOf(111, at + 1)) {
                if (body.subarray(at, at + text.length).join() === bytes) return request.url;
            }
        }
    }
    return null;
}"""


@pytest.fixture(scope="module")
def served(serve, tmp_path_factory):
    return serve("home_app:app", HERE, tmp_path_factory.mktemp("home"), "--no-reload")


def test_the_browser_leaves_it_to_the_edge(chromium, served):
    page = chromium.new_context().new_page()
    page.goto(served.url)
    page.wait_for_function(READY, timeout=LIMIT)
    assert page.evaluate(ASK, "/") == [200, "browser"]
    assert page.evaluate(ASK, "/secret") == [200, "native"]
    assert page.evaluate(SEARCH, "only servers may know this") is None


def test_no_published_file_has_it(served):
    files = [path for path in (served.data / "release").rglob("*") if path.is_file()]
    assert len(files) > 20
    assert [path for path in files if b"only servers may know" in path.read_bytes()] == []


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of a release, and the file with what it leaves out."""
    folder = tmp_path_factory.mktemp("built")
    home = folder / "home.zip"
    build("home_app:app", folder / "release", app_dir=HERE, development=True, quality=0, server_only=home)
    return folder / "release", home


@pytest.fixture
def start_node():
    """`start_node(release, *options)`: the URL of an edge on Node.js."""
    running = []

    def start(release, *options):
        command = [find_node(), "browser/node/serve.js", "--release", release, *options]
        process = subprocess.Popen([*map(str, command)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None
        return process.stdout.readline().removeprefix("ready ").strip()

    yield start
    for process in running:
        process.terminate()
        process.communicate()


def test_an_edge_on_node_has_it_only_if_it_is_given_it(built, start_node):
    release, home = built
    without, having = start_node(release), start_node(release, "--server-only", home)
    assert [httpx2.get(f"{url}/").status_code for url in (without, having)] == [200, 200]
    assert httpx2.get(f"{without}/secret").status_code == 503
    answer = httpx2.get(f"{having}/secret")
    assert (answer.status_code, answer.json(), answer.headers["edgekit-host"]) == (200, 26, "edge")


def test_what_is_server_only_is_its_owners_and_is_not_put_where_it_is_published(built, tmp_path):
    release, home = built
    assert home.stat().st_mode & 0o777 == 0o600
    with pytest.raises(BuildError, match="would be published"):
        build("home_app:app", release, app_dir=HERE, server_only=release / "home.zip")
