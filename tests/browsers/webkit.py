"""WebKitGTK, driven through its own WebDriver."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from selenium.webdriver import Remote
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service

from .driven import Driven

SHELL = Path(__file__).with_name("webkit_shell.py")
# What WebKit reports when a service worker finds no network.
NO_NETWORK = "Connection (reset|terminated|refused)|Could not connect|Cannot load"
ERROR = re.compile(r"CONSOLE (?:\S+ )?ERROR")
UNKNOWN = "Unrecognized Content-Security-Policy directive 'manifest-src'"  # WebKitGTK has no manifests


class WebKit(Driven):
    """A window on the X display. The console goes to `console.log` in the folder, as does the profile."""

    def __init__(self, display: str, folder: Path, *, private: bool, without: str) -> None:
        self._environment = {**os.environ, "DISPLAY": display}
        self._console = folder / "console.log"
        self._console.touch()
        self._read = 0
        self._options = Options()
        # Its processes write line by line only if told so, and WebDriver takes one word for the program.
        self._options.binary_location = shutil.which("stdbuf") or "stdbuf"
        words = ["-oL", "/usr/bin/python3", SHELL, "--console", self._console]
        words += [] if private else ["--profile", folder]
        words += ["--without", without] if without else []
        for word in words:
            self._options.add_argument(str(word))
        super().__init__()

    def connect(self) -> Remote:
        self._service = Service(shutil.which("WebKitWebDriver"), env=self._environment)
        self._service.start()
        address = ClientConfig(remote_server_addr=self._service.service_url)
        return Remote(RemoteConnection(client_config=address), options=self._options)

    def errors(self) -> list[str]:
        text = self._console.read_text(errors="replace")
        new, self._read = text[self._read :], len(text)
        return [line for line in new.splitlines() if ERROR.search(line) and UNKNOWN not in line]

    def disconnect(self) -> None:
        super().disconnect()
        self._service.stop()
