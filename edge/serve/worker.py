"""The native edge as a child of `edgekit serve`: uvicorn on a socket that the parent keeps open.

    python -m edge.serve.worker MODULE:APP APP_DIR SOCKET_FD READY_FD

Writes one byte to READY_FD once it accepts connections, which no request from outside could tell
for sure: during a change-over the old process answers on the same socket.
"""

from __future__ import annotations

import os
import socket
import sys
import traceback
from typing import Any

from uvicorn.importer import ImportFromStringError, import_from_string

from ..public_address import PublicAddress
from ..server.serving import Server, config

GRACE = 2  # seconds that running requests get when this process is replaced


def load(spec: str, app_dir: str) -> Any:
    """Import the app; if that fails print the part of the traceback that is the app's, and exit."""
    sys.path.insert(0, app_dir)
    try:
        return import_from_string(spec)
    except ImportFromStringError as error:
        sys.exit(str(error))
    except Exception as error:
        trace = error.__traceback__
        while trace is not None and not trace.tb_frame.f_code.co_filename.startswith(app_dir):
            trace = trace.tb_next
        traceback.print_exception(error.with_traceback(trace))
        sys.exit(1)


def main(arguments: list[str]) -> None:
    spec, app_dir, listening, ready = arguments
    app = load(spec, app_dir)

    def accepts() -> None:
        os.write(int(ready), b".")
        os.close(int(ready))

    scheme = PublicAddress.of(os.environ.get("EDGEKIT_ADDRESS")).scheme
    server = Server(config(app, scheme=scheme, grace=GRACE), accepts)
    server.run(sockets=[socket.socket(fileno=int(listening))])


if __name__ == "__main__":
    main(sys.argv[1:])
