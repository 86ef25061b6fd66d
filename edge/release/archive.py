"""Zip archives whose bytes depend on nothing but the names and contents of their files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

Files = dict[str, bytes]  # path inside an archive -> content

EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip archive can name
SOURCE_DATE_EPOCH = "315532800"  # the same moment, as the build tools read it


def pack(files: Mapping[str, bytes]) -> bytes:
    """A zip of `files`, sorted and stored: brotli makes far more of a stored zip than of a deflated one."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, EPOCH)
            info.create_system = 3  # Unix, on every machine
            info.external_attr = 0o644 << 16
            archive.writestr(info, files[name])
    return target.getvalue()


def unpack(path: Path) -> Files:
    """The files of a zip; entries for folders are left out."""
    with zipfile.ZipFile(path) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist() if not info.is_dir()}


def read_tree(root: Path, keep: Callable[[PurePosixPath], bool], prefix: str = "") -> Files:
    """The files below `root` by `prefix` + relative path; `keep` is asked about every folder and file."""
    found: Files = {}
    folders = [root]
    while folders:
        for path in folders.pop().iterdir():
            name = PurePosixPath(path.relative_to(root).as_posix())
            if not keep(name):
                continue
            if path.is_dir():
                folders.append(path)
            else:
                found[prefix + str(name)] = path.read_bytes()
    return found
