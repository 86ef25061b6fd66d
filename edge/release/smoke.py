"""Starts the app from the files of a release, in a fresh interpreter that sees nothing else.

This is the proof that a browser can start the app, and it is where the release learns the app's
placement table and static folders, from the object itself, and what the start imports. The machine's
own Python may lack what the app requires.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from .cache import digest
from .failure import BuildError
from .parts import SITE
from .server_only import MARK
from .sources import Target
from .toolchain import PYODIDE, PYTHON, Toolchain

PROGRAM = Path(__file__).with_name("target") / "describe.py"
EXERCISE = PROGRAM.with_name("exercise.py")
LIMIT = 40.0  # seconds of the processor's time for an import and, if asked for, a first look at the app


class Start(NamedTuple):
    """The files that Python starts from: see `bundle.Bundle`."""

    stdlib: Path
    site: Path
    edge: Path
    app: Path


@dataclass(frozen=True, slots=True)
class Description:
    """What an app says about itself; `static` maps URL prefixes to folders of this machine.

    `public`: record collections that anybody may read, sorted.
    `modules`: what was asked for until the first requests had been answered, sorted.
    """

    placement: list[dict[str, str]]
    optimistic: list[dict[str, str]]
    static: dict[str, Path]
    public: list[str]
    modules: list[str]

    def encoded(self) -> bytes:
        """For `parse`."""
        return json.dumps(asdict(self), default=str, sort_keys=True).encode()

    @classmethod
    def parse(cls, encoded: bytes) -> Description:
        """What `encoded` returned."""
        members = json.loads(encoded)
        static = {prefix: Path(path) for prefix, path in members.pop("static").items()}
        return cls(static=static, **members)


def smoke(
    target: Target, files: Start, toolchain: Toolchain, *, thorough: bool = True
) -> tuple[Description, bool]:
    """Start the app from these files; whether the answer was cached. Raises `BuildError`.

    Without `thorough` the app is only imported, and `modules` tells nothing about requests.
    """
    parts = [path.read_bytes() for path in (PROGRAM, EXERCISE, *files)]

    def make() -> Any:
        copies = {f"/{SITE}": files.site, f"/{EXERCISE.name}": EXERCISE}
        unpacked = [(files.edge, "/app"), (files.app, "/app")]
        done = toolchain.python(
            PROGRAM,
            [str(target), *(["thorough"] if thorough else [])],
            stdlib=files.stdlib,
            copies=copies,
            unpacked=unpacked,
            limit=LIMIT,
        )
        lines = done.stdout.splitlines()
        if done.returncode or not lines:
            raise BuildError(f"Pyodide stopped while it imported {target}.", done.stderr.strip()[-4000:])
        answer = json.loads(lines[-1])
        if "placement" not in answer:
            raise _failure(target, answer)
        return answer

    answer, cached = toolchain.cache.json("smoke", digest(PYODIDE, str(target), str(thorough), *parts), make)
    static = {prefix: _host_path(target, prefix, path) for prefix, path in answer["static"].items()}
    return Description(
        answer["placement"], answer["optimistic"], static, answer["public"], answer["modules"]
    ), cached


def _host_path(target: Target, prefix: str, path: str) -> Path:
    """The folder of this machine that became `path` in Pyodide, where the app lies in /app."""
    inside = Path(path)
    folder = target.app_dir / inside.relative_to("/app") if inside.is_relative_to("/app") else inside
    if not inside.is_relative_to("/app") or not folder.is_dir():
        raise BuildError(
            f"The static folder of {prefix} is not there: {folder}; "
            'name a folder beside the app as Path(__file__).parent / "static".'
        )
    return folder


def _failure(target: Target, answer: dict[str, Any]) -> BuildError:
    if "not_an_app" in answer:
        return BuildError(f"{target} is not an ASGI app: it is of type {answer['not_an_app']}.")
    module = (answer["missing"] or "").partition(".")[0]
    detail = answer["error"]
    start = f"{target} cannot be imported in Pyodide"
    if answer["hangs"]:
        return BuildError(f"{start}: it does not come back; see where it was after {LIMIT:.0f} s.", detail)
    if answer["waits"]:
        return BuildError(
            f"{start}: it waits for another thread, and there is none; do that in the handlers that need it.",
            detail,
        )
    if answer["missing"] == MARK or answer["headline"].startswith("edge.errors.NeedsEdge: "):
        return BuildError(
            f"{start}: it needs something server-only; import that inside the handlers that need it.", detail
        )
    beside = answer["path"].partition("/")[0]
    if beside not in ("", ".", "..") and (target.app_dir / answer["path"]).exists():
        return BuildError(f"{start}: {answer['path']!r} was not shipped; add --include {beside}.", detail)
    if not module:
        return BuildError(f"{start}: {answer['headline']}", detail)
    if answer["missing_from_stdlib"]:
        return BuildError(
            f"{start}: there is no module {module!r} (Pyodide's Python {PYTHON} lacks it); "
            "import it inside the handler that needs it, "
            "and leave that route out of `anywhere`.",
            detail,
        )
    if (target.app_dir / module).is_dir() or (target.app_dir / f"{module}.py").is_file():
        return BuildError(f"{start}: {module!r} was not shipped; add --include {module}.", detail)
    return BuildError(
        f"{start}: there is no module {module!r}; "
        f"add the package that has it to the app's requirements, or the folder it lies in to --app-dir.",
        detail,
    )
