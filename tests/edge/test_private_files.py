"""What only its owner may look into, whatever the umask and whatever it was before (case T8)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.keys import load_or_create
from edge.private_files import open_private, private_files, private_folder


@pytest.fixture(autouse=True, params=[0o000, 0o022], ids=["no umask", "the usual one"])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_that_is_new(tmp_path: Path) -> None:
    private_folder(tmp_path / "a" / "b")
    assert mode(tmp_path / "a" / "b") == 0o700


@pytest.mark.parametrize("was", [0o777, 0o755, 0o750, 0o710])
def test_a_folder_that_others_could_look_into(tmp_path: Path, was: int) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(was)
    private_folder(folder)
    assert mode(folder) == 0o700


def test_a_folder_that_all_share_stays_theirs(tmp_path: Path) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    folder.chmod(0o1777)
    private_folder(folder)
    assert mode(folder) == 0o1777


@pytest.mark.parametrize("flags", [os.O_TRUNC, os.O_APPEND, os.O_EXCL])
def test_a_file_that_is_new(tmp_path: Path, flags: int) -> None:
    with open_private(tmp_path / "a", flags) as file:
        assert mode(tmp_path / "a") == 0o600
        file.write("tea")
    assert (tmp_path / "a").read_text() == "tea"


def test_a_file_that_others_could_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("te")
    (tmp_path / "a").chmod(0o664)
    with open_private(tmp_path / "a", os.O_APPEND) as file:
        file.write("a")
    assert (mode(tmp_path / "a"), (tmp_path / "a").read_text()) == (0o600, "tea")
    with pytest.raises(FileExistsError):
        open_private(tmp_path / "a", os.O_EXCL)


def test_files_beside_it(tmp_path: Path) -> None:
    names = ["origin.db", "origin.db-wal", "origin.lock", "other"]
    for name in names:
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o644)
    (tmp_path / "origin.link").symlink_to(tmp_path / "other")
    private_files(tmp_path, "origin.*")
    assert [mode(tmp_path / name) for name in names] == [0o600, 0o600, 0o600, 0o644]


def test_keys(tmp_path: Path) -> None:
    load_or_create(tmp_path / "keys")
    (tmp_path / "keys").chmod(0o755)
    (tmp_path / "keys" / "edge-private.json").chmod(0o644)
    load_or_create(tmp_path / "keys")
    assert mode(tmp_path / "keys") == 0o700
    assert mode(tmp_path / "keys" / "edge-private.json") == 0o600
