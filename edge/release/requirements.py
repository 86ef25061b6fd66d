"""What the app requires, where that is written down, and the lock beside it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from .cache import digest
from .failure import BuildError
from .sources import Target
from .toolchain import PYODIDE

# What the kit imports inside Pyodide; signing and HTTP are the host's there.
KIT_REQUIREMENTS = ("cachetools>=6", "python-multipart>=0.0.20", "starlette>=1.3.1")
# What runs an app on a machine and has no use in a browser, by distribution: it stays out of a release.
SERVERS = (
    *("daphne", "fastapi-cli", "fastapi-cloud-cli", "granian", "gunicorn", "httptools", "hypercorn"),
    *("uvicorn", "uvicorn-worker", "uvloop", "watchfiles", "winloop"),
)
FOR_SERVERS = "only servers need it"
# Those that apps import to be run by them; the others are asked for by `try: import`.
STAND_INS = ("daphne", "granian", "gunicorn", "hypercorn", "uvicorn")
LOCK_NAME = "edgekit.lock"
HEADER = f"# Packages for Pyodide {PYODIDE}. Written by `edgekit build`; commit it. Renew it with --upgrade."
_PIN = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9-]*)==(?P<version>[^\s;]+)(?P<hashes>(?: --hash=sha256:[0-9a-f]{64})+)"
)


@dataclass(frozen=True, slots=True)
class Requirements:
    """`file`: requirements.txt or pyproject.toml, None if the app has neither.

    `inputs` is a hash over all that decides which packages are chosen. `lines`: the requirements one by one,
    with those of nested files. `excluded`: distributions that the user wants left out, by normalized name.
    `more`: what is needed besides.
    """

    file: Path | None
    inputs: str
    lines: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    more: tuple[str, ...] = ()


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
    """The packages of a release, and the `Requirements.inputs` that they fulfil.

    `without`: what was left out, as pairs of a distribution and the reason.
    """

    inputs: str
    pins: tuple[Pin, ...]
    without: tuple[tuple[str, str], ...] = ()

    def note(self) -> str:
        """What was left out, in one line; empty if nothing was."""
        reasons = dict.fromkeys(reason for _, reason in self.without)
        parts = (
            f"{', '.join(name for name, why in self.without if why == reason)} ({reason})"
            for reason in reasons
        )
        return f"without {'; '.join(parts)}" if reasons else ""


def normalized(name: str) -> str:
    """A distribution's name as indexes spell it (PyPA, name normalization); raises `BuildError`."""
    if re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", name) is None:
        raise BuildError(f"--exclude {name}: that is no name of a package; write it like --exclude pyyaml.")
    return re.sub(r"[-_.]+", "-", name).lower()


def find_requirements(target: Target, asked: Path | None, exclude: Iterable[str] = ()) -> Requirements:
    """`asked`, else the nearest file in or beside the app that names requirements; raises `BuildError`."""
    excluded = tuple(sorted({normalized(name) for name in exclude}))
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
            return Requirements(file, _inputs(content, excluded), tuple(_lines(file, content)), excluded)
    return Requirements(None, _inputs("", excluded), (), excluded)


def _inputs(content: str, excluded: Collection[str]) -> str:
    return digest(PYODIDE, *KIT_REQUIREMENTS, *SERVERS, content, *(f"--exclude {name}" for name in excluded))


def _lines(file: Path, content: str) -> list[str]:
    if file.suffix == ".toml":
        return [str(line) for line in json.loads(content)]
    lines = (re.sub(r"(?:^|\s)#.*", "", line).strip() for line in content.replace("\\\n", " ").splitlines())
    return [line for line in lines if line and not line.startswith("-")]


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
    inputs, sources, pins, without = "", set(), [], []
    for line in file.read_text("utf-8").replace(" \\\n   ", "").splitlines():
        pin = _PIN.fullmatch(line)
        if pin:
            hashes = tuple(re.findall(r"[0-9a-f]{64}", pin["hashes"]))
            pins.append(Pin(pin["name"], pin["version"], hashes, pin["name"] in sources))
        elif line.startswith("# inputs: "):
            inputs = line.removeprefix("# inputs: ")
        elif line.startswith("# without "):
            name, _, reason = line.removeprefix("# without ").partition(": ")
            without.append((name, reason))
        elif line.startswith("--no-binary "):
            sources.add(line.removeprefix("--no-binary "))
        elif line and not line.startswith("#"):
            raise BuildError(
                f"{file} has a line that is not a lock's ({line!r}); delete the file to lock anew."
            )
    return Lock(inputs, tuple(pins), tuple(without))


def render_lock(lock: Lock) -> str:
    """The lock as a requirements file that pip and uv read too; names no host."""
    lines = [HEADER, f"# inputs: {lock.inputs}"]
    lines += [f"# without {name}: {reason}" for name, reason in lock.without]
    lines += [f"--no-binary {pin.name}" for pin in lock.pins if pin.source]
    for pin in lock.pins:
        lines += [f"{pin} \\", *(f"    --hash=sha256:{value} \\" for value in pin.hashes)]
        lines[-1] = lines[-1].removesuffix(" \\")
    return "\n".join(lines) + "\n"
