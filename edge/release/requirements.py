"""What the app requires, where that is written down, and the lock beside it."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .cache import digest
from .failure import BuildError
from .sources import Target
from .toolchain import PYODIDE

# What the kit imports inside Pyodide; signing and HTTP are the host's there.
KIT_REQUIREMENTS = ("cachetools>=6", "python-multipart>=0.0.20", "starlette>=1.3.1")
LOCK_NAME = "edgekit.lock"
HEADER = f"# Packages for Pyodide {PYODIDE}. Written by `edgekit build`; commit it. Renew it with --upgrade."
_PIN = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9-]*)==(?P<version>[^\s;]+)(?P<hashes>(?: --hash=sha256:[0-9a-f]{64})+)"
)


@dataclass(frozen=True, slots=True)
class Requirements:
    """`file`: requirements.txt or pyproject.toml, None if the app has neither.

    `inputs` is a hash over all that decides which packages are chosen.
    """

    file: Path | None
    inputs: str


@dataclass(frozen=True, slots=True)
class Pin:
    """One package of a lock. `source`: there is no wheel, a pure one is built from the source archive."""

    name: str
    version: str
    hashes: tuple[str, ...]
    source: bool = False

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


@dataclass(frozen=True, slots=True)
class Lock:
    """The packages of a release, and the `Requirements.inputs` that they fulfil."""

    inputs: str
    pins: tuple[Pin, ...]


def find_requirements(target: Target, asked: Path | None) -> Requirements:
    """`asked`, else the nearest file in or beside the app that names requirements; raises `BuildError`."""
    if asked is not None and not asked.is_file():
        raise BuildError(f"There is no requirements file {asked}.")
    folders = [] if target.is_kits else [target.app_dir / target.top, target.app_dir]
    if target.app_dir.name == "src":
        folders.append(target.app_dir.parent)
    names = ("requirements.txt", "pyproject.toml")
    candidates = [asked] if asked else [folder / name for folder in folders for name in names]
    for file in candidates:
        content = _content(file) if file.is_file() else None
        if content is not None:
            return Requirements(file, digest(PYODIDE, *KIT_REQUIREMENTS, content))
    return Requirements(None, digest(PYODIDE, *KIT_REQUIREMENTS))


def _content(file: Path) -> str | None:
    """What a file requires; None for a pyproject.toml that names no dependencies."""
    text = file.read_text("utf-8")
    if file.suffix != ".toml":
        nested = re.findall(r"^\s*(?:-r|--requirement|-c|--constraint)[\s=]+(\S+)", text, re.MULTILINE)
        return "\n".join(
            [text, *(_content(path) or "" for name in nested if (path := file.parent / name).is_file())]
        )
    try:
        dependencies = tomllib.loads(text).get("project", {}).get("dependencies")
    except tomllib.TOMLDecodeError as error:
        raise BuildError(f"{file} is not TOML: {error}.") from error
    return None if dependencies is None else json.dumps(dependencies)


def read_lock(file: Path) -> Lock | None:
    """The lock in `file`, None if there is none; raises `BuildError`."""
    if not file.is_file():
        return None
    inputs, sources, pins = "", set(), []
    for line in file.read_text("utf-8").replace(" \\\n   ", "").splitlines():
        pin = _PIN.fullmatch(line)
        if pin:
            hashes = tuple(re.findall(r"[0-9a-f]{64}", pin["hashes"]))
            pins.append(Pin(pin["name"], pin["version"], hashes, pin["name"] in sources))
        elif line.startswith("# inputs: "):
            inputs = line.removeprefix("# inputs: ")
        elif line.startswith("--no-binary "):
            sources.add(line.removeprefix("--no-binary "))
        elif line and not line.startswith("#"):
            raise BuildError(
                f"{file} has a line that is not a lock's ({line!r}); delete the file to lock anew."
            )
    return Lock(inputs, tuple(pins))


def render_lock(lock: Lock) -> str:
    """The lock as a requirements file that pip and uv read too; names no host."""
    lines = [HEADER, f"# inputs: {lock.inputs}"]
    lines += [f"--no-binary {pin.name}" for pin in lock.pins if pin.source]
    for pin in lock.pins:
        lines += [f"{pin} \\", *(f"    --hash=sha256:{value} \\" for value in pin.hashes)]
        lines[-1] = lines[-1].removesuffix(" \\")
    return "\n".join(lines) + "\n"
