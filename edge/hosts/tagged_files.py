"""Static files with the entity tag that a service worker gives them (browser/answer.js): of their content."""

from __future__ import annotations

import hashlib
from os import PathLike, stat_result
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope


class TaggedFile(FileResponse):
    """A file with a tag and no time."""

    def set_stat_headers(self, stat_result: stat_result) -> None:
        self.headers.setdefault("content-length", str(stat_result.st_size))

    def _should_use_range(self, http_if_range: str) -> bool:
        return http_if_range == self.headers["etag"]  # a time cannot be meant


class TaggedFiles(StaticFiles):
    """The files of a folder. They need no time, which is another one wherever they lie."""

    def __init__(self, directory: str | PathLike[str]) -> None:
        super().__init__(directory=directory)
        self._tags: dict[tuple[str, int, int], str] = {}

    def file_response(
        self, full_path: Any, stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """As Starlette has it, but for the tag and the time."""
        key = (str(full_path), stat_result.st_mtime_ns, stat_result.st_size)
        if key not in self._tags:
            self._tags[key] = f'"{hashlib.sha256(Path(full_path).read_bytes()).hexdigest()[:32]}"'
        tag = {"etag": self._tags[key]}
        response = TaggedFile(full_path, status_code, headers=tag, stat_result=stat_result)
        if self.is_not_modified(response.headers, Headers(scope=scope)):
            return NotModifiedResponse(response.headers)
        return response
