"""The sockets that a running `edgekit serve` holds for its children."""

from __future__ import annotations

import errno
import socket

BACKLOG = 1024  # connections that may wait while a child is being replaced


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def url(host: str, listening: socket.socket) -> str:
    """Where it can be reached."""
    return f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"


def refusal(error: OSError, host: str, port: int) -> str:
    """Why `listen` could not, in one sentence."""
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use: end that program, or choose another with --port."
    return f"Cannot listen on {host}, port {port}: {error.strerror}."
