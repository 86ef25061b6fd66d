"""Times of files that follow from the release: case P35."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.responses import FileResponse

from edge.hosts import stamps
from edge.hosts.stamps import FIRST, Stamps, install, is_below

ID = "8bf01503f75744f9"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an app's files, as it lies on a server."""
    folder = tmp_path / "app"
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / "tea.txt").write_text("green")
    (folder / "shop" / "late.txt").write_text("later")
    (folder / "shop" / "new.txt").write_text("not released")
    monkeypatch.syspath_prepend(str(folder))
    return folder


def publish(folder: Path, release: str, files: dict[str, str], late: dict[str, str]) -> Path:
    (folder / "_edge").mkdir(parents=True, exist_ok=True)
    for name, content in (("app", files), ("late", late)):
        with zipfile.ZipFile(folder / "_edge" / f"{name}-{release}.zip", "w") as archive:
            for path, text in content.items():
                archive.writestr(path, text)
    roles = {name: f"/_edge/{name}-{release}.zip" for name in ("app", "late")}
    part = folder / "_edge" / "manifest.part"
    part.write_text(json.dumps({"release": release, "roles": roles}))
    part.rename(folder / "_edge" / "manifest.json")
    return folder


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return publish(tmp_path / "out", ID, {"shop/tea.txt": "green"}, {"app/shop/late.txt": "later"})


def time_of(found: Stamps, path: Path) -> float | None:
    return found.time_of(path, path.stat())


def test_a_file_of_the_release_has_its_time_whenever_it_was_put_there(app: Path, release: Path) -> None:
    found = Stamps(release)
    for name in ("tea.txt", "late.txt"):
        os.utime(app / "shop" / name, (1, 1))
        assert time_of(found, app / "shop" / name) == FIRST + 0x8BF0150


def test_what_is_not_in_the_release_keeps_its_own(app: Path, release: Path, tmp_path: Path) -> None:
    found = Stamps(release)
    assert time_of(found, app / "shop" / "new.txt") is None
    (app / "shop" / "tea.txt").write_text("black")  # as long, but not the same
    assert time_of(found, app / "shop" / "tea.txt") is None
    (tmp_path / "tea.txt").write_text("green")
    assert time_of(found, tmp_path / "tea.txt") is None


def test_without_a_release_every_file_keeps_its_own(app: Path, tmp_path: Path) -> None:
    assert time_of(Stamps(tmp_path), app / "shop" / "tea.txt") is None


def test_another_release_has_another_time(app: Path, release: Path) -> None:
    found = Stamps(release)
    before = time_of(found, app / "shop" / "tea.txt")
    publish(release, "0" * 16, {"shop/tea.txt": "green"}, {})
    assert (before, time_of(found, app / "shop" / "tea.txt")) == (FIRST + 0x8BF0150, FIRST)


@pytest.fixture
def installed(release: Path) -> Iterator[None]:
    install(Stamps(release))
    yield
    FileResponse.set_stat_headers = stamps._plain  # type: ignore[method-assign]


@pytest.mark.usefixtures("installed")
def test_answers_with_files_tell_that_time(app: Path) -> None:
    tea = app / "shop" / "tea.txt"
    first = FileResponse(tea, stat_result=tea.stat()).headers
    os.utime(tea, (7, 7))
    second = FileResponse(tea, stat_result=tea.stat()).headers
    assert (first["etag"], first["last-modified"]) == (second["etag"], second["last-modified"])
    new = app / "shop" / "new.txt"
    os.utime(new, (7, 7))
    assert FileResponse(new, stat_result=new.stat()).headers["last-modified"].endswith("1970 00:00:07 GMT")


def test_below_means_in_the_folder_itself() -> None:
    assert is_below("/app/shop/tea.txt", "/app")
    assert is_below("/app/shop/tea.txt", "/app/")
    assert not is_below("/apples/tea.txt", "/app")
