"""Marionette, the remote control inside every Firefox, as a transport for Selenium.

It understands the commands of WebDriver by itself; the program geckodriver, which is on no package index,
only adds HTTP. Source: Firefox, `remote/marionette`; protocol version 3.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.remote.command import Command

START_LIMIT = 60  # seconds
SWITCHES = ("--headless", "--no-remote", "--marionette", "--remote-allow-system-access")
NAMES = {
    Command.NEW_SESSION: "WebDriver:NewSession",
    Command.QUIT: "Marionette:Quit",
    Command.SET_TIMEOUTS: "WebDriver:SetTimeouts",
    Command.GET: "WebDriver:Navigate",
    Command.FIND_ELEMENT: "WebDriver:FindElement",
    Command.CLICK_ELEMENT: "WebDriver:ElementClick",
    Command.W3C_EXECUTE_SCRIPT_ASYNC: "WebDriver:ExecuteAsyncScript",
}
# Scripts run on the page's own objects, not on privileged views of them.
FIXED: dict[str, dict[str, Any]] = {Command.W3C_EXECUTE_SCRIPT_ASYNC: {"sandbox": None}}


class Marionette:
    """A Firefox and the connection to it; takes the place of Selenium's `RemoteConnection`."""

    def __init__(self, executable: str, profile: Path, preferences: dict[str, Any]) -> None:
        chosen = {"marionette.port": 0, **preferences}  # 0: any free one; the file below tells which
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in chosen.items()]
        (profile / "user.js").write_text("".join(lines))
        port_file = profile / "MarionetteActivePort"
        port_file.unlink(missing_ok=True)
        command = [executable, *SWITCHES, "--profile", profile]
        with (profile / "firefox.log").open("a") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._last = 0
        self._socket = self._connect(port_file)
        self._file = self._socket.makefile("rb")
        assert self._receive()["marionetteProtocol"] == 3

    def _connect(self, port_file: Path) -> socket.socket:
        deadline = time.monotonic() + START_LIMIT
        while True:
            assert self._process.poll() is None, "Firefox did not start"
            # The file is written before the port is open.
            with contextlib.suppress(FileNotFoundError, ValueError, ConnectionRefusedError):
                return socket.create_connection(("127.0.0.1", int(port_file.read_text())))
            assert time.monotonic() < deadline, "Firefox does not listen"
            time.sleep(0.05)

    def _receive(self) -> Any:
        size = b""
        while not size.endswith(b":"):
            byte = self._file.read(1)
            assert byte, "Firefox hung up"
            size += byte
        return json.loads(self._file.read(int(size[:-1])))

    def send(self, name: str, parameters: dict[str, Any]) -> Any:
        """One of Marionette's own commands. Raises `WebDriverException` if it fails."""
        self._last += 1
        text = json.dumps([0, self._last, name, parameters]).encode()
        self._socket.sendall(b"%d:%b" % (len(text), text))
        _, _, error, result = self._receive()
        if error is not None:
            raise WebDriverException(f"{error['error']}: {error['message']}")
        return result

    def execute(self, command: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """As Selenium calls it."""
        rest = {name: value for name, value in parameters.items() if name != "sessionId"}
        result = self.send(NAMES[command], {**rest, **FIXED.get(command, {})})
        return result if set(result) == {"value"} else {"value": result}

    def close(self) -> None:
        """As Selenium calls it after it has asked to quit; waits for the end of the process."""
        self._file.close()
        self._socket.close()
        self._process.wait(START_LIMIT)
