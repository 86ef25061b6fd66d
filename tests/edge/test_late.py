"""Modules that come late: before they are there, when they arrive, and after."""

from __future__ import annotations

import importlib
import sys

import pytest

from edge.errors import NeedsEdge
from edge.hosts import late
from edge.release.archive import pack, tail

EARLY = {"parcel/__init__.py": b"NAME = 'parcel'", "parcel/early.py": b"VALUE = 1"}
LATE = {"parcel/later.py": b"from .early import VALUE", "parcel/box/__init__.py": b"", "letter.py": b""}


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A zip on the path with the early modules; the late ones are awaited."""
    path = tmp_path / "site.zip"
    path.write_bytes(pack(EARLY))
    awaited = tmp_path / "late.txt"
    awaited.write_text("letter\nparcel.box\nparcel.later")
    monkeypatch.setattr(late, "AWAITED", awaited)
    monkeypatch.setattr(sys, "path", [*sys.path, str(path), str(tmp_path)])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    yield path
    for name in [name for name in sys.modules if name.partition(".")[0] in ("parcel", "letter")]:
        del sys.modules[name]


def deliver(archive):
    """What browser/runtime.js does with the files of `late.zip`."""
    archive.with_name("site.zip.tail").write_bytes(tail(pack(EARLY), LATE))
    late.arrived()


@pytest.mark.parametrize("name", ["letter", "parcel.later", "parcel.box"])
def test_a_module_on_its_way_needs_the_edge(archive, name):
    late.install()
    with pytest.raises(NeedsEdge, match=name):
        importlib.import_module(name)


@pytest.mark.parametrize("name", ["parcel.nowhere", "nowhere", "nowhere.later"])
def test_a_module_that_does_not_exist_is_missing_as_ever(archive, name):
    late.install()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(name)


def test_what_is_there_is_imported(archive):
    late.install()
    assert importlib.import_module("parcel.early").VALUE == 1


def test_a_module_of_the_app_comes_first(archive, tmp_path):
    (tmp_path / "letter.py").write_text("OURS = True")
    late.install()
    assert importlib.import_module("letter").OURS


def test_what_has_arrived_is_imported(archive):
    late.install()
    importlib.import_module("parcel.early")  # the package is known with one half only
    with pytest.raises(NeedsEdge):
        importlib.import_module("parcel.later")
    deliver(archive)
    assert importlib.import_module("parcel.later").VALUE == 1
    assert importlib.import_module("parcel.box").__path__ == [f"{archive}/parcel/box"]
    importlib.import_module("letter")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("parcel.nowhere")


def test_a_package_is_whole_that_is_imported_for_the_first_time_after_the_arrival(archive):
    late.install()
    deliver(archive)
    assert importlib.import_module("parcel").NAME == "parcel"
    assert importlib.import_module("parcel.later").VALUE == 1


def test_arriving_leaves_nothing_behind(archive, tmp_path):
    before = list(sys.meta_path)
    late.install()
    late.install()
    assert len(sys.meta_path) == len(before) + 1
    deliver(archive)
    assert sys.meta_path == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["site.zip"]
    late.install()
    assert sys.meta_path == before


def test_a_second_arrival_changes_nothing(archive, tmp_path):
    late.install()
    deliver(archive)
    content = archive.read_bytes()
    late.arrived()
    deliver(archive)
    assert archive.read_bytes() == content
    assert sorted(path.name for path in tmp_path.iterdir()) == ["site.zip"]
    assert importlib.import_module("parcel.later").VALUE == 1


def test_nothing_is_awaited_where_nothing_was_left_out():
    before = list(sys.meta_path)
    late.install()
    assert sys.meta_path == before


def test_what_is_server_only_needs_the_edge_for_ever(archive, tmp_path, monkeypatch):
    at_home = tmp_path / "server_only.txt"
    at_home.write_text("edge.server_only\nparcel.prices")
    monkeypatch.setattr(late, "AT_HOME", at_home)
    late.install()
    with pytest.raises(NeedsEdge):
        importlib.import_module("letter")
    deliver(archive)
    importlib.import_module("letter")
    with pytest.raises(NeedsEdge, match=r"parcel\.prices"):
        importlib.import_module("parcel.prices")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("parcel.nowhere")
