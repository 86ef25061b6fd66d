"""Two back ends that have to agree: cryptography and PyJWT on CPython, WebCrypto in Pyodide under Node.js."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from edge.keys import NativeKeys, fixed
from edge.release.toolchain import find_node, find_pyodide

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent


def _load(name: str) -> ModuleType:
    """A module of this folder; tests are no package."""
    spec = importlib.util.spec_from_file_location(f"trust_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def judge() -> ModuleType:
    return _load("judge")


@pytest.fixture(scope="session")
def corpus() -> ModuleType:
    return _load("corpus")


class Native:
    """The back end of CPython."""

    def __init__(self, judge: ModuleType) -> None:
        async def make(jwks: Mapping[str, Any], clock: Any) -> NativeKeys:
            return NativeKeys(fixed(jwks), clock)

        self._judge = judge.Judge(make, NativeKeys.verify_proof_signature)

    def ask(self, questions: list[dict[str, Any]]) -> list[Any]:
        answers: list[Any] = json.loads(json.dumps(asyncio.run(self._judge.answers(questions))))
        return answers


class WebCrypto:
    """The back end of Pyodide, in a process that answers until it is closed."""

    def __init__(self) -> None:
        node = find_node()
        command = [str(node), "browser/node/python.js", "--pyodide", str(find_pyodide(node, ROOT))]
        folders = [str(ROOT), sysconfig.get_path("purelib")]
        self._process = subprocess.Popen(
            [*command, str(HERE / "judge.py"), *folders],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, questions: list[dict[str, Any]]) -> list[Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(questions) + "\n")
        self._process.stdin.flush()
        answers: list[Any] = json.loads(self._process.stdout.readline())
        return answers

    def close(self) -> None:
        self._process.communicate("", timeout=60)


@pytest.fixture(scope="session")
def native(judge: ModuleType) -> Native:
    return Native(judge)


@pytest.fixture(scope="session")
def webcrypto() -> Iterator[WebCrypto]:
    backend = WebCrypto()
    yield backend
    backend.close()


@pytest.fixture(scope="session")
def ask(native: Native, webcrypto: WebCrypto) -> Any:
    """`ask(questions)`: the answers, which have to be the same on both back ends."""

    def both(questions: list[dict[str, Any]]) -> list[Any]:
        answers = native.ask(questions)
        differing = [
            (question, mine, theirs)
            for question, mine, theirs in zip(questions, answers, webcrypto.ask(questions), strict=True)
            if mine != theirs
        ]
        assert differing == []
        return answers

    return both


@pytest.fixture(scope="session")
def programs() -> ModuleType:
    """The module `cluster`, for its `Program`."""
    return _load("cluster")


@pytest.fixture
def program(programs: ModuleType) -> Iterator[Any]:
    """`program(cookies)`: one that keeps cookies, without any at first."""
    made: list[Any] = []

    def program(cookies: Mapping[str, str] | None = None) -> Any:
        made.append(programs.Program(cookies))
        return made[-1]

    yield program
    for each in made:
        each.close()


@pytest.fixture
def cluster(programs: ModuleType, tmp_path: Path) -> Iterator[Any]:
    """An origin and two native edges, as processes of this test alone."""
    made = programs.Cluster(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The browser release of session_app.py, which an edge on Node.js runs too."""
    folder = tmp_path_factory.mktemp("release")
    edgekit = str(Path(sys.executable).with_name("edgekit"))
    command = [
        edgekit,
        "build",
        "session_app:app",
        "--app-dir",
        str(HERE),
        "-o",
        str(folder),
        "--quality",
        "1",
    ]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert result.returncode == 0, result.stderr
    return folder
