"""The standard library of a release: Pyodide's own, and ours beside it.

Nothing is left out that a program may import: what no start asks for comes late (parts.py) and costs no start
anything, and a module that cannot work without processes is imported all the same by many that never use it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from .archive import Files

TARGET = Path(__file__).with_name("target")
# `_multiprocessing` and `_posixshmem` are extensions that Pyodide lacks; `multiprocessing` imports them.
OURS = {
    "sitecustomize.py": "sitecustomize.py",
    "_multiprocessing.py": "absent_multiprocessing.py",
    "_posixshmem.py": "absent_posixshmem.py",
}
DROPPED = re.compile(
    r"(?:__phello__ | site-packages)/.* | (?:__hello__ | antigravity | this)\.py", re.VERBOSE
)
DATA_DROPPED = re.compile(r".*\.(?:ini|typed|txt)")


def prune(files: Mapping[str, bytes]) -> Files:
    """The files that a release keeps, and our own beside them."""
    kept = {
        name: content
        for name, content in files.items()
        if not DROPPED.fullmatch(name) and not DATA_DROPPED.fullmatch(name)
    }
    return kept | {name: (TARGET / source).read_bytes() for name, source in OURS.items()}
