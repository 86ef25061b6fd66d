"""An edge with the baselines beside it: `/_bench/…` are files, everything else is the app's.

BENCH_APP     module:attribute of the app
BENCH_FILES   folder of the baselines
BENCH_SCRIPT  "0": pages without the kit's script, the plain native server
"""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path
from typing import Any

from uvicorn.importer import import_from_string

PREFIX = "/_bench/"
TYPES = {".wasm": "application/wasm", ".mjs": "text/javascript", ".whl": "application/zip"}


class Served:
    """Serves like the kit's own host: precompressed, and what is no page is kept for ever."""

    def __init__(self, app: Any, folder: Path) -> None:
        self._app = app
        self._folder = folder

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        file = self._folder / scope["path"].removeprefix(PREFIX)
        found = file.is_file() and self._folder in file.parents
        body, headers = self._read(file, dict(scope["headers"])) if found else (b"", [])
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": 200 if found else 404, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _read(self, file: Path, asked: dict[bytes, bytes]) -> tuple[bytes, list[tuple[bytes, bytes]]]:
        kind = TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        stable = file.suffix != ".html" and not file.name.endswith("-sw.js")
        keep = b"public, max-age=31536000, immutable" if stable else b"no-cache"
        headers = [(b"content-type", kind.encode()), (b"cache-control", keep)]
        copy = file.with_name(f"{file.name}.br")
        if b"br" in asked.get(b"accept-encoding", b"") and copy.is_file():
            return copy.read_bytes(), [*headers, (b"content-encoding", b"br")]
        return file.read_bytes(), headers


_inner = import_from_string(os.environ["BENCH_APP"])
_inner.script = os.environ.get("BENCH_SCRIPT") != "0"
app = Served(_inner, Path(os.environ["BENCH_FILES"]))
