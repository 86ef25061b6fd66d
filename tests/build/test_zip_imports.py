"""The part of a release's standard library that makes imports from zips quicker."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from edge.release.archive import pack, tail
from edge.release.cache import Cache
from edge.release.stdlib import OURS, TARGET
from edge.release.toolchain import find

FILES = {
    "tea/__init__.py": b"name = 'tea'",
    "tea/leaf.py": b"print(__file__, __name__)",
    "plain.py": b"import tea.leaf",
}
PROGRAM = """
import importlib.util, sys, zipimport
sys.path.insert(0, sys.argv[1])
import plain, tea
print(tea.__path__, tea.__spec__.origin, zipimport.zipimporter(sys.argv[1]).get_data("tea/leaf.py"))
print(importlib.util.find_spec("absent"))
try:
    zipimport.zipimporter(sys.argv[1]).get_filename("absent")
except ImportError as error:
    print(error, error.name)
"""


@pytest.fixture(scope="module")
def run(cache, tmp_path_factory):
    """`run(archive, quick=…)`: what the program prints in Pyodide, with our changes or without."""
    toolchain = find(Cache(cache), Path.cwd())
    folder = tmp_path_factory.mktemp("programs")

    def run(archive, *, quick):
        program = folder / f"{quick}.py"
        ours = (TARGET / OURS["sitecustomize.py"]).read_text("utf-8") if quick else ""
        program.write_text(ours + PROGRAM)
        done = toolchain.python(program, [str(archive)])
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("kind", ["stored", "with a tail", "deflated", "other headers"])
def test_modules_are_what_they_are_without_it(run, tmp_path, kind):
    archive = tmp_path / "archive.zip"
    stored = pack(FILES)
    match kind:
        case "stored":
            archive.write_bytes(stored)
        case "with a tail":
            early = pack({name: FILES[name] for name in FILES if name != "tea/leaf.py"})
            archive.write_bytes(early + tail(early, {"tea/leaf.py": FILES["tea/leaf.py"]}))
        case _:
            method = zipfile.ZIP_DEFLATED if kind == "deflated" else zipfile.ZIP_STORED
            with zipfile.ZipFile(archive, "w", method) as file:
                for name, content in FILES.items():
                    info = zipfile.ZipInfo(name)
                    info.compress_type = method
                    info.extra = b"" if kind == "deflated" else b"\xfe\xca\x02\x00ab"
                    file.writestr(info, content)
    assert "leaf.py" in run(archive, quick=False)
    assert run(archive, quick=True) == run(archive, quick=False)
