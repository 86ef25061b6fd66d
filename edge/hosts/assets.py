"""Serves files on CPython: the browser releases (precompressed, immutable) and the app's static folders."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from os import PathLike
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from ..errors import Problem
from ..security_headers import worker_policy
from .address import static_address
from .tagged_files import TaggedFiles

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".wasm": "application/wasm",
    ".json": "application/json",
    ".zip": "application/zip",
}
# Files named by their content, of this release and of earlier ones: some page may still run one of those.
NAMED = re.compile(
    r"/_edge/(?:[a-z]+/[0-9a-f]{16}(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)+|releases/[0-9a-f]{16}\.json)"
)
FOREVER = "public, max-age=31536000, immutable"
# Names that say nothing about the content, of the current release. No cache may keep the service worker,
# or a browser could not be told to stop.
CHANGING = {"/sw.js": "no-store", "/_edge/manifest.json": "no-cache"}
# What pages load by a stable name. The answer names the file of the release, so that what that imports is
# of the same release, and needs not be asked for again.
FAILURE = "/_edge/failure"  # read by browser/failure.js
STABLE = re.compile(r"/_edge/([a-z][a-z-]*\.(?:js|css))")


class Assets:
    """`release` is the folder that `edgekit build` wrote, or None; `static` maps URL prefixes to folders.

    `failure` is a file with what is broken while the app is developed.
    """

    def __init__(
        self,
        release: Path | None,
        static: Mapping[str, str | PathLike[str]],
        failure: Path | None = None,
    ) -> None:
        self._release = release
        self._failure = failure
        self._static = {prefix.rstrip("/") + "/": TaggedFiles(d) for prefix, d in static.items()}
        self._kit = ""
        self._files: Mapping[str, str] = {}
        self._edges: tuple[str, ...] = ()
        self._read_at = (0, 0)

    def owns(self, path: str) -> bool:
        """Whether `path` lies under one of the static prefixes."""
        return any(path.startswith(prefix) for prefix in self._static)

    def address(self, path: str) -> str:
        """Where the current release has the static file at the URL path `path`; without one there, `path`."""
        if self._release is None:
            return path
        with suppress(Problem):  # nothing has been built yet
            self._look_up(self._release)
        return static_address(self._files, path)

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
        if self._failure is not None and path == FAILURE:
            await _broken(self._failure)(scope, receive, send)
            return
        if self._release is None:
            raise Problem("not-found", "this host serves no browser release", for_developers=True)
        await self._file(Headers(scope=scope), self._release, path)(scope, receive, send)

    def _file(self, asked: Headers, release: Path, path: str) -> Response:
        if NAMED.fullmatch(path):
            return _named(asked, release / path[1:])
        if path in CHANGING:
            return _changing(asked, release / path[1:], CHANGING[path], self._policy(release, path))
        stable = STABLE.fullmatch(path)
        if stable and (release / (name := self._kit_folder(release) + stable[1])).is_file():
            return RedirectResponse(f"/{name}", headers={"cache-control": "no-cache"})
        raise Problem("not-found")

    def _policy(self, release: Path, path: str) -> dict[str, str]:
        """A worker follows the policy of its own script: that names the edges which it may ask."""
        if path != "/sw.js" or not (release / "_edge" / "manifest.json").is_file():
            return {}
        self._look_up(release)
        return {"content-security-policy": worker_policy(self._edges)} if self._edges else {}

    def _kit_folder(self, release: Path) -> str:
        """Where the current release has its scripts."""
        self._look_up(release)
        return self._kit

    def _look_up(self, release: Path) -> None:
        """Read the manifest, again when another release has been published; raises `Problem("not-found")`."""
        file = release / "_edge" / "manifest.json"
        try:
            state = file.stat()
            if (state.st_mtime_ns, state.st_ino) != self._read_at:
                manifest = json.loads(file.read_bytes())
                self._kit, self._edges = manifest["roles"]["kit"][1:], tuple(manifest.get("edges", ()))
                self._files = manifest.get("static", {})
                self._read_at = (state.st_mtime_ns, state.st_ino)
        except FileNotFoundError as error:
            raise Problem("not-found") from error


def _broken(file: Path) -> Response:
    """What is broken; 204 if nothing is."""
    text = file.read_text("utf-8") if file.is_file() else ""
    return PlainTextResponse(text, 200 if text else 204, headers={"cache-control": "no-store"})


def _changing(asked: Headers, file: Path, cache: str, more: Mapping[str, str]) -> Response:
    """A small file. The tag is of its content: a release that replaces another may have its size and,
    where builds are reproducible, its time."""
    if not file.is_file():
        raise Problem("not-found")
    content = file.read_bytes()
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"cache-control": cache, "etag": etag, **more}
    if headers["etag"] in asked.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=MEDIA_TYPES[file.suffix])


def _named(asked: Headers, file: Path) -> Response:
    if not file.is_file():
        raise Problem("not-found")
    headers = {"cache-control": FOREVER, "vary": "accept-encoding"}
    media_type = MEDIA_TYPES.get(file.suffix)
    packed = file.with_name(file.name + ".br")
    if "br" in asked.get("accept-encoding", "") and packed.is_file():
        file = packed
        headers["content-encoding"] = "br"
    return FileResponse(file, headers=headers, media_type=media_type)
