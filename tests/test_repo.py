"""The repository checks itself: what is said twice is said the same, and what must not be here is not."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import edge
from edge.errors import PROBLEMS
from edge.release import toolchain

ROOT = Path(__file__).resolve().parents[1]
LINES_LIMIT = 300
CODE = re.compile(r'\bcode: "([a-z-]+)"')
ROW = re.compile(r'"([a-z-]+)": \{ status: (\d+), title: "([^"]+)"')
TRACKED = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    if name and (ROOT / name).is_file()
]
SOURCES = [path for path in TRACKED if path.suffix in (".py", ".js", ".mjs")]
KIT = [path for path in SOURCES if path.relative_to(ROOT).parts[0] in ("edge", "origin", "browser")]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def pins(name: str) -> dict[str, str]:
    """Package -> version, of a lock file in requirements/."""
    return dict(re.findall(r"^([\w.-]+)==([^ ;]+)", read(f"requirements/{name}.txt"), re.MULTILINE))


# Said once


def test_the_version_stands_in_one_place():
    project = tomllib.loads(read("pyproject.toml"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "edge/__init__.py"
    assert "version" not in json.loads(read("package.json"))
    assert f"## {edge.__version__}" in read("CHANGELOG.md")


def test_one_pyodide():
    package, lock = json.loads(read("package.json")), json.loads(read("package-lock.json"))
    assert package["dependencies"]["pyodide"] == toolchain.PYODIDE
    assert lock["packages"]["node_modules/pyodide"]["version"] == toolchain.PYODIDE


def test_one_oldest_python_and_one_oldest_node():
    project = tomllib.loads(read("pyproject.toml"))
    front_door = runpy.run_path(str(ROOT / "build.py"))
    assert project["project"]["requires-python"] == ">=3.11"
    assert project["tool"]["ruff"]["target-version"] == "py311"
    assert project["tool"]["mypy"]["python_version"] == "3.11"
    assert "sys.version_info < (3, 11)" in read("build.py")
    assert "--python-version 3.11" in read("requirements/update")
    assert front_door["NODE_AT_LEAST"] == toolchain.NODE_AT_LEAST
    assert json.loads(read("package.json"))["engines"]["node"] == f">={toolchain.NODE_AT_LEAST}"


def test_lock_files_agree_and_are_hashed():
    serve, test = pins("serve"), pins("test")
    assert {name: test[name] for name in serve.keys() & test.keys()} == {
        name: serve[name] for name in serve.keys() & test.keys()
    }
    for name in ("serve", "test", "mutate", "node"):
        blocks = re.split(r"^(?=[\w.-]+==)", read(f"requirements/{name}.txt"), flags=re.MULTILINE)[1:]
        assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


SCRIPTS = [path for path in KIT if path.suffix == ".js"]


def test_scripts_use_error_codes_that_exist():
    used = {(relative(path), code) for path in SCRIPTS for code in CODE.findall(path.read_text("utf-8"))}
    assert {(path, code) for path, code in used if code not in PROBLEMS} == set()


def test_tables_of_errors_in_scripts_say_what_ours_says():
    rows = [(relative(path), *row) for path in SCRIPTS for row in ROW.findall(path.read_text("utf-8"))]
    ours = {(code, str(kind.status), kind.title) for code, kind in PROBLEMS.items()}
    assert [row for row in rows if row[1:] not in ours] == []


def test_the_first_example_of_the_readme_is_the_hello_app():
    block = re.search(r"^```python\n(.*?)^```", read("README.md"), re.MULTILINE | re.DOTALL)
    assert block is not None
    assert block[1] == read("examples/hello/app.py")


def test_ci_calls_what_the_readme_says():
    command = "python3 build.py test"
    assert f"exec {command}\n" in read(".ci/run")
    assert command in read("README.md")


def test_every_test_belongs_to_a_group_and_every_group_is_documented():
    groups = runpy.run_path(str(ROOT / "build.py"))["GROUPS"]
    patterns = [pattern for group in groups.values() for pattern in group]
    grouped = {path for pattern in patterns for path in ROOT.glob(pattern)}
    tests = [path for path in TRACKED if relative(path).startswith("tests/") and path.match("test_*.py")]
    assert [relative(path) for path in tests if not grouped & {path, *path.parents}] == []
    assert [group for group in groups if f"`{group}`" not in read("CONTRIBUTING.md")] == []


# Not here


def test_tests_are_no_package():
    """An `__init__.py` in tests/edge would hide the package `edge`, in every import mode of pytest."""
    assert [relative(path) for path in (ROOT / "tests").rglob("__init__.py")] == []


def test_the_front_door_hides_no_package():
    """PyPA's `build` is what `import build` may mean; the root build.py is only ever run."""
    script = "import importlib.util as u; s = u.find_spec('build'); print(s and s.origin)"
    found = subprocess.run(
        [sys.executable, "-P", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() != str(ROOT / "build.py")


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("registry host", r"registry\.npmjs\.org|files\.pythonhosted\.org|(?:test\.)?pypi\.org/simple"),
        ("download address in a lock", r'"resolved":\s*"|--(?:extra-)?index-url|--find-links'),
        ("path of one machine", r"(?<![\w.~-])/(?:home/(?!pyodide)|Users/|root/)[\w.-]+|(?<![\w.])/work/\w+"),
        ("unfinished work", r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b"),
    ],
)
def test_no_tracked_file_holds_a(what, pattern):
    found = []
    for path in TRACKED:
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # a picture
        if path != Path(__file__).resolve() and re.search(pattern, text):
            found.append(relative(path))
    assert found == [], what


def test_files_of_the_kit_are_small():
    long = {relative(path): len(path.read_text("utf-8").splitlines()) for path in KIT}
    assert {name: lines for name, lines in long.items() if lines > LINES_LIMIT} == {}
