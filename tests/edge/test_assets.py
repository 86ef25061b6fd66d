"""Which files a native host serves, how long anybody may keep them, and what a switch of releases changes."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import brotli
import pytest
from starlette.testclient import TestClient

from edge.errors import Problem
from edge.hosts.assets import Assets
from edge.release import history
from edge.release.manifest import make_manifest, place, place_together
from edge.release.publish import publish

CHANGING = {"/sw.js": "no-store", "/_edge/manifest.json": "no-cache"}


@pytest.fixture
def publish_release(tmp_path):
    """`publish_release(text)` publishes a release whose files hold `text`; returns its manifest."""

    def run(text, edges=(), **options):
        source = tmp_path / f"source-{text}"
        source.mkdir(exist_ok=True)
        names = ("service-worker.js", "page.js", "strip.js")
        for name in (*names, "app.zip", "pyodide.mjs", "tea.css"):
            (source / name).write_text(f"/* {name} {text} */" * 20)
        kit = place_together("kit", source, names)
        app = place("app", "app.zip", source / "app.zip")
        loader = place("pyodide", "pyodide.mjs", source / "pyodide.mjs")
        roles = {
            "kit": kit["page.js"].url.removesuffix("page.js"),
            "engine": loader.url,
            "worker": loader.url,
        }
        css = place("static", "tea.css", source / "tea.css")
        assets = [*kit.values(), app, loader, css]
        members = {
            "app": "tea:app",
            "roles": {**roles, "app": app.url},
            "static": {"/static/tea.css": css.url},
        }
        manifest = make_manifest({**members, **({"edges": edges} if edges else {})}, assets)
        packed = source / "packed"
        packed.write_bytes(brotli.compress((source / "page.js").read_bytes()))
        out = tmp_path / "out"
        publish(out, manifest, assets, {kit["page.js"].url: packed}, **{"now": 1_700_000_000, **options})
        return SimpleNamespace(
            id=manifest.release, roles=manifest.document["roles"], out=out, manifest=manifest
        )

    return run


@pytest.fixture
def client(tmp_path):
    """Answers as the host would; a problem becomes its status."""
    static = tmp_path / "static"
    static.mkdir()
    (static / "tea.css").write_text("h1 {}")
    assets = Assets(tmp_path / "out", {"/static": static})

    async def app(scope, receive, send):
        try:
            await assets(scope, receive, send)
        except Problem as problem:
            await send({"type": "http.response.start", "status": problem.status, "headers": []})
            await send({"type": "http.response.body"})

    return TestClient(app)


def test_the_worker_is_never_kept_and_the_rest_of_the_stable_names_is_asked_for_again(
    client, publish_release
):
    publish_release("green")
    assert {path: client.get(path).headers["cache-control"] for path in CHANGING} == CHANGING
    assert client.get("/sw.js").headers["content-type"].startswith("text/javascript")


def test_the_worker_alone_may_ask_the_edges_that_its_release_names(client, publish_release):
    publish_release("green")
    assert "content-security-policy" not in client.get("/sw.js").headers  # the responder adds the usual one
    release = publish_release("black", edges=["https://a.example", "https://b.example"])
    policy = client.get("/sw.js").headers["content-security-policy"]
    assert "; connect-src 'self' https://a.example https://b.example; " in policy
    assert "content-security-policy" not in client.get(release.roles["kit"] + "page.js").headers
    history.stop(release.out)
    assert client.get("/sw.js").status_code == 200


@pytest.mark.parametrize("path", CHANGING)
def test_what_has_not_changed_is_not_sent_again(client, publish_release, path):
    publish_release("green")
    tag = client.get(path).headers["etag"]
    assert client.get(path, headers={"if-none-match": f'W/"other", {tag}'}).status_code == 304
    assert client.get(path, headers={"if-none-match": '"other"'}).status_code == 200


def test_a_new_release_is_seen_even_if_its_files_have_the_old_times_and_sizes(client, publish_release):
    before = publish_release("green")
    times = {path: os.stat(before.out / path) for path in ("sw.js", "_edge/manifest.json")}
    old = {path: client.get(path) for path in CHANGING}
    publish_release("black")
    for path, times_before in times.items():
        os.utime(before.out / path, ns=(times_before.st_atime_ns, times_before.st_mtime_ns))
    for path in CHANGING:
        new = client.get(path, headers={"if-none-match": old[path].headers["etag"]})
        assert new.status_code == 200, path
        assert new.text != old[path].text
        assert len(new.content) == len(old[path].content)


@pytest.mark.parametrize("name", ["page.js", "strip.js"])
def test_a_stable_name_leads_to_the_file_of_the_release(client, publish_release, name):
    for text in ("green", "black"):
        release = publish_release(text)
        answer = client.get(f"/_edge/{name}", follow_redirects=False)
        assert answer.status_code == 307
        assert answer.headers["location"] == release.roles["kit"] + name
        assert answer.headers["cache-control"] == "no-cache"
        assert client.get(f"/_edge/{name}").text.startswith(f"/* {name} {text} */")


def test_files_named_by_their_content_are_kept_for_ever(client, publish_release):
    release = publish_release("green")
    for path in [*release.manifest.document["files"], f"/_edge/releases/{release.id}.json"]:
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_the_files_of_an_earlier_release_are_served_until_it_is_forgotten(client, publish_release):
    first = publish_release("green")
    paths = [first.roles["app"], f"/_edge/releases/{first.id}.json"]
    publish_release("black")
    assert [client.get(path).status_code for path in paths] == [200, 200]
    publish_release("white", keep=2)
    assert [client.get(path).status_code for path in paths] == [404, 404]


def test_compressed_copies_go_to_those_who_can_read_them(client, publish_release):
    release = publish_release("green")
    plain, packed = (
        client.get(release.roles["kit"] + "page.js", headers={"accept-encoding": coding})
        for coding in ("identity", "gzip, br")
    )
    assert plain.headers["vary"] == packed.headers["vary"] == "accept-encoding"
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "br"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
    assert plain.text == packed.text


@pytest.mark.parametrize(
    "path",
    [
        "/_edge/releases/history.json",
        "/_edge/releases/0123456789abcdef.js",
        "/_edge/releases/0123456789abcdef.json",
        "/_edge/app/0123456789abcdef/app.zip",
        "/_edge/app/0123456789abcdef/..%2f..%2fmanifest.json",
        "/_edge/app/0123456789abcdef/.new-x",
        "/_edge/kit",
        "/_edge/other.js",
        "/static/other.css",
    ],
)
def test_nothing_else_is_served(client, publish_release, path):
    publish_release("green")
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", [*CHANGING, "/_edge/page.js", "/_edge/app/0123456789abcdef/app.zip"])
def test_without_a_release_there_is_nothing(client, path):
    assert client.get(path).status_code == 404  # the folder is not there yet
    with pytest.raises(Problem, match="no browser release"):
        TestClient(Assets(None, {})).get(path)


def test_addresses_of_static_files_are_those_of_the_release_that_is_there(tmp_path, publish_release):
    assets = Assets(tmp_path / "out", {})
    assert assets.address("/static/tea.css") == "/static/tea.css"  # nothing is built yet
    for text in ("green", "black"):
        release = publish_release(text)
        stored = release.manifest.document["static"]["/static/tea.css"]
        assert assets.address("/static/tea.css") == stored
        assert (release.out / stored[1:]).read_text().startswith(f"/* tea.css {text} */")
    assert assets.address("/static/other.css") == "/static/other.css"
    assert Assets(None, {}).address("/static/tea.css") == "/static/tea.css"


def test_static_folders_of_the_app(client):
    assert client.get("/static/tea.css").text == "h1 {}"


def test_a_stopped_release_has_another_worker_and_the_same_files(client, publish_release):
    release = publish_release("green")
    worker = client.get("/sw.js").text
    history.stop(release.out)
    assert client.get("/sw.js").text.startswith("// edgekit: stopped\n")
    assert '"fetch"' not in client.get("/sw.js").text
    assert client.get(release.roles["app"]).status_code == client.get("/_edge/page.js").status_code == 200
    history.use(release.out, release.id, 1_700_000_001)
    assert client.get("/sw.js").text == worker


# case N16
def test_what_is_broken_in_development(tmp_path: Path) -> None:
    file = tmp_path / "failure.txt"
    client = TestClient(Assets(None, {}, file))
    assert client.get("/_edge/failure").status_code == 204
    file.write_text("The app:\nno tea")
    answer = client.get("/_edge/failure")
    assert (answer.status_code, answer.text, answer.headers["cache-control"]) == (
        200,
        "The app:\nno tea",
        "no-store",
    )
    with pytest.raises(Problem, match="not-found"):
        TestClient(Assets(None, {})).get("/_edge/failure")
