"""What happened in a run, in order: rows that are written as JSON lines and judged afterwards.

Each row has `kind` and, in seconds since the start, `at`. `key` is always the key as the origin sees it.

    run       seed, spec: the first row
    write     op, visit, key, method, target: a user acts; `op` numbers the requests that change something
    try       op, number, edge, fault: the request leaves
    copy      op, number, edge: the same request goes to another process as well
    failure   op, number, why: no whole answer came back
    answer    op, number, status, digest, replayed, problem, copy: an answer; a copy's reaches no user
    end       op, how: "final", "given-up" or "stuck"
    view      visit, view: what the user's cookie holds now
    commit    call, copy, subject, key, reads, writes, increments and, as for `outcome`, the answer
    verdict   call, subject, key, status, replayed, digest, problem: its answer, whoever got it
    kill      who
    outcome   subject, key, status, digest, shown, state: what the origin remembers at the end
    record    scope, owner, collection, id, version, value, numbers: what it stores at the end
    database  integrity: SQLite's own check at the end

`value` and what writes hold are digests; `numbers` are a record's members that are whole numbers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from ..page_script import TAG
from ..private_files import open_private
from ..wire import encode_json

Row = dict[str, Any]


class History:
    """Rows in memory and, line by line, in `file`. `timer` gives seconds."""

    def __init__(self, file: Path, timer: Callable[[], float]) -> None:
        self._file = open_private(file)
        self._timer = timer
        self._start = timer()
        self.rows: list[Row] = []

    def add(self, kind: str, **members: Any) -> None:
        row = {"kind": kind, "at": round(self._timer() - self._start, 4), **members}
        self.rows.append(row)
        self._file.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")

    def __enter__(self) -> History:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def load(file: Path) -> list[Row]:
    """The rows of a file."""
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def digest(*parts: object) -> str:
    """A short digest of JSON values."""
    return hashlib.sha256(encode_json(parts)).hexdigest()[:16]


def answer_digest(status: int, headers: Iterable[tuple[str, str]], body: bytes) -> str:
    """What of an answer is the same for every copy of a request: status, place, type, and body without the
    script that edges add."""
    found = {name.lower(): value for name, value in headers}
    core = hashlib.sha256(body.replace(TAG, b"")).hexdigest()
    return digest(status, found.get("location", ""), found.get("content-type", ""), core)
