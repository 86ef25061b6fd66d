"""A network between browser and edge that can be slow, cut and silent."""

from __future__ import annotations

import contextlib
import socket
import threading
from urllib.parse import urlsplit


class Proxy:
    """Stands before the server at `target` (a URL); its own address is `url`.

    `passing`: everything. `delay`: each piece that the server sends arrives that many seconds later.
    `swallow()`: connections open, and nothing ever arrives. `cut()`: they close, and new ones are refused.
    """

    def __init__(self, target: str) -> None:
        self._target = (urlsplit(target).hostname, urlsplit(target).port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        self._mode = "pass"
        self._delay = 0.0
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def heal(self) -> None:
        """Let everything pass again."""
        self._set("pass", 0.0)
        if self._listener.fileno() < 0:
            self._listener = socket.create_server(("127.0.0.1", self._port))
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def delay(self, seconds: float) -> None:
        self._set("pass", seconds)

    def swallow(self) -> None:
        self._set("swallow", 0.0)

    def cut(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._listener.fileno() >= 0:
            self.cut()

    def _set(self, mode: str, delay: float) -> None:
        with self._changed:
            self._mode, self._delay = mode, delay
            self._changed.notify_all()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            self._open |= {client, server}
            threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, hinder: bool) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65_536):
                if hinder:
                    self._hinder()
                sink.sendall(piece)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._open -= {source, sink}
        source.close()

    def _hinder(self) -> None:
        """Wait as long as the mode asks for; a mode that changes ends the wait."""
        with self._changed:
            self._changed.wait_for(lambda: self._mode == "pass" and self._delay == 0.0, self._delay or None)
            self._changed.wait_for(lambda: self._mode == "pass")
