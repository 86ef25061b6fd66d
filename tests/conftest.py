"""What the tests share: one Chromium whose console must stay clean, and apps served for real."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import hypothesis
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, sync_playwright

from .proxy import Proxy

ROOT = Path(__file__).resolve().parents[1]
START_LIMIT = 300  # seconds; the first release of a machine also fetches and compiles packages
CHROMIUM_SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# How long an example takes says something about the machine, which may be busy, and nothing about the code.
hypothesis.settings.register_profile("edgekit", deadline=None)
hypothesis.settings.load_profile("edgekit")


def pytest_configure(config: pytest.Config) -> None:
    # Tests that are started in the background (`nohup`, `&`) ignore it, and so would all that they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line(
        "markers", "console_errors(pattern): console errors that match this regex are part of the test"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Playwright's event loop counts as running until it is stopped, and no other can run beside it.
    items.sort(key=lambda item: "chromium" in getattr(item, "fixturenames", ()))


# Apps served by `edgekit serve`


class Served(NamedTuple):
    """A running `edgekit serve`: its URL, the process, its data folder, and what it said on stderr."""

    url: str
    process: subprocess.Popen[str]
    data: Path
    log: Path


class Serve:
    """Starts `edgekit serve` processes, waits until they are ready, and ends them."""

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[str]] = []

    def start(self, spec: str, app_dir: Path, data: Path, *options: str) -> subprocess.Popen[str]:
        """Start without waiting; stderr goes to `serve.log` in `data`."""
        data.mkdir(parents=True, exist_ok=True)
        command = [Path(sys.executable).with_name("edgekit"), "serve", spec, "--app-dir", app_dir]
        port = () if "--port" in options else ("--port", "0")
        with (data / "serve.log").open("a") as log:
            process = subprocess.Popen(
                [*map(str, command), "--data", str(data), *port, *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._processes.append(process)
        return process

    def __call__(self, spec: str, app_dir: Path, data: Path, *options: str) -> Served:
        """Start and wait for the ready line."""
        process = self.start(spec, app_dir, data, *options)
        limit = threading.Timer(START_LIMIT, process.terminate)
        limit.start()
        assert process.stdout is not None
        line = process.stdout.readline()
        limit.cancel()
        log = data / "serve.log"
        assert line.startswith("ready "), f"not ready: {line!r}\n{log.read_text()}"
        return Served(line.removeprefix("ready ").strip(), process, data, log)

    def end(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.communicate(timeout=10)


@pytest.fixture(scope="session")
def serve() -> Iterator[Serve]:
    """`serve(spec, app_dir, data, *options)` runs an app until the end of the session."""
    running = Serve()
    yield running
    running.end()


@pytest.fixture(scope="session")
def shop(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Served:
    """The demo shop, served for real; every test that wants it shares one."""
    return serve("shop.app:app", ROOT / "examples", tmp_path_factory.mktemp("shop"), "--no-reload")


@pytest.fixture
def proxy_to() -> Iterator[Callable[[str], Proxy]]:
    """`proxy_to(url)` puts a `Proxy` before a server; all end with the test."""
    proxies: list[Proxy] = []

    def make(target: str) -> Proxy:
        proxies.append(Proxy(target))
        return proxies[-1]

    yield make
    for proxy in proxies:
        proxy.close()


# Chromium


def chromium_path() -> str | None:
    """As build.py finds it; None lets Playwright look for its own."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return os.environ.get("EDGEKIT_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


class Console:
    """Console errors and uncaught exceptions, of pages and of service workers."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def watch(self, context: BrowserContext) -> BrowserContext:
        context.on("console", self._message)  # of its service workers too
        context.on("weberror", lambda error: self.errors.append(f"uncaught: {error.error}"))
        return context

    def _message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")


@pytest.fixture(scope="session")
def console() -> Console:
    """Where the errors of every context of `chromium` are kept until the test ends."""
    return Console()


@pytest.fixture(scope="session")
def chromium(console: Console) -> Iterator[Browser]:
    """One real Chromium. Make a context per test; all of them are watched and closed afterwards."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_SWITCHES)
        plain: Callable[..., BrowserContext] = browser.new_context

        def new_context(**options: Any) -> BrowserContext:
            return console.watch(plain(**options))

        browser.new_context = new_context  # type: ignore[method-assign]
        yield browser
        browser.close()


@pytest.fixture
def open_profile(chromium: Browser) -> Iterator[Callable[[Path], BrowserContext]]:
    """`open_profile(folder)`: a Chromium of its own that keeps everything in `folder`; see `kill_profile`."""
    opened: list[BrowserContext] = []

    def start(folder: Path) -> BrowserContext:
        opened.append(
            chromium.browser_type.launch_persistent_context(
                folder, executable_path=chromium_path(), args=CHROMIUM_SWITCHES
            )
        )
        return opened[-1]

    yield start
    for context in opened:
        with contextlib.suppress(Error):  # killed
            context.close()


@pytest.fixture
def kill_profile() -> Callable[[Path], None]:
    """`kill_profile(folder)`: SIGKILL to the Chromium of this folder, which gets no time to tidy up."""

    def kill(folder: Path) -> None:
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (process / "cmdline").read_bytes().split(b"\0")
                if f"--user-data-dir={folder}".encode() in words and not any(
                    word.startswith(b"--type=") for word in words
                ):
                    os.kill(int(process.name), signal.SIGKILL)

    return kill


@pytest.fixture(autouse=True)
def _clean_console(request: pytest.FixtureRequest) -> Iterator[None]:
    """A browser test fails on any console error that it does not announce with `console_errors`."""
    if "chromium" not in request.fixturenames:
        yield
        return
    browser: Browser = request.getfixturevalue("chromium")
    console: Console = request.getfixturevalue("console")
    yield
    for context in browser.contexts:
        context.close()
    found, console.errors = console.errors, []
    expected = [mark.args[0] for mark in request.node.iter_markers("console_errors")]
    surprises = [text for text in found if not any(re.search(pattern, text) for pattern in expected)]
    assert not surprises, "console errors:\n" + "\n".join(surprises)
