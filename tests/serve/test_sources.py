"""What a changed file means for a running `edgekit serve`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from watchfiles import Change

from edge.serve.sources import Sources, find
from edge.serve.supervisor import SourceFilter

SOURCES = Sources(app=Path("/examples/shop"), kit=Path("/kit"))


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ("/examples/shop/app.py", {"edge", "release"}),
        ("/examples/shop/templates/cart.html", {"edge", "release"}),
        ("/examples/shop/catalog/products.json", {"origin", "edge", "release"}),
        ("/kit/edge/wire.py", {"origin", "edge", "release"}),
        ("/kit/origin/store.py", {"origin"}),
        ("/kit/browser/runtime.js", {"release"}),
    ],
)
def test_only_what_depends_on_a_file_starts_anew(changed, parts):
    assert SOURCES.affected([Path(changed)]) == parts


def test_several_changes_add_up():
    assert SOURCES.affected([Path("/kit/origin/app.py"), Path("/kit/browser/page.js")]) == {
        "origin",
        "release",
    }


def test_a_package_is_watched_and_a_lone_module_with_its_folder(tmp_path):
    (tmp_path / "shop").mkdir()
    assert find("shop.app:app", tmp_path).app == tmp_path / "shop"
    assert find("app:app", tmp_path).app == tmp_path


def test_what_lies_beside_a_package_and_belongs_to_it_is_watched(tmp_path):
    """Case P19."""
    for name in ("shop", "static", "content", "unrelated"):
        (tmp_path / name).mkdir()
    found = find("shop.app:app", tmp_path, ["content", "nowhere"])
    names = ("shop", "content", "nowhere", "static", "templates")  # some may come later
    assert list(found._replace(kit=None).folders()) == [tmp_path / name for name in names]


def test_a_checkout_of_the_kit_is_watched_too():
    root = Path(__file__).resolve().parents[2]
    folders = list(find("shop.app:app", root / "examples").folders())
    assert folders[0] == root / "examples/shop"
    assert folders[-3:] == [root / "edge", root / "origin", root / "browser"]


@pytest.mark.parametrize(
    "name",
    ["edgekit.lock", ".new-x1y2", "__pycache__/app.cpython-311.pyc", "data/x.py", "serve.log", "nohup.out"],
)
def test_what_builds_and_editors_leave_behind_is_no_change(name):
    assert not SourceFilter(ignore_paths=["/app/data"])(Change.modified, f"/app/{name}")


def test_a_template_is_a_source():
    assert SourceFilter()(Change.modified, "/app/templates/cart.html")


@pytest.mark.parametrize("stream", [1, 2])
def test_the_file_that_the_output_goes_to_is_no_source(tmp_path, stream):
    """`edgekit serve app:app 2> err` beside the app would build for ever."""
    (tmp_path / "err").touch()
    (tmp_path / "app.py").touch()
    code = """
import sys
from edge.serve.supervisor import SourceFilter
from watchfiles import Change
names = [name for name in ("err", "app.py") if SourceFilter()(Change.modified, f"{sys.argv[1]}/{name}")]
sys.exit(names != ["app.py"])
"""
    with (tmp_path / "err").open("w") as file:
        streams = {1: {"stdout": file}, 2: {"stderr": file}}[stream]
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], **streams, check=False)
    assert done.returncode == 0, (tmp_path / "err").read_text()
