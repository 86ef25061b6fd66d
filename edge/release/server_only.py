"""Which modules of an app stay on servers, and by which way its start would reach one of them.

What counts are the imports that run when a module is imported in Pyodide: not those in functions, and not
those under `if TYPE_CHECKING` or `if sys.platform != "emscripten"`.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from .archive import Files, pack
from .failure import BuildError
from .parts import module_of
from .toolchain import KIT

MARK = "edge.server_only"
LIST = "edge/hosts/server_only.txt"  # in the app's archive; read by edge/hosts/late.py


class Import(NamedTuple):
    """An import statement: where, and all modules that it may load."""

    line: int
    modules: list[str]


def divide(files: Mapping[str, bytes]) -> tuple[Files, set[str]]:
    """`(files that may leave, names of the modules that stay)`; data in a package that stays does so too."""
    home = {
        path: name
        for path, source in files.items()
        if path.endswith(".py") and (name := module_of(path)) and MARK in _modules(path, source)
    }
    packages = {str(PurePosixPath(path).parent) for path in home if path.endswith("/__init__.py")}
    staying = {
        path for path in files if path in home or packages & set(map(str, PurePosixPath(path).parents))
    }
    return {path: content for path, content in files.items() if path not in staying}, set(home.values())


def home_archive(home: Mapping[str, bytes]) -> bytes:
    """What is missing in a release for a host that may have it all: a zip to be put over the app's files."""
    mark = (KIT / "server_only.py").read_bytes()
    return pack({**home, f"{MARK.replace('.', '/')}.py": mark, LIST: b""})


def refuse_reached(start: str, files: Mapping[str, bytes], home: Collection[str]) -> None:
    """Raise `BuildError` if importing the module `start` imports one of those in `home`.

    `files`: all modules of the app by path, those in `home` included.
    """
    paths = {name: path for path in files if path.endswith(".py") and (name := module_of(path))}
    via: dict[str, tuple[str, int] | None] = dict.fromkeys(_with_parents(start))
    waiting = deque(via)
    while waiting:
        name = waiting.popleft()
        if name in home:
            raise _reached(name, via, paths)
        for line, modules in imports(paths[name], files[paths[name]]) if name in paths else ():
            for other in modules:
                if other in paths and other not in via:
                    via[other] = (name, line)
                    waiting.append(other)


def _reached(name: str, via: Mapping[str, tuple[str, int] | None], paths: Mapping[str, str]) -> BuildError:
    chain, lines = [name], list[str]()
    while (step := via[chain[0]]) is not None:
        lines.insert(0, f"{paths[step[0]]}:{step[1]} imports {chain[0]}")
        chain.insert(0, step[0])
    return BuildError(
        f"{name} is server-only, but the app imports it when it starts ({' → '.join(chain)}): "
        "import it inside the handlers that need it.",
        "\n".join(lines),
    )


def _modules(path: str, source: bytes) -> set[str]:
    if MARK.rpartition(".")[2].encode() not in source:
        return set()
    return {module for one in imports(path, source) for module in one.modules}


def imports(path: str, source: bytes) -> list[Import]:
    """What the module in `path` imports when it is itself imported; nothing if it is not Python."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):  # the smoke import shows it
        return []
    package = list(PurePosixPath(path).parts[:-1])
    return list(_imports(body, package))


def _imports(body: Iterable[ast.AST], package: list[str]) -> Iterator[Import]:
    for node in body:
        if isinstance(node, ast.Import):
            names = [name for alias in node.names for name in _with_parents(alias.name)]
            yield Import(node.lineno, names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{source}.{alias.name}" for alias in node.names]
            yield Import(node.lineno, [*_with_parents(source), *names])
        elif isinstance(node, ast.If):
            condition = ast.unparse(node.test)
            if not condition.endswith("TYPE_CHECKING") and condition != "sys.platform != 'emscripten'":
                yield from _imports(node.body, package)
            if condition != "sys.platform == 'emscripten'":
                yield from _imports(node.orelse, package)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _imports(ast.iter_child_nodes(node), package)


def _with_parents(name: str) -> list[str]:
    """A module and the packages that are imported before it, the outermost first."""
    parts = name.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]
