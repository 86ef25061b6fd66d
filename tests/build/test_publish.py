"""Publishing into a folder: an interruption leaves a whole release, what was published can be had again."""

from __future__ import annotations

import hashlib
import json

import pytest

from edge.cli import main
from edge.release import BuildError, files, history, publish
from edge.release.manifest import make_manifest, place, place_together

KIT = ("page.js", "service-worker.js")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def publish_text(tmp_path, out):
    """`publish_text(text)` publishes a release whose app holds `text` and returns its id."""

    def run(text, **options):
        source = tmp_path / f"source-{text}"
        source.mkdir(exist_ok=True)
        for name in KIT:
            (source / name).write_text(name)
        (source / "app.zip").write_text(text)
        kit = place_together("kit", source, KIT)
        app = place("app", "app.zip", source / "app.zip")
        folder = kit["page.js"].url.removesuffix("page.js")
        roles = {"kit": folder, "engine": "/e", "worker": "/w", "app": app.url}
        assets = [*kit.values(), app]
        manifest = make_manifest({"app": "tea:app", "roles": roles}, assets)
        publish.publish(out, manifest, assets, {app.url: source / "app.zip"}, **{"now": 1.5, **options})
        return manifest.release

    return run


def document(out, release):
    return json.loads((out / "_edge" / "releases" / f"{release}.json").read_bytes())


def check_whole(out):
    """What browsers get is one release, all of it; returns its id."""
    worker = (out / "sw.js").read_text()
    found = [one for one in history.releases(out) if f'release: "{one.release}"' in worker]
    assert len(found) == 1
    manifest = (out / "_edge" / "releases" / f"{found[0].release}.json").read_bytes()
    assert f'manifestHash: "{hashlib.sha256(manifest).hexdigest()}"' in worker
    for url, file in found[0].document["files"].items():
        assert hashlib.sha256((out / url[1:]).read_bytes()).hexdigest() == file["sha256"]
    return found[0].release


def files_in(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


class Crash(Exception):
    """The power went out."""


def crash_after(monkeypatch, writes):
    """The write after this many does not happen any more."""
    left = iter(range(writes))

    def write(path, content):
        if next(left, None) is None:
            raise Crash
        files.write(path, content)

    for module in (publish, history):
        monkeypatch.setattr(module, "write", write)


@pytest.mark.parametrize("act", ["publish", "go back"])
def test_an_interruption_after_any_write_leaves_one_whole_release(act, publish_text, out, monkeypatch):
    first = publish_text("one")
    before = publish_text("two")
    after = first if act == "go back" else None
    seen, writes, done = [], 0, False
    while not done:
        with monkeypatch.context() as patch:
            crash_after(patch, writes)
            try:
                if act == "publish":
                    after = publish_text("three")
                else:
                    history.use(out, first, 2.0)
                done = True
            except Crash:
                writes += 1
        seen.append(check_whole(out))
        if not done:
            history.use(out, before, 3.0)
            assert check_whole(out) == before
    assert writes >= 3
    assert seen[-1] == after
    assert set(seen) == {before, after}
    assert json.loads((out / "_edge" / "manifest.json").read_bytes())["release"] == after


def test_files_are_shared_and_the_newest_releases_kept(publish_text, out):
    ids = [publish_text(text, keep=2) for text in ("one", "two", "three")]
    assert [one.release for one in history.releases(out)] == ids[1:]
    wanted = {url[1:] for release in ids[1:] for url in document(out, release)["files"]}
    apps = {url for url in wanted if url.endswith("app.zip")}
    kept = {f"_edge/releases/{release}.{kind}" for release in ids[1:] for kind in ("js", "json")}
    assert files_in(out) == {
        *wanted,
        *kept,
        *(f"{url}.br" for url in apps),
        "sw.js",
        "_edge/manifest.json",
        "_edge/releases/history.json",
    }
    assert len(wanted) == len(KIT) + 2


def test_what_is_published_again_stays_or_becomes_the_newest(publish_text, out):
    one, two = publish_text("one"), publish_text("two", now=2.0)
    assert publish_text("two", now=3.0) == two
    assert [(known.release, known.since) for known in history.releases(out)] == [(one, 1.5), (two, 2.0)]
    assert publish_text("one", now=4.0) == one
    assert [known.release for known in history.releases(out)] == [two, one]
    assert history.current(out) == one


def test_the_release_that_was_gone_back_to_is_not_the_oldest(publish_text, out):
    one, _, _ = (publish_text(text) for text in ("one", "two", "three"))
    history.use(out, one, 5.0)
    four = publish_text("four", keep=2)
    assert [known.release for known in history.releases(out)] == [one, four]


def test_a_damaged_or_unknown_release_is_not_used(publish_text, out):
    one, two = publish_text("one"), publish_text("two")
    with pytest.raises(BuildError, match=f"holds no release 'three'; it holds {one}, {two}"):
        history.use(out, "three", 2.0)
    (out / document(out, one)["roles"]["app"][1:]).write_text("damaged")
    with pytest.raises(BuildError, match="is missing or damaged"):
        history.use(out, one, 2.0)
    assert check_whole(out) == two


def test_stop_and_use(publish_text, out):
    one = publish_text("one")
    before = files_in(out)
    history.stop(out)
    history.stop(out)
    assert history.current(out) is None
    assert files_in(out) == before
    worker = (out / "sw.js").read_text()
    assert worker.startswith("// edgekit: stopped\n")
    assert "import" not in worker.replace("so it imports nothing", "")
    history.use(out, one, 2.0)
    assert check_whole(out) == history.current(out) == one
    history.stop(out)
    assert publish_text("two") == check_whole(out)


def test_there_is_nothing_to_stop(out):
    with pytest.raises(BuildError, match="holds no release"):
        history.stop(out)
    assert history.releases(out) == []
    assert history.current(out) is None


def test_the_command(publish_text, out, capsys):
    one, two = publish_text("one"), publish_text("two")

    def run(*words):
        status = main(["release", *words, "-o", str(out)])
        return status, *capsys.readouterr()

    def listed():
        return [line[:18] for line in run("list")[1].splitlines()]

    assert listed() == [f"* {two}", f"  {one}"]
    assert "tea:app" in run("list")[1]
    assert run("use", one) == (0, "", "")
    assert listed() == [f"* {one}", f"  {two}"]
    assert run("stop") == (0, "", "")
    assert listed() == [f"  {one}", f"  {two}"]
    status, _, said = run("use", "nothing")
    assert (status, said) == (1, f"edgekit: {out} holds no release 'nothing'; it holds {two}, {one}.\n")
    assert run("use", two)[0] == 0
    assert listed() == [f"* {two}", f"  {one}"]


@pytest.mark.parametrize("number", ["0", "-1", "many"])
def test_at_least_one_release_is_kept(number, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["build", "tea:app", "-o", "out", "--keep", number])
    assert "--keep" in capsys.readouterr().err
