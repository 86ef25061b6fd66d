"""A network between browser and edge that can be slow, cut and silent."""

from __future__ import annotations

import contextlib
import socket
import threading
from urllib.parse import urlsplit

PORTAL = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nCache-Control: public\r\nContent-Length: 15\r\n"
    b"Connection: close\r\n\r\n<h1>Portal</h1>"
)


class Proxy:
    """Stands before the server at `target` (a URL); its own address is `url`.

    `passing`: everything. `delay`: each piece that the server sends arrives that many seconds later.
    `swallow()`: connections open, and nothing ever arrives. `portal()`: the server is not asked, all get
    the same answer. `cut()`: they close, and new ones are refused.
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
        self._answer = b""
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

    def portal(self, answer: bytes = PORTAL) -> None:
        """From now on `answer`, as in a hotel whose guests have to sign in first."""
        self._answer = answer
        self._set("portal", 0.0)
        self._end_all()

    def cut(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._end_all()

    def close(self) -> None:
        if self._listener.fileno() >= 0:
            self.cut()

    def _end_all(self) -> None:
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

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
            if self._mode == "portal":
                self._open.add(client)
                threading.Thread(target=self._preach, args=(client,), daemon=True).start()
                continue
            try:
                server = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            self._open |= {client, server}
            threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _preach(self, client: socket.socket) -> None:
        """One request, whose body does not matter, and its answer."""
        with contextlib.suppress(OSError), client:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = client.recv(65_536)
                if not piece:
                    break
                head += piece
            client.sendall(self._answer)
        self._open.discard(client)

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
