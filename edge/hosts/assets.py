"""Serves files on CPython: the browser release (precompressed, immutable) and the app's static folders."""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from ..errors import Problem

MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".wasm": "application/wasm",
    ".json": "application/json",
    ".zip": "application/zip",
}
# Names without a hash in them: always asked for again, answered 304 while they are unchanged.
STABLE = {"/_edge/page.js": "page.js", "/_edge/strip.js": "strip.js"}


class Assets:
    """`release` is the folder that `edgekit build` wrote, or None; `static` maps URL prefixes to folders."""

    def __init__(self, release: Path | None, static: Mapping[str, str | PathLike[str]]) -> None:
        self._release = release
        self._static = {prefix.rstrip("/") + "/": StaticFiles(directory=d) for prefix, d in static.items()}
        self._manifest: dict[str, Any] = {}
        self._read_at = -1

    def owns(self, path: str) -> bool:
        """Whether `path` lies under one of the static prefixes."""
        return any(path.startswith(prefix) for prefix in self._static)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a GET or HEAD; raises `Problem("not-found")`."""
        path: str = scope["path"]
        for prefix, files in self._static.items():
            if path.startswith(prefix):
                inner = {**scope, "path": path.removeprefix(prefix.rstrip("/")), "root_path": ""}
                try:
                    await files(inner, receive, send)
                except HTTPException as error:
                    raise Problem("not-found" if error.status_code == 404 else "forbidden") from error
                return
        await self._file(scope, path)(scope, receive, send)

    def _file(self, scope: Scope, path: str) -> Response:
        if self._release is None:
            raise Problem("not-found", "this host serves no browser release")
        manifest = self._current(self._release)
        if path in ("/sw.js", "/_edge/manifest.json"):
            name, cache = path[1:], "no-cache"
        elif path in STABLE and manifest:
            name, cache = manifest["roles"]["kit"][1:] + STABLE[path], "no-cache"
        elif path in manifest.get("files", {}):
            name, cache = path[1:], "public, max-age=31536000, immutable"
        else:
            raise Problem("not-found")
        file = self._release / name
        headers = {"cache-control": cache, "vary": "accept-encoding"}
        media_type = MEDIA_TYPES.get(file.suffix)
        packed = file.with_name(file.name + ".br")
        if "br" in Headers(scope=scope).get("accept-encoding", "") and packed.is_file():
            file = packed
            headers["content-encoding"] = "br"
        if not file.is_file():
            raise Problem("not-found", "the release lacks a file that its manifest names")
        return FileResponse(file, headers=headers, media_type=media_type)

    def _current(self, release: Path) -> dict[str, Any]:
        """The manifest, read again when a new release has been published in place."""
        file = release / "_edge" / "manifest.json"
        try:
            changed = file.stat().st_mtime_ns
        except FileNotFoundError:
            return {}
        if changed != self._read_at:
            self._manifest, self._read_at = json.loads(file.read_bytes()), changed
        return self._manifest
