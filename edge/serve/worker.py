"""The native edge as a child of `edgekit serve`: uvicorn on a socket that the parent keeps open.

    python -m edge.serve.worker MODULE:APP APP_DIR SOCKET_FD READY_FD

Writes a line to READY_FD once it accepts connections, which no request from outside could tell for sure:
during a change-over the old process answers on the same socket. If it cannot start, it writes there why.
"""

from __future__ import annotations

import os
import socket
import sys
import traceback

from uvicorn.importer import ImportFromStringError, import_from_string

from ..app import Stateless
from ..public_address import PublicAddress
from ..server.serving import Server, config
from .processes import READY

GRACE = 2  # seconds that running requests get when this process is replaced


class LoadError(Exception):
    """Why there is no app, in the words of a person or of a traceback."""


def load(spec: str, app_dir: str) -> Stateless:
    """Import the app; raises `LoadError`, with the part of the traceback that is the app's."""
    sys.path.insert(0, app_dir)
    try:
        app = import_from_string(spec)
    except ImportFromStringError as error:
        raise LoadError(f"{error}\n") from error
    except (Exception, SystemExit) as error:
        trace = error.__traceback__
        while trace is not None and not trace.tb_frame.f_code.co_filename.startswith(app_dir):
            trace = trace.tb_next
        raise LoadError("".join(traceback.format_exception(error.with_traceback(trace)))) from error
    if not isinstance(app, Stateless):
        wrapped = f"edge.Stateless({spec.partition(':')[2]}, anywhere=[…])"
        raise LoadError(f"{spec} is of type {type(app).__name__} and not wrapped: let it be {wrapped}.\n")
    return app


def main(arguments: list[str]) -> None:
    spec, app_dir, listening, ready = arguments
    try:
        app = load(spec, app_dir)
    except LoadError as error:
        sys.stderr.write(str(error))
        os.write(int(ready), str(error).encode())
        sys.exit(1)

    def accepts() -> None:
        os.write(int(ready), READY.encode())
        os.close(int(ready))

    scheme = PublicAddress.of(os.environ.get("EDGEKIT_ADDRESS")).scheme
    server = Server(config(app, scheme=scheme, grace=GRACE), accepts)
    server.run(sockets=[socket.socket(fileno=int(listening))])


if __name__ == "__main__":
    main(sys.argv[1:])
