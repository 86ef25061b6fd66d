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
        _add(archive, files)
    return target.getvalue()


def tail(packed: bytes, files: Mapping[str, bytes]) -> bytes:
    """What turns a zip into one with these `files` too when it is appended: not one byte of it changes."""
    target = io.BytesIO(packed)
    with zipfile.ZipFile(target, "a", zipfile.ZIP_STORED) as archive:
        archive.start_dir = len(packed)  # where the new entries begin: not over the old directory
        _add(archive, files)
    return target.getvalue()[len(packed) :]


def _add(archive: zipfile.ZipFile, files: Mapping[str, bytes]) -> None:
    for name in sorted(files):
        info = zipfile.ZipInfo(name, EPOCH)
        info.create_system = 3  # Unix, on every machine
        info.external_attr = 0o644 << 16
        archive.writestr(info, files[name])


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
