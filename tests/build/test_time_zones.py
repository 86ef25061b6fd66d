"""Time zones come along where somebody may ask for them (case P4)."""

from __future__ import annotations

import zipfile

import pytest

from edge.release.cache import Cache
from edge.release.requirements import Lock, Pin
from edge.release.time_zones import are_missing

APP = """\
from zoneinfo import ZoneInfo

assert ZoneInfo("Europe/Berlin").key == "Europe/Berlin"


async def app(scope, receive, send): ...
"""


def test_an_app_that_imports_zoneinfo_gets_them_unasked(run_build, tmp_path):
    (tmp_path / "clock.py").write_text(APP)
    options = {"app_dir": tmp_path, "development": True}
    release = run_build("clock:app", tmp_path / "out", **options)
    names = zipfile.ZipFile(release.file("edge")).namelist()
    assert {"tzdata/__init__.pyc", "tzdata/zoneinfo/Europe/Berlin"} <= set(names)
    again = run_build("clock:app", tmp_path / "out", **options)
    assert "time zones" not in [step.name for step in again.steps]
    assert "resolve" not in again.worked()


@pytest.mark.parametrize(
    ("app", "package", "pins", "without", "missing"),
    [
        (b"import zoneinfo", b"", (), (), True),
        (b"if x:\n    from zoneinfo import ZoneInfo", b"", (), (), True),
        (b"import os, zoneinfo", b"", (), (), True),
        (b"", b"from zoneinfo import ZoneInfo", (), (), True),
        (b"import zoneinfos", b"# import zoneinfo", (), (), False),
        (b"import zoneinfo", b"", ("tzdata",), (), False),
        (b"import zoneinfo", b"", (), (("tzdata", "--exclude"),), False),
    ],
)
def test_when_they_are_missing(tmp_path, app, package, pins, without, missing):
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "a.py").write_bytes(package)
    lock = Lock("", tuple(Pin(name, "1", ()) for name in pins), without)
    assert are_missing(lock, tmp_path / "packages", [app], Cache(tmp_path)) is missing
