"""A plugin for pytest that notes what tests send through TestClient: a JSON line each.

It runs in the process of FastAPI's own tests, where `PARITY_RECORD` names the file; recordings.py reads it.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import starlette.testclient

EXAMPLES = "docs_src."
OUTPUTS = (".db", ".pyc", "log.txt")  # what examples write themselves

_running = ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Any:
    global _running  # noqa: PLW0603 - one test at a time
    _running = item.nodeid
    return (yield)


def pytest_configure() -> None:
    transport = starlette.testclient._TestClientTransport
    plain = transport.handle_request
    before = set(_files())

    def handle_request(self: Any, request: Any) -> Any:
        row = {
            "file": _running.partition("::")[0],
            "app": _name_of(self.app),
            "scheme": request.url.scheme,
            "method": request.method,
            "target": request.url.raw_path.decode("ascii"),
            "headers": [(name.lower(), value) for name, value in request.headers.multi_items()],
            "body": _text(request.read()),
            "beside": {str(path): _text(path.read_bytes()) for path in _files() if path not in before},
        }
        with Path(os.environ["PARITY_RECORD"]).open("a") as file:
            print(json.dumps(row), file=file)
        return plain(self, request)

    transport.handle_request = handle_request  # type: ignore[method-assign]


def _name_of(app: object) -> str | None:
    """The `module:attribute` of an example; None for an app that the test has made itself."""
    for name, module in list(sys.modules.items()):
        if name.startswith(EXAMPLES):
            for attribute, value in list(vars(module).items()):
                if value is app:
                    return f"{name}:{attribute}"
    return None


def _files() -> list[Path]:
    """What the tests have put where an example looks for it: beside its package."""
    found = [path for path in Path().iterdir() if not path.name.startswith((".", "docs", "tests", "fastapi"))]
    files = [file for path in found for file in (path.rglob("*") if path.is_dir() else [path])]
    return [file for file in files if file.is_file() and not file.name.endswith(OUTPUTS)]


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
