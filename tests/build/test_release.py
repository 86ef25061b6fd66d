"""What lies in a release: real packages, compiled and started by Pyodide under Node.js."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from pathlib import Path

import brotli
import pytest


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def names_in(archive):
    return set(zipfile.ZipFile(archive).namelist())


def tail_of(release, role):
    """The names that `late.zip` adds to an archive."""
    place = {"stdlib": "lib/python314.zip", "site": "app-site/site.zip"}[role]
    early = release.file(role)
    with zipfile.ZipFile(release.file("late")) as late:
        grown = early.read_bytes() + late.read(place + ".tail")
    return names_in(io.BytesIO(grown)) - names_in(early)


def test_the_manifest_lists_every_file_with_its_hash_and_size(shop):
    listed = shop.manifest.document["files"]
    on_disk = {f"/{name}": path for name, path in files_of(shop.out).items() if not name.endswith(".br")}
    history = {
        f"/_edge/releases/{name}"
        for name in ("history.json", f"{shop.manifest.release}.json", f"{shop.manifest.release}.js")
    }
    assert set(on_disk) - set(listed) == {"/sw.js", "/_edge/manifest.json", *history}
    for url, entry in listed.items():
        content = on_disk[url].read_bytes()
        assert entry == {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}, url


def test_the_manifest_is_canonical_and_named_by_its_content(shop):
    text = (shop.out / "_edge" / "manifest.json").read_text("utf-8")
    document = json.loads(text)
    assert text == json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    release = document.pop("release")
    rest = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(rest.encode()).hexdigest()[:16] == release == shop.manifest.release
    assert document["mode"] == "production"
    assert document["app"] == "tinyshop.app:app"


def test_every_role_is_a_file_of_the_release(shop):
    roles = dict(shop.manifest.document["roles"])
    kit = roles.pop("kit")
    worker = {"engine", "worker", "wasm"}
    assert set(roles) == worker | {"loader", "factory", "stdlib", "site", "edge", "app", "late"}
    assert {*roles.values(), f"{kit}service-worker.js", f"{kit}page.js"} <= set(
        shop.manifest.document["files"]
    )
    assert not any("/node/" in url for url in shop.manifest.document["files"])


def test_the_service_worker_names_its_manifest(shop):
    worker = (shop.out / "sw.js").read_text()
    digest = hashlib.sha256((shop.out / "_edge" / "manifest.json").read_bytes()).hexdigest()
    assert f'manifestHash: "{digest}"' in worker
    assert f'release: "{shop.manifest.release}"' in worker
    for role in ("engine", "worker"):
        assert shop.manifest.document["roles"][role] in worker


def test_what_the_app_says_is_in_the_manifest(shop):
    document = shop.manifest.document
    assert document["placement"] == [
        {"pattern": "/", "regex": "^/$"},
        {"pattern": "/products/{sku}", "regex": "^/products/(?<sku>[^/]+)$"},
    ]
    assert set(document["static"]) == {"/assets/shop.css", "/assets/a picture.png"}
    assert set(document["static"].values()) <= set(document["files"])


def test_brotli_copies_hold_the_same_bytes(shop):
    copies = [path for name, path in files_of(shop.out).items() if name.endswith(".br")]
    assert {"app.zip.br", "pyodide.asm.wasm.br", "shop.css.br"} <= {path.name for path in copies}
    for copy in copies:
        original = copy.with_suffix("")
        assert copy.stat().st_size < original.stat().st_size
        assert brotli.decompress(copy.read_bytes()) == original.read_bytes()


def test_the_app_ships_with_what_it_imports_and_nothing_else(shop):
    assert names_in(shop.file("app")) == {
        "tinyshop/__init__.pyc",
        "tinyshop/app.pyc",
        "tinyshop/templates/home.html",
        "tinytools.pyc",
    }


def test_the_kit_ships_without_what_only_cpython_can_run(shop):
    early = names_in(shop.file("edge"))
    assert {"edge/__init__.pyc", "edge/app.pyc", "edge/hosts/fetch.pyc"} <= early
    late = {name.removeprefix("app/") for name in names_in(shop.file("late"))}
    assert {"edge/keyset.pyc", "edge/cookie_visitors.pyc", "edge/hosts/webcrypto.pyc"} <= late
    native = (
        "edge/release/",
        "edge/serve/",
        "edge/verify/",
        *(f"edge/{name}.pyc" for name in ("cli", "key_commands", "keys", "hosts/native", "testing")),
        *(f"edge/{name}.pyc" for name in ("memory_origin", "memory_sessions")),
    )
    assert not [name for name in early | late if name.startswith(native)]


def test_packages_are_bytecode_with_their_licences(shop):
    early, late = names_in(shop.file("site")), tail_of(shop, "site")
    assert {"starlette/applications.pyc", "jinja2/environment.pyc", "cachetools/__init__.pyc"} <= early
    assert {"starlette/testclient.pyc", "jinja2/sandbox.pyc"} <= late
    assert "starlette/applications.py" not in early
    # Its lazy importer reads the source of these two.
    assert {"anyio/__init__.py", "anyio/abc/__init__.py"} <= early
    for package in ("starlette", "anyio", "jinja2", "markupsafe"):
        assert any(name.startswith(f"{package}-") and name.endswith("/METADATA") for name in early), package
        assert any(name.startswith(f"{package}-") and "license" in name.lower() for name in late), package
    assert not [name for name in early | late if name.endswith((".pyi", ".typed", "/RECORD", ".c"))]


def test_packages_with_data_lie_in_a_folder_when_they_are_needed_or_late(shop):
    assert {"app/tzdata/__init__.pyc", "app/tzdata/zoneinfo/Europe/Berlin"} <= names_in(shop.file("late"))


def test_a_package_without_a_wheel_is_built_pure(shop):
    names = names_in(shop.file("site"))
    assert "markupsafe/_native.pyc" in names
    assert not [name for name in names if "_speedups" in name]
    lock = (shop.out.parent / "app" / "tinyshop" / "edgekit.lock").read_text()
    assert "--no-binary markupsafe\n" in lock
    assert "://" not in lock
    assert "edgekit==" not in lock


def test_the_standard_library_is_bytecode_in_two_halves(shop):
    early, late = names_in(shop.file("stdlib")), tail_of(shop, "stdlib")
    needed = ("pathlib/__init__", "email/message", "http/cookies", "encodings/idna", "_strptime")
    rest = ("html/parser", "sqlite3/dbapi2", "zoneinfo/__init__", "concurrent/futures/thread", "os")
    assert {f"{name}.pyc" for name in needed} <= early
    assert {f"{name}.pyc" for name in rest} <= late
    assert {"unittest/mock.pyc", "pdb.pyc", "_multiprocessing.pyc"} <= late
    assert not [name for name in early | late if name.endswith(".py")]


def test_docstrings_stay_where_somebody_may_read_them(shop):
    def holds(role, name, text):
        return text in zipfile.ZipFile(shop.file(role)).read(name)

    assert holds("site", "jinja2/runtime.pyc", b"The default undefined type.")
    assert not holds("edge", "edge/app.pyc", b"itself an ASGI app.")
    assert not holds("stdlib", "textwrap.pyc", b"Text wrapping and filling.")


def test_no_path_of_this_machine_is_in_a_release(shop, cache):
    secrets = {str(cache), str(shop.out.parent), str(Path(__file__).parents[2]), str(Path.home() / ".cache")}
    for name, path in files_of(shop.out).items():
        content = path.read_bytes()
        assert not [text for text in secrets if text.encode() in content], name


def test_two_builds_give_the_same_bytes(shop, run_build, write_app, tmp_path):
    app_dir = write_app(tmp_path / "another" / "place")
    lock = shop.out.parent / "app" / "tinyshop" / "edgekit.lock"
    (app_dir / "tinyshop" / "edgekit.lock").write_text(lock.read_text())
    for path in app_dir.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    again = run_build("tinyshop.app:app", tmp_path / "out", app_dir=app_dir, cache=tmp_path / "cache")
    assert again.worked()[:4] == ["toolchain", "install", "compile", "app"]
    ours, theirs = files_of(again.out), files_of(shop.out)
    assert set(ours) == set(theirs)
    different = [name for name in ours if ours[name].read_bytes() != theirs[name].read_bytes()]
    assert different == ["_edge/releases/history.json"]  # it says when


def test_an_app_of_the_kit_can_be_built(run_build, tmp_path):
    release = run_build("edge.conformance:app", tmp_path / "out", app_dir=tmp_path, development=True)
    assert "edge/conformance/app.py" in names_in(release.file("app"))
    assert release.manifest.document["mode"] == "development"
    assert not (tmp_path / "edgekit.lock").exists()


@pytest.mark.parametrize("include", [(), ("unrelated", "tinyshop/catalog")])
def test_include_ships_more(run_build, app_dir, tmp_path, include):
    release = run_build(
        "tinyshop.app:app", tmp_path / "out", app_dir=app_dir, development=True, include=include
    )
    shipped = {"unrelated.py", "tinyshop/catalog/products.json"} & names_in(release.file("app"))
    assert len(shipped) == len(include)
