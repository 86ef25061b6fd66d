"""What a release leaves for later, in Pyodide: it cannot be imported at first, and then it can."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from edge.release import toolchain
from edge.release.cache import Cache

PROGRAM = """
import asyncio, importlib, json, shutil, sys
from pathlib import Path

sys.path[:1] = ["/app", "/app-site/site.zip"]
host = importlib.import_module("edge.hosts.fetch")
loading = host.load("tinyshop.app:app", True)
NAMES = sys.argv[1].split(",")

def attempt():
    outcomes = []
    for name in NAMES:
        try:
            if ":" in name:
                import zoneinfo
                zoneinfo.ZoneInfo(name.partition(":")[2])
            elif name == "a lock":
                importlib.import_module("multiprocessing").Lock()
            elif "!" in name:
                "tea".encode(name.partition("!")[2])
            else:
                importlib.import_module(name)
            outcomes.append("there")
        except Exception as error:
            outcomes.append(type(error).__name__)
    return outcomes

async def main():
    await loading
    before = attempt()
    for path in Path("/later").rglob("*"):  # as browser/runtime.js does it
        if path.is_file():
            target = Path("/") / path.relative_to("/later")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, target)
    importlib.import_module("edge.hosts.late").arrived()
    print(json.dumps([before, attempt()]), flush=True)

asyncio.run(main())
"""
LATE = ["tarfile", "csv", "encodings.cp1250", "codec!cp1251", "xml.etree.ElementTree"]
LATE += ["unittest", "multiprocessing.pool", "concurrent.futures.process", "pdb", "codec!cp037"]  # case P29
LATE += ["_multiprocessing", "multiprocessing.synchronize", "multiprocessing.shared_memory"]
LATE += ["jinja2.sandbox", "starlette.staticfiles", "anyio.from_thread", "zone:Europe/Berlin", "tzdata"]
# The file module: whoever answers with a file needs it in the middle of the answer (case P23).
EARLY = ["jinja2.runtime", "anyio._core._fileio", "encodings.idna", "starlette.formparsers", "codec!latin-1"]


@pytest.fixture
def attempt(shop, cache, tmp_path):
    """`attempt(names)`: what happens to each before and after the arrival of `late.zip`."""

    def run(names):
        program = tmp_path / "program.py"
        program.write_text(PROGRAM)
        done = toolchain.find(Cache(cache), Path.cwd()).python(
            program,
            [",".join(names)],
            stdlib=shop.file("stdlib"),
            copies={"/app-site/site.zip": shop.file("site")},
            unpacked=[(shop.file("edge"), "/app"), (shop.file("app"), "/app"), (shop.file("late"), "/later")],
        )
        assert done.returncode == 0, done.stderr
        before, after = json.loads(done.stdout.splitlines()[-1])
        return dict(zip(names, before, strict=True)), dict(zip(names, after, strict=True))

    return run


def test_late_modules_need_the_edge_until_they_arrive(attempt):
    missing = dict.fromkeys(["nowhere", "jinja2.nowhere", "grp"], "ModuleNotFoundError")
    missing["codec!nothing"] = "LookupError"
    missing["a lock"] = "NeedsEdge"  # between processes: case P29
    before, after = attempt([*LATE, *EARLY, *missing])
    assert before == dict.fromkeys(LATE, "NeedsEdge") | dict.fromkeys(EARLY, "there") | missing
    assert after == dict.fromkeys(LATE + EARLY, "there") | missing


def test_nothing_is_twice_in_a_release(shop):
    late = zipfile.ZipFile(shop.file("late")).namelist()
    assert {name for name in late if not name.startswith("app/")} == {
        "app-site/site.zip.tail",
        "lib/python314.zip.tail",
    }
    early = zipfile.ZipFile(shop.file("edge")).namelist()
    assert not {f"app/{name}" for name in early} & set(late)
