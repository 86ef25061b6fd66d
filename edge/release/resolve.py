"""Chooses the packages of a release, for the tags and markers of Pyodide itself.

uv asks the real interpreter (Pyodide under Node.js): a platform name would give it the markers of the
machine or miss the wheels for WebAssembly.

A resolver that finds no way with the newest versions goes back, in silence and for years if need be. So the
choice is compared with what CPython would get from the same requirements; where it is far behind, uv is asked
for the newest, and its answer says what is in the way.
"""

from __future__ import annotations

import re
import sys
import tempfile
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from .failure import BuildError
from .install import NO_COMPILER, build_pure
from .requirements import FOR_SERVERS, KIT_REQUIREMENTS, SERVERS, Lock, Pin, Requirements, normalized
from .toolchain import ABI, PYTHON, Toolchain

# The kit itself may stand among an app's requirements; the release carries its own copy.
KIT = "edgekit"
NEVER = "python_version < '0'"  # a marker that no Python fulfils
NO_WHEEL = "no wheel for Pyodide"
FAR = timedelta(days=365)  # between the releases of two versions
ROUNDS = 8  # in which more is left out
EXTRAS = re.compile(r"^([\w.-]+)\s*\[[^\]]*\]")
UNUSABLE = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*)(?:[<>=!~][^\s]*)? has no (?:usable wheels|wheels with a matching)"
    r"|[Ff]ailed to (?:download and )?build `(?P<built>[A-Za-z0-9][\w.-]*)"
)
LOWER = re.compile(r"^[\w.-]+\s*(?:\[[^\]]*\])?\s*\(?[^;]*?(?:>|==|~=)")
ANNOTATED = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>\S+)(?:.*# via (?P<via>.*))?$", re.MULTILINE)


class Version(NamedTuple):
    """A version of a package and when it was published, if the index says so (PEP 700)."""

    text: str
    published: datetime | None


def resolve(requirements: Requirements, before: Lock | None, toolchain: Toolchain) -> Lock:
    """Lock the requirements, keeping the versions in `before` where they still fit; raises `BuildError`."""
    with tempfile.TemporaryDirectory(dir=toolchain.cache.root, prefix=".resolve-") as folder:
        resolver = _Resolver(requirements, toolchain, Path(folder))
        kept = before.pins if before else ()
        if before:
            resolver.leave_out(dict(before.without))
        pins = resolver.wheels_only([str(pin) for pin in kept], _sources(kept)) if kept else None
        if pins is None:
            resolver.leave_out({})
            pins = resolver.wheels_only((), ()) or resolver.with_sources(())
        pins = resolver.renew(pins, frozenset(map(str, kept)))
        return Lock(requirements.inputs, tuple(pins), tuple(sorted(resolver.without(pins).items())))


def _sources(pins: Iterable[Pin]) -> set[str]:
    return {pin.name for pin in pins if pin.source}


class _Resolver:
    def __init__(self, requirements: Requirements, toolchain: Toolchain, folder: Path) -> None:
        self._requirements = requirements
        self._toolchain = toolchain
        self._folder = folder
        self._error = ""
        self._newest_versions: dict[str, Version] | None = None
        self._published: dict[str, datetime | None] = {}  # of what was chosen last
        self._left_out: dict[str, str] = {}
        self.leave_out({})

    def leave_out(self, more: Mapping[str, str]) -> None:
        """From now on do without servers, what the user excludes, and `more` (distribution -> reason)."""
        self._left_out = dict.fromkeys(SERVERS, FOR_SERVERS)
        self._left_out |= dict.fromkeys(self._requirements.excluded, "--exclude")
        self._left_out |= {name: reason for name, reason in more.items() if reason == NO_WHEEL}

    def without(self, pins: Iterable[Pin]) -> dict[str, str]:
        """What was left out of what is asked for: distribution -> reason; raises `BuildError`."""
        newest = self._newest()
        if not newest:
            return {}
        known = newest.keys() | {pin.name for pin in pins}
        if unknown := [name for name in self._requirements.excluded if name not in known]:
            raise BuildError(f"--exclude {unknown[0]}: nothing requires it; leave that option out.")
        return {name: reason for name, reason in self._left_out.items() if name in newest}

    def wheels_only(self, constraints: Sequence[str], sources: Iterable[str]) -> list[Pin] | None:
        """Take nothing without a usable wheel but `sources`; None if there is no such choice."""
        switches = ["--only-binary", ":all:"]
        for name in sources:
            switches += ["--no-binary", name]
        return self._compile(constraints, switches)

    def with_sources(self, constraints: Sequence[str]) -> list[Pin]:
        """Let source archives stand in where there is no wheel, if they give a pure package.

        What has neither is left out if nothing but an extra asks for it: the package that has the extra works
        without. Raises `BuildError`.
        """
        for _ in range(ROUNDS):
            pins = self._compile(constraints, [])
            missing = [pin for pin in pins or () if pin.source]
            pure = {pin.name for pin in missing if build_pure(pin, self._toolchain) is not None}
            blocked = {pin.name: str(pin) for pin in missing if pin.name not in pure}
            if pins is None:
                blocked = {name: name for name in _unusable(self._error)}
            elif pure or not missing:
                # Once more, for an older version of the others that has a wheel.
                chosen = self.wheels_only(constraints, pure)
                if chosen is not None:
                    return chosen
            spare = blocked.keys() & self._optional()
            if not spare:
                raise self._no_wheel(list(blocked.values())) if blocked else self._failure()
            self._left_out |= dict.fromkeys(sorted(spare), NO_WHEEL)
        raise self._failure()

    def renew(self, pins: list[Pin], kept: Collection[str]) -> list[Pin]:
        """Ask for the newest of what is far behind it, unless a lock has `kept` it; raises `BuildError`."""
        floors: dict[str, str] = {}
        for _ in range(ROUNDS):
            behind = self._behind([pin for pin in pins if str(pin) not in kept and pin.name not in floors])
            if not behind:
                break
            floors |= {name: newest.text for name, (_, newest) in behind.items()}
            constraints = [f"{name}>={version}" for name, version in floors.items()]
            left_out = dict(self._left_out)
            try:
                pins = self.wheels_only(constraints, ()) or self.with_sources(constraints)
            except BuildError as error:
                self._left_out = left_out
                if all(name in self._bounded() for name in behind):
                    break  # that is what the requirement says
                raise _too_old(behind, error) from error
        return pins

    def _behind(self, pins: Iterable[Pin]) -> dict[str, tuple[Version, Version]]:
        """Distribution -> (chosen, newest), of those that are far behind."""
        newest, found = self._newest(), {}
        old = [pin for pin in pins if pin.name in newest and pin.version != newest[pin.name].text]
        for pin in old:
            chosen = Version(pin.version, self._published.get(pin.name))
            if is_far(chosen, newest[pin.name]):
                found[pin.name] = (chosen, newest[pin.name])
        return found

    def _bounded(self) -> set[str]:
        """What the app requires with a lower bound: how old it may be is said there."""
        lines = [line for line in self._requirements.lines if LOWER.match(line)]
        return {normalized(match[0]) for line in lines if (match := re.match(r"[\w.-]*\w", line))}

    def _newest(self) -> dict[str, Version]:
        """What CPython of the same version would get, servers included; nothing if uv finds no way."""
        if self._newest_versions is None:
            text, _ = self._ask(self._app(), self._on_cpython(), "pylock.toml")
            self._newest_versions = versions(text)
        return self._newest_versions

    def _optional(self) -> set[str]:
        """What the app gets from extras only: all but what it requires without them."""
        bare = self._folder / "bare.in"
        bare.write_text("\n".join(EXTRAS.sub(r"\1", line) for line in self._requirements.lines))
        text, _ = self._ask([bare], self._on_cpython(), "pylock.toml")
        return self._newest().keys() - versions(text).keys() if text else set()

    def _chain(self, name: str) -> list[str]:
        """Who requires a distribution, from the app's own requirement on."""
        words = [*self._on_cpython(), "--annotation-style", "line"]
        text, _ = self._ask(self._app(), words, "requirements.txt")
        via = {match["name"]: (match["via"] or "").split(", ") for match in ANNOTATED.finditer(text)}
        chain = [name]
        while (
            parents := [one for one in via.get(chain[0], ()) if one in via and one not in chain]
        ) and not any(one.startswith("-r ") for one in via.get(chain[0], ())):
            chain.insert(0, parents[0])
        return chain[:-1]

    def _on_cpython(self) -> list[str]:
        return ["--python", sys.executable, "--python-version", PYTHON.rpartition(".")[0]]

    def _app(self) -> list[Path]:
        return [self._requirements.file] if self._requirements.file else []

    def _ask(
        self, files: Sequence[Path], words: Sequence[str], form: str, without: Iterable[str] = ()
    ) -> tuple[str, str]:
        """uv's answer for these requirements and the kit's, or else what it says; the other is empty."""
        kit, overrides, result = (self._folder / name for name in ("kit.in", "overrides.txt", form))
        kit.write_text("\n".join([*KIT_REQUIREMENTS, *self._requirements.more]))
        overrides.write_text("".join(f"{name}; {NEVER}\n" for name in (KIT, *without)))
        result.unlink(missing_ok=True)
        where: list[str | Path] = ["--format", form, "--output-file", result, "--no-header"]
        where += ["--overrides", overrides, kit, *files]
        error = self._toolchain.uv_pip("compile", *words, *where, env=NO_COMPILER)
        return ("", error) if error else (result.read_text("utf-8"), "")

    def _compile(self, constraints: Sequence[str], switches: Sequence[str]) -> list[Pin] | None:
        bounds = self._folder / "constraints.txt"
        bounds.write_text("\n".join(constraints))
        words = ["--python", str(self._toolchain.launcher), "--constraints", str(bounds), *switches]
        text, self._error = self._ask(self._app(), words, "pylock.toml", self._left_out)
        if self._error:
            return None
        self._published = {name: version.published for name, version in versions(text).items()}
        return read_pylock(text)

    def _no_wheel(self, packages: Sequence[str]) -> BuildError:
        chains = [self._chain(one.partition("==")[0]) for one in packages]
        return no_wheel(packages, chains, self._error)

    def _failure(self) -> BuildError:
        where = self._requirements.file or "the kit"
        return BuildError(f"The requirements of {where} cannot be resolved for Pyodide.", self._error)


def is_far(chosen: Version, newest: Version) -> bool:
    """Whether the newest came more than a year later; by their numbers where nobody says when."""
    if chosen.published and newest.published:
        return newest.published - chosen.published > FAR
    (ours, minor), (theirs, their_minor) = _release(chosen.text), _release(newest.text)
    return theirs - ours > 1 or (ours == theirs == 0 and 2 * minor < their_minor)


def _release(version: str) -> tuple[int, int]:
    """The first two numbers of a version (PEP 440, release segment)."""
    match = re.match(r"v?(?:\d+!)?(\d+)(?:\.(\d+))?", version)
    return (int(match[1]), int(match[2] or 0)) if match else (0, 0)


def versions(text: str) -> dict[str, Version]:
    """The packages in uv's answer (PEP 751), by name."""
    found = {}
    for package in tomllib.loads(text).get("packages", []):
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        times = [file["upload-time"] for file in files if "upload-time" in file]
        found[package["name"]] = Version(package.get("version", ""), min(times, default=None))
    return found


def read_pylock(text: str) -> list[Pin]:
    """The packages in uv's answer (PEP 751), which lists only what is usable on the target."""
    pins = []
    for package in tomllib.loads(text).get("packages", []):
        wheels = package.get("wheels", [])
        files = wheels or [file for file in [package.get("sdist")] if file]
        hashes = sorted(file["hashes"]["sha256"] for file in files)
        if not hashes or "version" not in package:
            raise BuildError(
                f"{package['name']} is required by path or URL; a release takes packages from an index."
            )
        pins.append(Pin(package["name"], package["version"], tuple(hashes), source=not wheels))
    return sorted(pins, key=lambda pin: pin.name)


def _unusable(error: str) -> set[str]:
    return {normalized(match["name"] or match["built"]) for match in UNUSABLE.finditer(error)}


def _too_old(behind: Mapping[str, tuple[Version, Version]], cause: BuildError) -> BuildError:
    """The one sentence for a version of years ago that nobody has asked for."""
    name, (chosen, newest) = min(behind.items())
    since = f" of {chosen.published:%Y-%m}" if chosen.published else ""
    return BuildError(
        f"Pyodide could only have {name} {chosen.text}{since}, and the newest is {newest.text}: {cause} "
        f"If the old one is what you want, require it as `{name}<={chosen.text}`.",
        cause.detail,
    )


def no_wheel(packages: Sequence[str], chains: Sequence[Sequence[str]] = (), detail: str = "") -> BuildError:
    """The one sentence for packages that Pyodide cannot have; `chains`: who requires each."""
    ways = [f" (required by {' → '.join(chain)})" if chain else "" for chain in chains]
    ways += [""] * (len(packages) - len(ways))
    names = " and ".join(f"{one}{way}" for one, way in zip(packages, ways, strict=True))
    has, its = ("has", "its") if len(packages) == 1 else ("have", "their")
    name = re.split(r"[=<>!~\[ ]", packages[0])[0]
    return BuildError(
        f"{names} {has} no wheel for Pyodide (py3-none-any or pyemscripten_{ABI}_wasm32) and {its} source "
        f"needs a compiler: use a pure-Python package instead, or import it only on CPython and "
        f"""require it as `{name}; sys_platform != "emscripten"`, or leave it out with --exclude {name}.""",
        detail,
    )
