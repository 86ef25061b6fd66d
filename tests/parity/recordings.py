"""What FastAPI's tutorial tests send to the documentation's examples, as sessions to be asked of any host."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
HOST = "testserver"  # what TestClient calls every server
# An example that no test asks anything is asked for what every FastAPI app has.
USUAL = ("/", "/openapi.json", "/docs")
PAGES = {"dist/index.html": b"<!doctype html><title>A front end</title>"}  # for docs_src/frontend
USUAL_HEADERS = (("host", HOST), ("accept", "*/*"), ("user-agent", "testclient"))


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request, as it is on the wire."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def host(self) -> str:
        return dict(self.headers).get("host", HOST)

    def __str__(self) -> str:
        return f"{self.method} {self.target}"


@dataclass(frozen=True, slots=True)
class Session:
    """The requests of one test file to one app, in order, and the files that the tests put beside it."""

    number: int
    app: str
    requests: list[Recorded] = field(default_factory=list)
    beside: dict[str, bytes] = field(default_factory=dict)

    def keyed(self) -> Iterator[tuple[tuple[str, int, str], Recorded]]:
        """Each request and what it is called everywhere."""
        for at, request in enumerate(self.requests):
            yield (self.app, at, str(request)), request

    @property
    def name(self) -> str:
        """For the header `parity`, see site/switch.py."""
        return f"{self.number} {self.app}"


def record(source: Path, environment: Mapping[str, str], file: Path) -> str:
    """Run the tutorial tests of FastAPI's source package with recorder.py; returns what pytest said last."""
    settings = file.with_suffix(".ini")
    settings.write_text("[pytest]\n")  # theirs asks for plugins that change nothing here
    # -S: only the packages that the tests are meant to have.
    command = [
        sys.executable,
        "-P",
        "-S",
        "-m",
        "pytest",
        "-q",
        "-c",
        str(settings),
        "--rootdir",
        str(source),
    ]
    command += ["-p", "no:cacheprovider", "-p", "recorder", "tests/test_tutorial"]
    path = os.pathsep.join((environment["PYTHONPATH"], str(HERE)))
    more = {"PARITY_RECORD": str(file), "PYTHONPATH": path}
    done = subprocess.run(
        command, cwd=source, env={**environment, **more}, capture_output=True, text=True, check=False
    )
    return done.stdout.splitlines()[-1] if done.stdout else done.stderr


def read(file: Path, examples: Path) -> list[Session]:
    """The sessions in a recording, and one for each example in the folder `examples` that it lacks."""
    sessions: dict[tuple[str, str], Session] = {}
    for line in file.read_text().splitlines():
        row = json.loads(line)
        if row["app"] is None or row["scheme"].startswith("ws"):
            continue
        session = sessions.setdefault((row["file"], row["app"]), Session(len(sessions), row["app"]))
        session.beside.update({name: base64.b64decode(content) for name, content in row["beside"].items()})
        headers = tuple((name, value) for name, value in row["headers"])
        session.requests.append(
            Recorded(row["method"], row["target"], headers, base64.b64decode(row["body"]))
        )
    asked = {session.app for session in sessions.values()}
    found = list(sessions.values())
    for app in sorted(set(_apps(examples)) - asked):
        requests = [Recorded("GET", target, USUAL_HEADERS, b"") for target in USUAL]
        found.append(Session(len(found), app, requests, PAGES if ".frontend." in app else {}))
    return found


def _apps(examples: Path) -> list[str]:
    """Every module of the examples that makes an app, by its source."""
    names = []
    for path in examples.rglob("*.py"):
        if any(line.startswith(("app = ", "app: ")) for line in path.read_text().splitlines()):
            module = path.relative_to(examples.parent).with_suffix("").as_posix().replace("/", ".")
            names.append(f"{module}:app")
    return names
