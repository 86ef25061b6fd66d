"""What a release takes from the installed packages, and what of it can stay inside a zip."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from .archive import Files, read_tree

DISTRIBUTION_KEPT = re.compile(
    r"METADATA|entry_points\.txt|licen[cs]es?/.*|(?:AUTHORS|COPYING|COPYRIGHT|LICEN[CS]E|NOTICE)[^/]*",
    re.IGNORECASE,
)
NEVER = {"__pycache__", "bin", "tests", "test"}
SUFFIXES_DROPPED = {".c", ".cpp", ".h", ".pth", ".pxd", ".pyc", ".pyi", ".pyx", ".typed"}


def read_packages(folder: Path) -> Files:
    """The files of packages installed into `folder` that matter at run time; licences are kept."""
    files = read_tree(folder, _wanted)
    return {
        name: _head(content) if name.endswith(".dist-info/METADATA") else content
        for name, content in files.items()
    }


def _wanted(path: PurePosixPath) -> bool:
    top, _, inner = str(path).partition("/")
    if top.endswith(".dist-info"):
        return inner in {"", "licenses", "license_files"} or DISTRIBUTION_KEPT.fullmatch(inner) is not None
    return path.name not in NEVER and not path.name.startswith(".") and path.suffix not in SUFFIXES_DROPPED


def _head(metadata: bytes) -> bytes:
    """Core metadata without the project's description: all that follows the first empty line."""
    return metadata.replace(b"\r\n", b"\n").partition(b"\n\n")[0] + b"\n"


def split(files: Mapping[str, bytes]) -> tuple[Files, Files]:
    """`(zipped, unpacked)`: packages with data files or native modules need a real folder."""
    unsafe = {
        name.split("/")[0]
        for name in files
        if not name.endswith((".py", ".pyc")) and not name.split("/")[0].endswith(".dist-info")
    }
    zipped: Files = {}
    unpacked: Files = {}
    for name, content in files.items():
        (unpacked if name.split("/")[0] in unsafe else zipped)[name] = content
    return zipped, unpacked
