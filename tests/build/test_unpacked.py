"""Files out of archives, whatever is packed in what."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import brotli
import pytest

from edge.release import unpacked as module
from edge.release.archive import pack, tail
from edge.release.unpacked import Unreadable, unpacked

TEXT = b"first flush " * 9


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "inner"),
    [
        ("tea.txt", TEXT, "tea.txt"),
        ("tea.zip", zipped({"a/tea.txt": TEXT}), "tea.zip/a/tea.txt"),
        ("tea.whl", zipped({"tea.py": TEXT}, zipfile.ZIP_LZMA), "tea.whl/tea.py"),
        ("tea.zip", pack({"tea.txt": TEXT}), "tea.zip/tea.txt"),
        ("tea.txt.gz", gzip.compress(TEXT), "tea.txt"),
        ("tea.bin", gzip.compress(TEXT), "tea.bin"),
        ("tea.txt.br", brotli.compress(TEXT), "tea.txt"),
        ("tea.bz2", bz2.compress(TEXT), "tea.bz2"),
        ("tea.xz", lzma.compress(TEXT), "tea.xz"),
        ("tea.tar", tarred({"a/tea.txt": TEXT}), "tea.tar/a/tea.txt"),
        ("tea.tgz", gzip.compress(tarred({"tea.txt": TEXT})), "tea.tgz/tea.txt"),
        ("a.zip", zipped({"b.zip": zipped({"c.gz": gzip.compress(brotli.compress(TEXT))})}), "a.zip/b.zip/c"),
        ("a.zip", zipped({"b.br.gz": gzip.compress(brotli.compress(TEXT))}), "a.zip/b"),
    ],
)
def test_what_is_in_it(name, content, inner):
    found = dict(unpacked(name, content))
    assert list(found) == [inner]
    if inner != "a.zip/b.zip/c":  # brotli has nothing to know it by but its name
        assert found[inner] == TEXT


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tea.zip", b"PK\x03\x04 not a zip"),
        ("tea.zip", zipped({})),
        ("tea.gz", b"\x1f\x8b\x08 not gzip"),
        ("tea.br", b"not brotli"),
        ("tea.bz2", b"BZh9 not bzip2"),
        ("tea.xz", b"\xfd7zXZ\0 not xz"),
        ("tea.zip.tail", tail(pack({"a": TEXT}), {"b": TEXT})),
    ],
)
def test_what_only_looks_like_an_archive_is_taken_as_it_is(name, content):
    assert (name, content) in list(unpacked(name, content))


def test_of_a_broken_archive_what_can_be_read_is():
    whole = zipped({"tea.txt": TEXT, "cup.txt": TEXT * 50})
    at = whole.index(b"cup.txt") + len("cup.txt")
    broken = whole[:at] + bytes(40) + whole[at + 40 :]
    found = dict(unpacked("tea.zip", broken))
    assert found == {"tea.zip/tea.txt": TEXT, "tea.zip": broken}


def test_what_is_encrypted_is_refused():
    content = bytearray(zipped({"tea.txt": TEXT}))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(Unreadable, match=r"tea.zip/tea.txt"):
        list(unpacked("tea.zip", bytes(content)))


def test_what_nobody_here_can_read_is_refused():
    with pytest.raises(Unreadable, match=r"tea.zst"):
        list(unpacked("tea.zst", b"\x28\xb5\x2f\xfd" + TEXT))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bomb.gz", gzip.compress(bytes(3_000_000))),
        ("bomb.br", brotli.compress(bytes(3_000_000))),
        ("bomb.zip", zipped({f"{n}": bytes(600_000) for n in range(5)})),
    ],
)
def test_what_grows_without_end_is_refused(monkeypatch, name, content):
    monkeypatch.setattr(module, "LIMIT", 2_000_000)
    with pytest.raises(Unreadable, match="bomb"):
        list(unpacked(name, content))


def test_what_is_packed_too_often_is_refused():
    content = TEXT
    for _ in range(10):
        content = gzip.compress(content)
    with pytest.raises(Unreadable, match="nested"):
        list(unpacked("nested", content))
