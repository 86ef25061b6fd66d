"""The public door: what `edge` exports, and what a wheel installs."""

from __future__ import annotations

import inspect
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import edge

ROOT = Path(__file__).resolve().parents[1]
NAMES_LIMIT = 24


def test_the_door_is_sorted_and_small():
    assert edge.__all__ == sorted(set(edge.__all__))
    assert len(edge.__all__) <= NAMES_LIMIT


def test_nothing_public_is_missing_from_the_door():
    visible = {
        name for name, value in vars(edge).items() if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert visible == set(edge.__all__)


@pytest.mark.parametrize("name", edge.__all__)
def test_every_public_name_is_documented(name):
    thing = getattr(edge, name)
    assert (inspect.getdoc(thing) or "").strip(), f"edge.{name} has no docstring"
    methods = vars(thing).items() if inspect.isclass(thing) else ()
    silent = [
        method
        for method, value in methods
        if not method.startswith("_")
        and inspect.isroutine(value)
        and not inspect.getdoc(getattr(thing, method))
    ]
    assert silent == [], f"methods of edge.{name} without a docstring"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The names in a wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    # -I: with the checkout on sys.path the root build.py would be PyPA's `build`.
    command = [
        sys.executable,
        "-I",
        "-m",
        "hatchling",
        "build",
        "--target",
        "wheel",
        "--directory",
        str(folder),
    ]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    (file,) = folder.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        return archive.namelist()


def test_a_wheel_installs_two_packages_and_nothing_else(wheel):
    top = {name.partition("/")[0] for name in wheel}
    assert top == {"edge", "origin", f"edgekit-{edge.__version__}.dist-info"}


def test_a_wheel_carries_all_scripts(wheel):
    scripts = {path.relative_to(ROOT / "browser").as_posix() for path in (ROOT / "browser").rglob("*.js")}
    assert scripts == {name.removeprefix("edge/_browser/") for name in wheel if name.endswith(".js")}
    assert "protocol.js" in scripts


def test_a_wheel_carries_type_markers_and_no_tests(wheel):
    assert {"edge/py.typed", "origin/py.typed"} <= set(wheel)
    assert [name for name in wheel if "test_" in name or "__pycache__" in name] == []
