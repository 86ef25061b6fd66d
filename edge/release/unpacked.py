"""Files as they are once nothing in them is compressed any more: archives within archives, to the last."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

import brotli  # type: ignore[import-untyped]

DEPTH = 8  # archives within each other
LIMIT = 1024**3  # bytes that one file may become
PIECE = 65_536
OPENERS: Mapping[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}
ZSTD = b"\x28\xb5\x2f\xfd"
BROKEN = (
    *(OSError, EOFError, ValueError, NotImplementedError),
    *(zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError),
)


class Unreadable(Exception):
    """`str(error)` names a file in which nobody can look: it is encrypted, or too much."""


def unpacked(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """`(path, bytes)` of all that is in a file, itself if it is no archive; paths go through archives.

    Raises `Unreadable`.
    """
    yield from _Walk().walk(name, content, 0)


class _Walk:
    def __init__(self) -> None:
        self._left = LIMIT

    def walk(self, name: str, content: bytes, depth: int) -> Iterator[tuple[str, bytes]]:
        if depth > DEPTH or content.startswith(ZSTD):
            raise Unreadable(name)
        is_whole = False
        try:
            for path, part in self._open(name, content):
                is_whole = True
                yield from self.walk(path, part, depth + 1)
        except BROKEN:  # or it only looked like an archive
            is_whole = False
        if not is_whole:
            yield name, content

    def _open(self, name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
        file = io.BytesIO(content)
        if content.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(file) as archive:
                for info in archive.infolist():
                    if info.flag_bits & 1:
                        raise Unreadable(f"{name}/{info.filename}")
                    if not info.is_dir():
                        with archive.open(info) as member:
                            yield f"{name}/{info.filename}", self._read(name, member)
        elif content[257:262] == b"ustar":
            with tarfile.open(fileobj=file) as tar:
                for entry in tar:
                    part = tar.extractfile(entry) if entry.isfile() else None
                    if part is not None:
                        yield f"{name}/{entry.name}", self._read(name, part)
        elif name.endswith(".br"):
            yield name.removesuffix(".br"), self._brotli(name, content)
        for magic, opener in OPENERS.items():
            if content.startswith(magic):
                yield name.removesuffix(".gz"), self._read(name, opener(file))

    def _read(self, name: str, file: IO[bytes]) -> bytes:
        content = file.read(self._left + 1)
        self._spend(name, len(content))
        return content

    def _brotli(self, name: str, content: bytes) -> bytes:
        decompressor, parts = brotli.Decompressor(), []
        try:
            for at in range(0, len(content), PIECE):
                parts.append(decompressor.process(content[at : at + PIECE]))
                self._spend(name, len(parts[-1]))
        except brotli.error as error:
            raise OSError from error
        return b"".join(parts)

    def _spend(self, name: str, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise Unreadable(name)
