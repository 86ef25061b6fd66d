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
    substitutes = tuple(f"{name}/" for name in _substituted(folder))
    return {
        name: _head(content) if name.endswith(".dist-info/METADATA") else content
        for name, content in files.items()
        if not name.startswith(substitutes)
    }


def _substituted(folder: Path) -> list[str]:
    """Modules that a package of another distribution stands in front of.

    python-multipart has such a package, `multipart/`: it looks for the file `multipart.py`, which is that of
    multipart, and runs it. In a zip it finds no file, and importing the module itself is the same.
    """
    return [
        module.stem
        for module in folder.glob("*.py")
        if (folder / module.stem / "__init__.py").is_file()
        for record in folder.glob(f"{module.stem}-*.dist-info/RECORD")
        if any(line.startswith(f"{module.name},") for line in record.read_text("utf-8").splitlines())
    ]


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
