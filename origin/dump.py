"""`python -m origin.dump --data DIR [--to FILE]`: all that is stored, as JSON lines; the origin may run.

{"kind": "outcome", "subject", "key", "fingerprint", "response": {"status", "headers", "body", "state"…}}
{"kind": "record", "scope", "owner", "collection", "id", "version", "value"}   value null: deleted
{"kind": "database", "integrity": "ok"}
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import apsw

from edge.private_files import open_private

from .database import open_reader

_OUTCOMES = "SELECT subject, key, fingerprint, answer FROM outcome ORDER BY subject, key"
_RECORDS = """
    SELECT scope, owner, collection, id, version, value FROM record ORDER BY scope, owner, collection, id
"""
_RECORD = ("scope", "owner", "collection", "id", "version")


def rows(connection: apsw.Connection) -> Iterator[dict[str, Any]]:
    """All that is stored, as one moment sees it."""
    with connection:
        for subject, key, fingerprint, answer in connection.execute(_OUTCOMES):
            response = json.loads(answer)["response"]
            yield {
                "kind": "outcome",
                "subject": subject,
                "key": key,
                "fingerprint": fingerprint,
                "response": response,
            }
        for *names, value in connection.execute(_RECORDS):
            stored = None if value is None else json.loads(value)
            yield {"kind": "record", **dict(zip(_RECORD, names, strict=True)), "value": stored}
        integrity = connection.execute("PRAGMA integrity_check").get
        yield {"kind": "database", "integrity": integrity}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print it all; a shell's `>` would let others read the file, `--to` does not. Raises FileExistsError."""
    parser = argparse.ArgumentParser(prog="python -m origin.dump", description="Print all that is stored.")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the database")
    parser.add_argument(
        "--to", type=Path, metavar="FILE", help="a new file for its owner alone (default: stdout)"
    )
    options = parser.parse_args(arguments)
    connection = open_reader(options.data / "origin.db")
    with ExitStack() as stack:
        target = stack.enter_context(open_private(options.to, os.O_EXCL)) if options.to else sys.stdout
        for row in rows(connection):
            target.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
