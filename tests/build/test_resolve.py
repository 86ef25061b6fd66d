"""Which packages a release gets: from the index, and from a folder of wheels for cases that are made up."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.release import BuildError, toolchain
from edge.release.cache import Cache
from edge.release.requirements import find_requirements
from edge.release.resolve import NO_WHEEL, Version, is_far, resolve, versions
from edge.release.sources import parse_target

NATIVE = "cp314-cp314-manylinux_2_17_x86_64"


@pytest.fixture
def lock(cache, tmp_path):
    """`lock(requirements, exclude=())` resolves them."""

    def run(text, exclude=(), before=None):
        (tmp_path / "requirements.txt").write_text(text)
        requirements = find_requirements(parse_target("app:app", tmp_path), None, exclude)
        return resolve(requirements, before, toolchain.find(Cache(cache), Path.cwd()))

    return run


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """`wheel(name, version, *requires, tag=…)` is a package of an index in a folder, beside the real one."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))

    def make(name, version, *requires, tag="py3-none-any", extra=()):
        stem = f"{name.replace('-', '_')}-{version}"
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        lines += [f"Requires-Dist: {one}" for one in requires]
        lines += [
            line
            for one in extra
            for line in ("Provides-Extra: more", f'Requires-Dist: {one}; extra == "more"')
        ]
        with zipfile.ZipFile(folder / f"{stem}-{tag}.whl", "w") as archive:
            archive.writestr(f"{stem}.dist-info/METADATA", "\n".join([*lines, "", ""]))
            archive.writestr(
                f"{stem}.dist-info/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n"
            )
            archive.writestr(f"{stem}.dist-info/RECORD", "")

    return make


def chosen(lock):
    return {pin.name: pin.version for pin in lock.pins}


def test_what_only_servers_need_is_left_out_with_a_line_that_says_so(lock):
    """Case P7: `fastapi[standard]`, which went back to 0.1.17."""
    locked = lock("fastapi[standard]\n")
    assert tuple(map(int, chosen(locked)["fastapi"].split(".")[:2])) > (0, 100)
    assert {"jinja2", "email-validator"} <= chosen(locked).keys()
    assert not {"uvicorn", "uvloop", "httptools", "watchfiles", "fastapi-cli"} & chosen(locked).keys()
    assert "uvicorn, uvloop, watchfiles (only servers need it)" in locked.note()
    assert locked.note().startswith("without ")


def test_no_silent_step_back_of_years(lock):
    """Case P31: `python-fasthtml` without a bound, which locked 0.0.10."""
    locked = lock("python-fasthtml\n")
    assert tuple(map(int, chosen(locked)["python-fasthtml"].split(".")[:2])) > (0, 10)


def test_a_pure_package_whose_wheel_would_not_be_pure(lock):
    """Case P28: PyYAML builds without a compiler, though its wheel says that it is not pure."""
    locked = lock("pyyaml\n")
    assert [pin.source for pin in locked.pins if pin.name == "pyyaml"] == [True]


def test_a_version_of_years_ago_that_nobody_asked_for_is_an_error(lock, wheel):
    """Cases P7 and P31."""
    wheel("edgekit-tea", "0.1")
    wheel("edgekit-tea", "0.9", "edgekit-pot>=2")
    wheel("edgekit-pot", "2.0", "edgekit-kettle")
    wheel("edgekit-kettle", "1.0", tag=NATIVE)
    with pytest.raises(BuildError) as caught:
        lock("edgekit-tea\n")
    sentence = str(caught.value)
    assert "Pyodide could only have edgekit-tea 0.1, and the newest is 0.9" in sentence
    assert "edgekit-kettle (required by edgekit-tea → edgekit-pot)" in sentence
    assert "--exclude edgekit-kettle" in sentence
    assert "`edgekit-tea<=0.1`" in sentence
    # Each way out that it names.
    assert chosen(lock("edgekit-tea\n", ["edgekit-kettle"]))["edgekit-tea"] == "0.9"
    assert chosen(lock("edgekit-tea<=0.1\n"))["edgekit-tea"] == "0.1"
    assert chosen(lock("edgekit-tea>=0.1\n"))["edgekit-tea"] == "0.1"  # how old it may be is said


def test_of_what_is_required_by_others_too(lock, wheel):
    wheel("edgekit-shop", "1.0", "edgekit-tea")
    wheel("edgekit-tea", "0.1")
    wheel("edgekit-tea", "0.9", "edgekit-kettle")
    wheel("edgekit-kettle", "1.0", tag=NATIVE)
    with pytest.raises(BuildError, match=r"only have edgekit-tea 0\.1, and the newest is 0\.9"):
        lock("edgekit-shop\n")


def test_a_lock_keeps_what_it_has(lock, wheel):
    wheel("edgekit-tea", "0.1")
    before = lock("edgekit-tea\n")
    wheel("edgekit-tea", "0.9")
    assert chosen(lock("edgekit-tea\n", before=before))["edgekit-tea"] == "0.1"
    assert chosen(lock("edgekit-tea\n"))["edgekit-tea"] == "0.9"


def test_what_an_extra_asks_for_and_cannot_be_had_is_left_out(lock, wheel):
    wheel("edgekit-tea", "0.1")
    wheel("edgekit-tea", "0.9", extra=["edgekit-kettle", "edgekit-pot"])
    wheel("edgekit-kettle", "1.0", tag=NATIVE)
    wheel("edgekit-pot", "1.0")
    locked = lock("edgekit-tea[more]\n")
    assert {"edgekit-tea": "0.9", "edgekit-pot": "1.0"}.items() <= chosen(locked).items()
    assert locked.without == (("edgekit-kettle", NO_WHEEL),)
    again = lock("edgekit-tea[more]\njinja2\n", before=locked)
    assert again.without == locked.without


def test_excluding_what_nobody_requires(lock):
    with pytest.raises(BuildError, match="--exclude edgekit-nothing: nothing requires it"):
        lock("jinja2\n", ["edgekit-nothing"])


def test_excluding_what_is_no_name(lock):
    with pytest.raises(BuildError, match="that is no name of a package"):
        lock("jinja2\n", ["a b"])


@pytest.mark.parametrize(
    ("ours", "newest", "far"),
    [
        (("1.0", 2020), ("1.0.1", 2026), True),
        (("1.0", 2026), ("9.0", 2026), False),
        (("0.1.17", None), ("0.165.0", None), True),
        (("0.160.0", None), ("0.165.0", 2026), False),
        (("1.9", None), ("3.0", None), True),
        (("3.0.1", None), ("3.0.9", None), False),
        (("2024.1", None), ("2026.1", None), True),
        (("1!2.0", None), ("1!2.1", None), False),
    ],
)
def test_how_far_a_version_is_behind(ours, newest, far):
    def version(text, year):
        return Version(text, datetime(year, 1, 1, tzinfo=UTC) if year else None)

    assert is_far(version(*ours), version(*newest)) is far


def test_the_times_in_an_answer():
    text = """
        [[packages]]
        name = "a"
        version = "1"
        wheels = [{ upload-time = 2026-02-01T00:00:00Z }, { upload-time = 2026-03-01T00:00:00Z }]
        [[packages]]
        name = "b"
        version = "2"
        sdist = {}
    """
    assert versions(text) == {
        "a": Version("1", datetime(2026, 2, 1, tzinfo=UTC)),
        "b": Version("2", None),
    }
