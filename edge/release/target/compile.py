"""Runs in Pyodide: `compile.py TOOLS SOURCE TARGET LEVEL` turns the .py files of a zip into .pyc.

pyodide-build does the work, inside the interpreter that will load the result: the machine's own
Python may be any version. LEVEL is that of optimization: 0, or 2 to leave out docstrings and assertions.
A file that is not Python of this version stays as it is.
"""

import functools
import importlib
import py_compile
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path


def drop(archive: Path, name: str) -> None:
    with zipfile.ZipFile(archive) as before:
        kept = {info.filename: before.read(info) for info in before.infolist() if info.filename != name}
    with zipfile.ZipFile(archive, "w") as after:
        for path, content in kept.items():
            after.writestr(path, content)


def main(tools: str, source: str, target: str, level: str) -> None:
    sys.path.append(tools)
    py_compile.compile = functools.partial(py_compile.compile, optimize=int(level))
    compiler = importlib.import_module("pyodide_build._py_compile")
    memory = Path("/compile")  # every other folder is the machine's, and slower
    memory.mkdir()
    tempfile.tempdir = str(memory)
    work = memory / "work.zip"
    shutil.copyfile(source, work)
    while True:
        try:
            compiler._py_compile_archive(work, keep=False, verbose=False, compression_level=0)
            break
        except py_compile.PyCompileError as error:
            drop(work, error.file)
    shutil.copyfile(work, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
