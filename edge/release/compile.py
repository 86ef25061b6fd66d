"""Bytecode for the target's Python, made by pyodide-build inside Pyodide and cached by content."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .archive import SOURCE_DATE_EPOCH, Files, pack, unpack
from .cache import digest
from .failure import BuildError
from .toolchain import PYODIDE, Toolchain

PROGRAM = Path(__file__).with_name("target") / "compile.py"
REQUIREMENTS = Path(__file__).with_name("toolchain.txt")
READS_SOURCE = re.compile(rb"\binspect\.getsource|\bgetsourcelines\b|\bimport getsource\b")


def install_tools(toolchain: Toolchain) -> Path:
    """The folder with the pinned compiler, fetched once; raises `BuildError`."""

    def install(target: Path) -> None:
        checked: list[str | Path] = [
            "--no-deps",
            "--require-hashes",
            "--only-binary",
            ":all:",
            "-r",
            REQUIREMENTS,
        ]
        error = toolchain.uv_pip("install", "--python", toolchain.launcher, "--target", target, *checked)
        if error:
            sentence = "The compiler (pyodide-build) could not be fetched: is the package index reachable?"
            raise BuildError(sentence, error)

    key = digest(REQUIREMENTS.read_bytes())[:16]
    return toolchain.cache.entry("compiler", key, install)[0]


def compile_all(
    groups: Mapping[str, Mapping[str, bytes]], bare: Collection[str], toolchain: Toolchain
) -> tuple[dict[str, Files], list[str]]:
    """`compile_files` for several groups by name, at the same time; the names of those not cached.

    `bare`: the groups that are compiled so.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(
            lambda name: compile_files(groups[name], toolchain, bare=name in bare), groups.keys()
        )
        made = dict(zip(groups, results, strict=True))
    return {name: files for name, (files, _) in made.items()}, [name for name in made if not made[name][1]]


def compile_files(
    files: Mapping[str, bytes], toolchain: Toolchain, *, bare: bool = False
) -> tuple[Files, bool]:
    """The files with bytecode in place of Python source, and whether that was cached.

    `bare`: without docstrings and assertions (as `python -OO`), which are a sixth of the bytes; only for
    code of which it is known that nobody reads them: some packages keep grammars in docstrings.
    Modules whose source is read at run time keep it, beside their bytecode. A file that does not
    compile stays source: its error belongs to whoever imports it.
    """
    source = pack(files)
    # Every archive gets an interpreter of its own, always started from the same standard library: what
    # an interpreter has interned before shows in the bytes that it marshals.
    level = "2" if bare else "0"
    key = digest(source, PROGRAM.read_bytes(), REQUIREMENTS.read_bytes(), PYODIDE, level)

    def make(target: Path) -> None:
        plain = target.with_name("source.zip")
        plain.write_bytes(source)
        words = [str(install_tools(toolchain)), str(plain), str(target), level]
        done = toolchain.python(PROGRAM, words, env={"SOURCE_DATE_EPOCH": SOURCE_DATE_EPOCH})
        if done.returncode or not target.is_file():
            raise BuildError("Pyodide could not compile the Python files.", done.stderr.strip()[-4000:])

    path, cached = toolchain.cache.entry("bytecode", key, make)
    compiled = unpack(path)
    for name in files:
        if name.endswith(".py") and name + "c" not in compiled:
            compiled[name] = files[name]
    return compiled | {name: files[name] for name in needed_as_source(files)}, cached


def needed_as_source(files: Mapping[str, bytes]) -> set[str]:
    """Modules whose source somebody asks for when they run.

    These are the modules that use `inspect.getsource` and, in the same package, those that call a
    function defined there: anyio's lazy importer reads the source of the module that calls it, and
    without it imports modules that Pyodide lacks.
    """
    found: set[str] = set()
    for reader in (name for name in files if name.endswith(".py") and READS_SOURCE.search(files[name])):
        package = reader.split("/")[0] + "/"
        functions = [name.encode() for name in _functions(files[reader])]
        called = re.compile(rb"\b(?:" + b"|".join(functions) + rb")\(") if functions else READS_SOURCE
        found |= {name for name in files if name.startswith(package) and called.search(files[name])}
    return {name for name in found if name.endswith(".py")}


def _functions(source: bytes) -> list[str]:
    try:
        body = ast.parse(source).body
    except SyntaxError:  # newer syntax than this Python's
        return []
    return [node.name for node in body if isinstance(node, ast.FunctionDef)]
