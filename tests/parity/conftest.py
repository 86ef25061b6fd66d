"""FastAPI's documentation examples, ready to be asked: under plain uvicorn, and as a release of the kit."""

from __future__ import annotations

import shutil
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..hosts.conftest import build_release, free_port, keys, origin_url  # noqa: F401 - fixtures
from .asking import ask, python_path, uvicorn
from .compare import Answer, Key, difference
from .recordings import Session, read, record

HERE = Path(__file__).parent
PACKAGES = Path(sys.prefix) / "parity"  # build.py puts both there
SOURCES = Path(sys.prefix) / "parity-sources"
SEEDS = (1, 6, 7)  # under which the sets that examples answer with have different orders

_lines: list[str] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in _lines:
        terminalreporter.write_line(f"parity: {line}")


@pytest.fixture(scope="session")
def say() -> Callable[[str], None]:
    """Print a figure when all tests have run."""
    return _lines.append


@pytest.fixture(scope="session")
def unpack(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`unpack(name)`: a fresh folder with the source package of a distribution."""

    def extract(name: str) -> Path:
        found = list(SOURCES.glob(f"{name}-*.tar.gz"))
        assert found, f"{SOURCES} lacks {name}: `python3 build.py test parity` brings it"
        folder = tmp_path_factory.mktemp(name)
        with tarfile.open(found[0]) as archive:
            archive.extractall(folder, filter="data")
        return next(folder.iterdir())

    return extract


@pytest.fixture(scope="session")
def fastapi(unpack: Callable[[str], Path]) -> Path:
    return unpack("fastapi")


@pytest.fixture(scope="session")
def sessions(
    fastapi: Path, unpack: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> list[Session]:
    """What the tutorial tests send."""
    file = tmp_path_factory.mktemp("recording") / "requests.jsonl"
    last = record(unpack("fastapi"), python_path(PACKAGES), file)
    assert file.is_file(), last
    return read(file, fastapi / "docs_src")


@pytest.fixture(scope="session")
def site(fastapi: Path, sessions: list[Session], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the examples are served and built from."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(HERE / "site", folder, dirs_exist_ok=True)
    shutil.copytree(fastapi / "docs_src", folder / "docs_src")
    for session in sessions:
        for name, content in session.beside.items():
            file = folder / "beside" / str(session.number) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
    return folder


@pytest.fixture(scope="session")
def environment(site: Path) -> dict[str, str]:
    """What a native server of the examples needs to find them."""
    return {**python_path(site, PACKAGES), "PYTHONHASHSEED": str(SEEDS[0])}


@pytest.fixture(scope="session")
def port() -> int:
    """Where the native edge is; its name is what each server is told to be called."""
    return free_port()


@pytest.fixture(scope="session")
def host(port: int) -> str:
    return f"localhost:{port}"


class Expected:
    """What plain servers answer: `answers` where all of them say the same; why not is counted."""

    def __init__(self, runs: list[dict[Key, Answer]]) -> None:
        self.answers: dict[Key, Answer] = {}
        self.no_app: set[str] = set()
        self.not_the_same: list[Key] = []
        for key, answer in runs[0].items():
            if answer.no_app:
                self.no_app.add(key[0])
            elif any(difference(answer, run[key]) for run in runs[1:]):
                self.not_the_same.append(key)
            else:
                self.answers[key] = answer

    def __str__(self) -> str:
        apps = {key[0] for key in self.answers}
        return (
            f"{len(self.answers)} requests to {len(apps)} apps have one answer under uvicorn; "
            f"{len(self.not_the_same)} have another each time, {len(self.no_app)} apps cannot be imported"
        )


@pytest.fixture(scope="session")
def expected(
    sessions: list[Session], environment: dict[str, str], host: str, say: Callable[[str], None]
) -> Expected:
    """The answers of plain uvicorn, in processes that differ in time and in the order within sets."""
    runs = []
    for seed in SEEDS:
        seeded = {**environment, "PYTHONHASHSEED": str(seed)}
        runs.append(ask(lambda _, seeded=seeded: uvicorn("switch:app", seeded), host, sessions))
    found = Expected(runs)
    say(str(found))
    return found


@pytest.fixture(scope="session")
def site_release(site: Path, build_release: Callable[..., Path]) -> Iterator[Path]:  # noqa: F811
    """The browser release of all examples."""
    return build_release("parity_site:app", site, "--include", "docs_src", "--include", "beside")
