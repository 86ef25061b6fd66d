"""Starlette's own tests, in Pyodide on Node.js with all that the kit does to Python there."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from .conftest import HERE, PACKAGES
from .known import starlette

ROOT = HERE.parents[1]
PYTHON = ROOT / "browser" / "node" / "python.js"
FILES = ("requests", "responses", "formparsers", "routing")
AT_LEAST = 250  # of them; fewer means that they were not found
PLUGINS = ("-p", "anyio.pytest_plugin", "-p", "no:cacheprovider", "-p", "no:faulthandler")
OPTIONS = ("-q", "--tb=no", "-rfE", "-W", "ignore", "--capture=sys", *PLUGINS)


def test_starlettes_own_tests_pass_in_pyodide(
    unpack: Callable[[str], Path], tmp_path: Path, say: Callable[[str], None]
) -> None:
    source = unpack("starlette")
    settings = tmp_path / "pytest.ini"
    settings.write_text("[pytest]\n")  # theirs is for CPython
    python = ["node", str(PYTHON), "--pyodide", os.environ["EDGEKIT_PYODIDE"]]
    program = [str(HERE / "in_pyodide.py"), str(ROOT), str(PACKAGES), "--"]
    options = [*OPTIONS, "-c", str(settings), "--rootdir", "."]
    done = subprocess.run(
        [*python, *program, *options, *(f"tests/test_{name}.py" for name in FILES)],
        cwd=source,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    passed = re.search(r"(\d+) passed", done.stdout)
    failed = re.findall(r"^(?:FAILED|ERROR) \S+::(\w+)", done.stdout, re.MULTILINE)
    assert passed is not None, done.stdout[-2000:] + done.stderr[-2000:]
    say(f"Starlette's tests in Pyodide on Node.js: {passed[1]} passed, {len(failed)} failed")
    assert int(passed[1]) >= AT_LEAST
    assert set(failed) == starlette()
