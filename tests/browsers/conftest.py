"""Firefox and WebKit, each with a profile of its own, on a line to a server that a test can cut."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from .driven import Driven
from .firefox import Firefox
from .line import Line
from .webkit import WebKit

# WebKitGTK is for Linux; docs/browsers.md says how to see to Safari.
ENGINES = ("firefox", "webkit") if sys.platform == "linux" else ("firefox",)


class Visitor(NamedTuple):
    """A browser whose own host has taken over, and its line; `first` is the host that answered before."""

    browser: Driven
    line: Line
    url: str
    first: str


class Browsers:
    """Opens browsers, and keeps what their consoles say."""

    def __init__(self, folders: pytest.TempPathFactory, request: pytest.FixtureRequest) -> None:
        self._folders = folders
        self._request = request
        self._open: list[Driven] = []
        self._errors: list[str] = []

    @contextlib.contextmanager
    def open(self, engine: str, *, private: bool = False, workers: bool = True) -> Iterator[Driven]:
        """A new browser with a new profile; without `workers` it blocks service workers."""
        start = {"firefox": self._firefox, "webkit": self._webkit}[engine]
        browser = start(self._folders.mktemp(engine), private, workers)
        self._open.append(browser)
        try:
            yield browser
            self._errors += browser.errors()
        finally:
            self._open.remove(browser)
            browser.disconnect()

    @contextlib.contextmanager
    def visitor(self, engine: str, server: str) -> Iterator[Visitor]:
        """A new browser after its first visit to `server`."""
        with Line(server) as line, self.open(engine) as browser:
            yield Visitor(browser, line, line.url, browser.take_over(line.url))

    def errors(self) -> list[str]:
        """Of all browsers, since the last call."""
        for browser in self._open:
            self._errors += browser.errors()
        found, self._errors = self._errors, []
        return found

    def _firefox(self, folder: Path, private: bool, workers: bool) -> Driven:
        names = [os.environ.get("EDGEKIT_FIREFOX"), shutil.which("firefox-esr"), shutil.which("firefox")]
        executable = next(filter(None, names))
        preferences = {"browser.privatebrowsing.autostart": private, "dom.serviceWorkers.enabled": workers}
        return Firefox(executable, folder, preferences)

    def _webkit(self, folder: Path, private: bool, workers: bool) -> Driven:
        display = self._request.getfixturevalue("display")
        return WebKit(display, folder, private=private, without="" if workers else "ServiceWorkers")


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    """An X server that shows nothing: WebKitGTK has no mode without windows."""
    readable, writable = os.pipe()
    command = ["Xvfb", "-displayfd", str(writable), "-nolisten", "tcp", "-screen", "0", "1100x900x24"]
    process = subprocess.Popen(command, pass_fds=[writable], stderr=subprocess.DEVNULL)
    os.close(writable)
    with open(readable) as numbers:
        number = numbers.readline().strip()
    assert number, "Xvfb did not start"
    yield f":{number}"
    process.terminate()
    process.wait()


@pytest.fixture(scope="session")
def browsers(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Browsers:
    return Browsers(tmp_path_factory, request)


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The name of each engine in turn."""
    return str(request.param)


@pytest.fixture(autouse=True)
def _clean_consoles(request: pytest.FixtureRequest, browsers: Browsers) -> Iterator[None]:
    """A test fails on any console error that it does not announce with `console_errors`."""
    yield
    expected = [mark.args[0] for mark in request.node.iter_markers("console_errors")]
    surprises = [text for text in browsers.errors() if not any(re.search(found, text) for found in expected)]
    assert not surprises, "console errors:\n" + "\n".join(surprises)
