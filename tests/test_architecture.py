"""The dependency rule: who may import whom, in Python and JavaScript. CONTRIBUTING.md gives the reasons."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import edge

ROOT = Path(__file__).resolve().parents[1]
BROWSER = ROOT / "browser"


class Rule(NamedTuple):
    """Modules below `who` must not import what lies below `what`; both are dotted names."""

    who: str
    what: str
    message: str
    except_who: tuple[str, ...] = ()
    except_what: tuple[str, ...] = ()


def only(modules: tuple[str, ...], third_party: str) -> Rule:
    files = " and ".join(f"{module.replace('.', '/')}.py" for module in modules)
    return Rule("", third_party, f"only {files} may import {third_party}", except_who=modules)


SHARED = (
    *("wire", "session_wire", "jose", "tokens", "keyset", "keys", "errors", "types"),
    *("private_files", "server.protocol"),
)
NATIVE_TOOLS = (
    "edge.arguments",
    "edge.cli",
    "edge.key_commands",
    "edge.release",
    "edge.serve",
    "edge.verify",
)
BORDER = ("edge.hosts._js", "edge.hosts.webcrypto")
RULES = [
    Rule("edge", "origin", "edge must not import origin: move the shared part to edge/wire.py"),
    Rule("edge", "examples", "edge must not know an app"),
    Rule(
        "origin",
        "edge",
        f"origin may import {', '.join(SHARED)} from edge, nothing else",
        except_what=tuple(f"edge.{name}" for name in SHARED),
    ),
    only(("edge.keys",), "jwt"),
    only(("edge.cache",), "cachetools"),
    only(BORDER, "js"),
    only(BORDER, "pyodide"),
    *(
        Rule("edge", tool, f"{tool} is for CPython's command line only", except_who=NATIVE_TOOLS)
        for tool in NATIVE_TOOLS
    ),
    *(
        Rule(
            "edge",
            f"edge.hosts.{host}",
            "only the chooser edge/hosts/__init__.py knows an adapter",
            ("edge.hosts", "edge.release.target"),  # programs that run in Pyodide enter like JavaScript
        )
        for host in ("_js", "assets", "fetch", "native", "trusted", "webcrypto")
    ),
    Rule("examples", "origin", "an app must not import origin"),
    Rule(
        "examples",
        "edge",
        "an app uses public names only: those of `edge`, edge.testing and edge.server_only",
        except_what=("edge.testing", "edge.server_only", *(f"edge.{name}" for name in edge.__all__)),
    ),
]


def below(name: str, *prefixes: str) -> bool:
    return any(not prefix or name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path, root: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import of a file: at the top, in functions, under TYPE_CHECKING."""
    package = path.relative_to(root).parent.parts
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            source = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{source}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            names = [word.value for word in node.args[:1] if isinstance(word, ast.Constant)]
            yield from ((node.lineno, str(name)) for name in names)


def violations(root: Path) -> list[str]:
    """Every breach of `RULES` below `root`, as `file:line: message (module)`."""
    return [
        f"{path.relative_to(root)}:{line}: {rule.message} ({name})"
        for folder in ("edge", "origin", "examples")
        for path in sorted((root / folder).rglob("*.py"))
        for line, name in imported(path, root)
        for rule in RULES
        if below(module_name(path, root), rule.who)
        and below(name, rule.what)
        and not below(module_name(path, root), *(rule.except_who or ("-",)))
        and not below(name, *(rule.except_what or ("-",)))
    ]


def test_every_import_keeps_the_dependency_rule():
    assert violations(ROOT) == []


@pytest.mark.parametrize(
    ("file", "source", "message"),
    [
        ("edge/new.py", "import origin", "edge must not import origin"),
        ("edge/new.py", "def f():\n    from origin.store import Store", "edge must not import origin"),
        ("edge/new.py", "if TYPE_CHECKING:\n    import origin.app", "edge must not import origin"),
        ("edge/hosts/new.py", 'importlib.import_module("origin.app")', "edge must not import origin"),
        ("origin/new.py", "from edge import app", "origin may import"),
        ("origin/new.py", "from edge.catalog import Catalog", "origin may import"),
        ("edge/new.py", "import jwt.algorithms", "only edge/keys.py may import jwt"),
        (
            "edge/hosts/new.py",
            "from js import fetch",
            "only edge/hosts/_js.py and edge/hosts/webcrypto.py may import js",
        ),
        ("edge/new.py", "from .release import build", "command line only"),
        ("edge/new.py", "from .hosts.native import Settings", "only the chooser"),
        ("examples/new/app.py", "from edge.wire import Commit", "public names only"),
    ],
)
def test_the_rule_bites(tmp_path, file, source, message):
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(source)
    (found,) = violations(tmp_path)
    assert message in found
    assert found.startswith(f"{file}:{len(source.splitlines())}: ")


IMPORT_AND_LIST = "import sys, edge; print(*sorted(sys.modules))"

IMPORT_WITHOUT_WORLD = """
import os, random, secrets, sys, time, uuid
import edge
for name in [name for name in sys.modules if name.partition(".")[0] == "edge"]:
    del sys.modules[name]  # what they build upon stays: only edge itself is under test

def forbidden(*_, **__):
    raise SystemExit("importing edge touched the clock, randomness or the environment")

class NoEnvironment(dict):
    __getitem__ = get = __contains__ = __iter__ = forbidden

for module, names in [
    (time, ["time", "time_ns", "monotonic", "perf_counter"]),
    (random, ["random", "randint", "randbytes", "seed", "Random"]),
    (secrets, ["token_bytes", "token_hex", "token_urlsafe"]),
    (os, ["urandom", "getenv"]),
    (uuid, ["uuid4"]),
]:
    for name in names:
        setattr(module, name, forbidden)
os.environ = NoEnvironment()
import edge
print("pure")
"""


def isolated(script: str) -> str:
    result = subprocess.run(
        [sys.executable, "-I", "-c", script], cwd="/", capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_importing_edge_loads_nothing_of_one_host():
    loaded = isolated(IMPORT_AND_LIST).split()
    banned = ("origin", "js", "pyodide", "jwt", "cryptography", "httpx2", "uvicorn", "apsw", "watchfiles")
    assert [name for name in loaded if below(name, *banned, "edge.hosts.native", *NATIVE_TOOLS)] == []


def test_importing_edge_reads_no_clock_randomness_or_environment():
    assert isolated(IMPORT_WITHOUT_WORLD).strip() == "pure"


# JavaScript

SPECIFIER = re.compile(r"""(?:\bfrom\s*|\bimport\s*\(?\s*)["']([^"']+)["']""")
PYODIDE_API = re.compile(r"\b(?:pyimport|runPython\w*|toPy|toJs|PyProxy|unpackArchive|FS|loadPyodide\s*\()")
SCRIPTS = sorted(BROWSER.glob("*.js"))


def test_protocol_js_imports_nothing():
    assert SPECIFIER.findall((BROWSER / "protocol.js").read_text("utf-8")) == []


def test_only_runtime_js_touches_pyodide():
    knowing = {path.name for path in SCRIPTS if PYODIDE_API.search(without_comments(path))}
    assert knowing == {"runtime.js"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_import_their_neighbours_only(script):
    text = script.read_text("utf-8")
    assert [name for name in SPECIFIER.findall(text) if not re.fullmatch(r"\./[\w-]+\.js", name)] == []
    assert re.findall(r"""["'`]\w+://[^"'`]*""", without_comments(script)) == []


def without_comments(path: Path) -> str:
    return re.sub(r"/\*.*?\*/|(?<![:\w])//[^\n]*", "", path.read_text("utf-8"), flags=re.DOTALL)
