"""What in an app a browser will answer differently or not at all, as far as its source tells.

Each piece of advice is a line of a person's source, so that it can be judged there: where it is meant so, the
comment `edgekit: on purpose` on the line silences it. Pure: sources in, sentences out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

ON_PURPOSE = "edgekit: on purpose"
THREAD = "starts a thread, and a browser has none: such a request goes to an edge"
PROCESS = "starts a process, and a browser has none: such a request goes to an edge"
SOCKET = "opens a connection of its own, which no browser allows: such a request goes to an edge"
DATABASE = (
    "a SQLite database of its own in every browser and every edge, which forget it: keep what must last with "
    "ctx.records"
)
FILE = "writes a file of its own in every browser and every edge, which forget it: use ctx.records"
STATE = (
    "changes while requests are answered: every browser and every edge has one of its own and forgets it; "
    "keep what must last in ctx.state or ctx.records"
)
# What is called or derived from, by its full name.
CALLS = (
    (
        (
            r"threading\.(?:Thread|Timer)|_thread\.start_new_thread|multiprocessing\.pool\.ThreadPool"
            r"|concurrent\.futures\.(?:thread\.)?ThreadPoolExecutor"
        ),
        THREAD,
    ),
    (
        (
            r"concurrent\.futures\.(?:process\.)?ProcessPoolExecutor|multiprocessing\.(?:Process|Pool|Manager)"
            r"|subprocess\.(?:run|call|check_\w+|Popen|getoutput|getstatusoutput)|asyncio\.create_subprocess_\w+"
            r"|anyio\.(?:open|run)_process|os\.(?:fork\w*|popen|posix_spawn\w*|spawn\w+|exec\w+|system)"
        ),
        PROCESS,
    ),
    (
        (
            r"socket\.(?:socket|create_\w+)|asyncio\.(?:open_\w*connection|start_\w*server)"
            r"|anyio\.connect_(?:tcp|unix)|ftplib\.FTP\w*|imaplib\.IMAP4\w*|poplib\.POP3\w*|smtplib\.\w*MTP\w*"
            r"|urllib\.request\.urlopen|http\.client\.HTTPS?Connection"
        ),
        SOCKET,
    ),
    (r"(?:sqlite3|aiosqlite)(?:\.dbapi2)?\.connect|apsw\.Connection", DATABASE),
)
SQLITE = re.compile(r"sqlite(?:\+\w+)?://.*|:memory:|file::memory:.*|django\.db\.backends\.sqlite3")
MAKERS = ("list", "dict", "set", "bytearray", "defaultdict", "OrderedDict", "Counter", "deque")
CHANGES = (
    *("add", "append", "appendleft", "clear", "discard", "extend", "extendleft", "insert", "pop", "popitem"),
    *("popleft", "remove", "reverse", "rotate", "setdefault", "sort", "subtract", "update"),
)
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Advice(NamedTuple):
    """A line of a file, and what to know about it."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def advise(files: Mapping[str, bytes]) -> list[Advice]:
    """Advice about the modules among these files, sorted; each kind once a line, each variable once."""
    found: set[Advice] = set()
    for path, source in files.items():
        if not path.endswith(".py"):
            continue
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError):  # the smoke import shows it
            continue
        tree.body = [node for node in tree.body if not _is_program(node)]
        lines = source.decode("utf-8", "replace").splitlines()
        for line, text in [*_calls(tree), *_databases(tree), *_state(tree)]:
            if ON_PURPOSE not in lines[line - 1]:
                found.add(Advice(path, line, text))
    return sorted(found)


def _is_program(node: ast.stmt) -> bool:
    """Whether this is what runs when a module is a program of its own."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"


def _calls(tree: ast.Module) -> Iterator[tuple[int, str]]:
    names = dict(_imported(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call | ast.ClassDef):
            for used in [node.func] if isinstance(node, ast.Call) else node.bases:
                name = _dotted(used, names)
                yield from ((node.lineno, text) for pattern, text in CALLS if re.fullmatch(pattern, name))
        if isinstance(node, Function):
            yield from _written(node)


def _written(function: Function) -> Iterator[tuple[int, str]]:
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Name(id="open"), args=[_, ast.Constant(value=str(mode)), *_]) if set(
                mode
            ) & set("wax+"):
                yield node.lineno, FILE
            case ast.Call(func=ast.Attribute(attr="write_text" | "write_bytes")):
                yield node.lineno, FILE
            case _:
                pass


def _databases(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQLITE.fullmatch(node.value):
            yield node.lineno, DATABASE


def _state(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Variables of the module that functions change."""
    variables = {
        target.id: node.lineno
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    mutable = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and _is_mutable(node.value)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    changed: dict[str, int] = {}
    for function in ast.walk(tree):
        if isinstance(function, Function):
            for name, line in _changed(function, mutable):
                if name in variables or name.endswith("app.state"):
                    changed[name] = min(line, changed.get(name, line))
    for name, line in changed.items():
        yield line, f"{name} {STATE}"


def _is_mutable(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        return ast.unparse(value.func).rpartition(".")[2] in MAKERS
    return isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)


def _changed(function: Function, mutable: set[str]) -> Iterator[tuple[str, int]]:
    ours = {name for node in ast.walk(function) if isinstance(node, ast.Global) for name in node.names}
    local = {one.arg for one in ast.walk(function.args) if isinstance(one, ast.arg)}
    local |= {
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id not in ours
    }
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr=attribute)) if (
                attribute in CHANGES and (name := _root(value)) in mutable - local
            ):
                yield name, node.lineno
            case ast.Subscript(value=value, ctx=ast.Store() | ast.Del()) if (
                name := _root(value)
            ) in mutable - local:
                yield name, node.lineno
            case ast.Attribute(value=value, ctx=ast.Store()) if f".{(name := ast.unparse(value))}".endswith(
                ".app.state"
            ):
                yield name, node.lineno
            case ast.AugAssign(target=ast.Name(id=name)) if name in ours:
                yield name, node.lineno
            case ast.Name(id=name, ctx=ast.Store()) if name in ours:
                yield name, node.lineno
            case _:
                pass


def _root(node: ast.expr) -> str:
    """The variable in which something lies, however deep; empty if it lies in none."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Name in this module -> full name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (top, top)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _dotted(node: ast.expr, names: Mapping[str, str]) -> str:
    """The full name of what an expression names; empty if it names nothing imported."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in names:
        return ""
    return ".".join([names[node.id], *parts])
