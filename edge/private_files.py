"""Folders and files that only their owner may look into, whatever the umask and whatever they were before.

On a machine with other users a database readable by all gives away all that it holds: password hashes too.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TextIO

FOLDER, FILE = 0o700, 0o600


def private_folder(path: Path) -> None:
    """Make the folder, or take what others may do there; raises OSError.

    Somebody else's folder, or one that all share (`/tmp`), stays as it is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=FOLDER, exist_ok=True)
    _take(path, FOLDER)


def private_files(folder: Path, pattern: str) -> None:
    """Take what others may do with the files of that name in `folder`; raises OSError."""
    for path in folder.glob(pattern):
        if path.is_file() and not path.is_symlink():
            _take(path, FILE)


def open_private(path: Path, flags: int = os.O_TRUNC) -> TextIO:
    """Open for writing, for the owner alone: `os.O_TRUNC`, `os.O_APPEND` or `os.O_EXCL`; raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | flags, FILE)
    try:
        _take(path, FILE)
    except OSError:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "w", encoding="utf-8")


def _take(path: Path, mode: int) -> None:
    found = path.stat()
    if found.st_uid != os.getuid() or found.st_mode & stat.S_ISVTX:
        return
    if found.st_mode & 0o777 & ~mode:
        path.chmod(stat.S_IMODE(found.st_mode) & mode)
