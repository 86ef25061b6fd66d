"""The Python that is the project's own: the kit itself, and the app with its templates and data."""

from __future__ import annotations

import ast
import contextlib
import difflib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ..folders import BESIDE
from .archive import Files, read_tree
from .failure import BuildError
from .server_only import LIST, MARK, divide, refuse_reached
from .toolchain import KIT

CONFORMANCE = "conformance"  # an app of its own
NATIVE_ONLY = {
    CONFORMANCE,
    "_browser",
    "arguments.py",
    "cli.py",
    "folders.py",
    "hosts/assets.py",
    "hosts/native.py",
    "key_commands.py",
    "keys.py",
    "memory_origin.py",
    "memory_sessions.py",
    "private_files.py",
    "py.typed",
    "release",
    "serve",
    "server",
    "server_only.py",
    "testing.py",
    "verify",
}
ALLOWED = "edgekit.not-secret"  # read by secrets.py
NEVER = {
    "__pycache__",
    "edgekit.lock",
    ALLOWED,
    "node_modules",
    "pyproject.toml",
    "requirements.txt",
    "tests",
}
FOLDER_USERS = ("StaticFiles", "Jinja2Templates", "FileSystemLoader")
SPEC = re.compile(r"(?P<module>[^\W\d]\w*(?:\.[^\W\d]\w*)*):(?P<attribute>[^\W\d]\w*)")


@dataclass(frozen=True, slots=True)
class Target:
    """`module:attribute` and the folder that the module is imported from."""

    module: str
    attribute: str
    app_dir: Path

    @property
    def top(self) -> str:
        """The package or module that is shipped."""
        return self.module.partition(".")[0]

    @property
    def is_kits(self) -> bool:
        """Whether the app is one that comes with the kit."""
        return self.top == KIT.name

    def __str__(self) -> str:
        return f"{self.module}:{self.attribute}"


class AppFiles(NamedTuple):
    """An app's files: what browsers get, and what is server-only."""

    public: Files
    home: Files


def parse_target(spec: str, app_dir: Path) -> Target:
    """Read `module:app`; raises `BuildError`."""
    match = SPEC.fullmatch(spec)
    if match is None:
        raise BuildError(f"{spec!r} does not name an app; write module:attribute, such as shop.app:app.")
    return Target(match["module"], match["attribute"], app_dir.resolve())


def kit_files() -> Files:
    """The kit for Pyodide: without what only CPython can run."""
    return read_tree(KIT, lambda path: str(path) not in NATIVE_ONLY and path.name not in NEVER, "edge/")


def refuse_unknown(target: Target, files: AppFiles) -> None:
    """Raise `BuildError` if the module is not there, or if it cannot have the attribute.

    Importing it tells the same and more, but some seconds later.
    """
    if target.is_kits:
        return
    stem = target.module.replace(".", "/")
    known = files.public | files.home
    found = next((name for name in (f"{stem}/__init__.py", f"{stem}.py") if name in known), None)
    if found is None:
        if stem not in {name.rpartition("/")[0] for name in known}:  # a package without __init__.py
            raise BuildError(f"There is no module {target.module!r} in {target.app_dir}; see --app-dir.")
        return
    names = _defined(_tree(found, known[found]))
    if names and "*" not in names and target.attribute not in names:
        near = difflib.get_close_matches(target.attribute, names, 1)
        hint = f"; is it {target.module}:{near[0]}?" if near else "."
        raise BuildError(f"{target.module} has no attribute {target.attribute!r}{hint}")


def _defined(tree: ast.Module) -> set[str]:
    """All names that a module may give a meaning to; "*" if that cannot be told."""
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add("*" if name == "__getattr__" else name)
            case ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names |= {alias.asname or alias.name.partition(".")[0] for alias in aliases}
            case ast.Call(func=ast.Name(id="globals" | "setattr" | "exec" | "vars")):
                names.add("*")
            case _:
                pass
    return names


def app_files(target: Target, include: Iterable[str], static: Collection[Path]) -> AppFiles:
    """The app's top-level package or module, what it imports from beside it, and what `include` names.

    Left out: the folders in `static` (served by URL), tests, dotfiles, and a `catalog` folder without Python
    in it (the origin's data). Raises `BuildError`, also if a start would need what is server-only.
    """
    if target.is_kits:
        kits = read_tree(KIT / CONFORMANCE, lambda path: path.suffix == ".py", f"edge/{CONFORMANCE}/")
        return AppFiles(kits, {})
    done = {KIT.name}
    public: Files = {}
    home: Files = {}
    marked: set[str] = set()
    waiting = [target.top, *include]
    if is_lone(target):
        waiting += [name for name in BESIDE if (target.app_dir / name).is_dir()]
    while waiting:
        found = _take(target.app_dir, waiting.pop(), static, done)
        leaving, staying = divide(found)
        public |= leaving
        home |= {path: found[path] for path in found if path not in leaving}
        marked |= staying
        waiting += _ours(target.app_dir, leaving)
        waiting += named_folders(target, leaving)
    if marked:
        refuse_reached(target.module, public | home, marked)
        public[LIST] = "\n".join(sorted({MARK, *marked})).encode()
    waiting += _ours(target.app_dir, home)
    while waiting:  # what nobody else imports
        found = _take(target.app_dir, waiting.pop(), static, done)
        home |= found
        waiting += _ours(target.app_dir, found)
    return AppFiles(public, home)


def is_lone(target: Target) -> bool:
    """Whether the app is a module beside its folders, as in tutorials, and not a package."""
    return not (target.app_dir / target.top).is_dir()


def named_folders(target: Target, files: Files, classes: Collection[str] = FOLDER_USERS) -> list[str]:
    """The folders that these modules name, by a relative path, to what serves or renders files.

    Their content is meant to be seen, so it is shipped unasked; what is read otherwise has to be included.
    """
    found = set()
    for path, source in files.items():
        for node in ast.walk(_tree(path, source)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in classes:
                named = [one.value for one in node.keywords if one.arg in ("directory", "searchpath")]
                for value in [*node.args[:1], *named]:
                    match value:
                        case ast.Constant(value=str(text)):
                            found.add(str(PurePosixPath(text)))
                        case ast.Call(func=ast.Name(id="Path"), args=[ast.Constant(value=str(text))]):
                            found.add(str(PurePosixPath(text)))
                        case _:
                            pass
    return sorted(name for name in found if name != "." and _is_folder(target.app_dir, name))


def _is_folder(app_dir: Path, name: str) -> bool:
    parts = PurePosixPath(name).parts
    if PurePosixPath(name).is_absolute() or any(part.startswith(".") or part in NEVER for part in parts):
        return False
    return (app_dir / name).is_dir()


def _take(app_dir: Path, name: str, static: Collection[Path], done: set[str]) -> Files:
    """The files of a package, module or folder; none if it is `done` already or served by URL."""
    if name in done or app_dir / name in static:
        return {}
    done.add(name)
    found = _entry(app_dir, name, static)
    if not found:
        raise BuildError(f"There is no package, module or folder {name!r} in {app_dir}; see --app-dir.")
    return found


def _entry(app_dir: Path, name: str, static: Collection[Path]) -> Files:
    folder, module = app_dir / name, app_dir / f"{name}.py"
    if not folder.resolve().is_relative_to(app_dir):
        return {}
    if module.is_file() and not (folder / "__init__.py").is_file():
        return {module.name: module.read_bytes()}
    if folder.is_dir():
        return read_tree(folder, lambda path: _wanted(folder, path, static), f"{name}/")
    return {name: folder.read_bytes()} if folder.is_file() else {}


def _ours(app_dir: Path, files: Files) -> list[str]:
    """What these modules import from beside the app."""
    return [
        name
        for name in _imports(files)
        if (app_dir / name / "__init__.py").is_file() or (app_dir / f"{name}.py").is_file()
    ]


def _wanted(root: Path, path: PurePosixPath, static: Collection[Path]) -> bool:
    full = root / path
    if path.name.startswith(".") or path.name in NEVER or full in static or path.suffix == ".pyc":
        return False
    return path.name != "catalog" or full.is_file() or any(full.rglob("*.py"))


def _imports(files: Files) -> set[str]:
    """The top-level names that these modules import, at whatever depth in the code."""
    names: set[str] = set()
    for path, source in files.items():
        for node in ast.walk(_tree(path, source)):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names.add(node.module.partition(".")[0])
    return names


def _tree(path: str, source: bytes) -> ast.Module:
    """The syntax of a module; empty if this is none."""
    if path.endswith(".py"):
        with contextlib.suppress(SyntaxError, ValueError):  # the smoke import shows it
            return ast.parse(source)
    return ast.Module([], [])
