"""`python -m origin.backup --data DIR --to FILE`: a whole copy of the database, also while the origin runs.

To restore, stop the origin, put the copy in the place of `DIR/origin.db`, remove `DIR/origin.db-wal` and
`DIR/origin.db-shm`, and start it again.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import apsw

from edge.private_files import open_private

from .database import open_reader
from .errors import StartError

STEP = 1024  # pages copied at a time, so that the origin is never kept waiting for long


def back_up(source: Path, target: Path) -> int:
    """Copy the database `source` to the new file `target`, which only its owner can read; returns its bytes.

    The copy is as of one moment, has been checked, and appears whole or not at all.
    Raises OSError (FileExistsError if `target` exists), `apsw.Error`, `StartError`.
    """
    if target.exists():
        raise FileExistsError(f"{target} exists")
    draft = target.with_name(f".{target.name}.new")
    draft.unlink(missing_ok=True)
    open_private(draft, os.O_EXCL).close()
    try:
        with closing(apsw.Connection(str(draft))) as copy, closing(open_reader(source)) as database:
            with copy.backup("main", database, "main") as work:
                while not work.done:
                    work.step(STEP)
            found = copy.execute("PRAGMA quick_check").get
        if found != "ok":
            raise StartError(f"the copy of {source} is damaged: {found}")
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)
    return target.stat().st_size


def main(arguments: Sequence[str] | None = None) -> None:
    """Copy, and say so on stderr; exit with status 1 and the reason if that fails."""
    parser = argparse.ArgumentParser(prog="python -m origin.backup", description="Copy the database.")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the database")
    parser.add_argument("--to", type=Path, required=True, metavar="FILE", help="the copy; must not exist")
    options = parser.parse_args(arguments)
    try:
        size = back_up(options.data / "origin.db", options.to)
    except (OSError, apsw.Error, StartError) as error:
        parser.exit(1, f"origin.backup: {error}\n")
    sys.stderr.write(f"{options.to}: {size} bytes\n")


if __name__ == "__main__":
    main()
