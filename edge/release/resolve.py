"""Chooses the packages of a release, for the tags and markers of Pyodide itself.

uv asks the real interpreter (Pyodide under Node.js): a platform name would give it the markers of the
machine or miss the wheels for WebAssembly.
"""

from __future__ import annotations

import re
import tempfile
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

from .failure import BuildError
from .install import build_pure
from .requirements import KIT_REQUIREMENTS, Lock, Pin, Requirements
from .toolchain import ABI, Toolchain

# The kit itself may stand among an app's requirements; the release carries its own copy.
WITHOUT_KIT = "edgekit; python_version < '0'\n"


def resolve(requirements: Requirements, before: Lock | None, toolchain: Toolchain) -> Lock:
    """Lock the requirements, keeping the versions in `before` where they still fit; raises `BuildError`."""
    with tempfile.TemporaryDirectory(dir=toolchain.cache.root, prefix=".resolve-") as folder:
        resolver = _Resolver(requirements, toolchain, Path(folder))
        kept = before.pins if before else ()
        pins = resolver.wheels_only(kept, {pin.name for pin in kept if pin.source}) if kept else None
        pins = pins or resolver.wheels_only((), ()) or resolver.with_sources()
    return Lock(requirements.inputs, tuple(pins))


class _Resolver:
    def __init__(self, requirements: Requirements, toolchain: Toolchain, folder: Path) -> None:
        self._requirements = requirements
        self._toolchain = toolchain
        self._folder = folder
        self._error = ""

    def wheels_only(self, kept: Iterable[Pin], sources: Iterable[str]) -> list[Pin] | None:
        """Take nothing without a usable wheel but `sources`; None if there is no such choice."""
        switches = ["--only-binary", ":all:"]
        for name in sources:
            switches += ["--no-binary", name]
        return self._compile([str(pin) for pin in kept], switches)

    def with_sources(self) -> list[Pin]:
        """Let source archives stand in where there is no wheel, if they give a pure package."""
        pins = self._compile([], [])
        if pins is None:
            raise self._failure()
        missing = [pin for pin in pins if pin.source]
        pure = {pin.name for pin in missing if build_pure(pin, self._toolchain) is not None}
        # Once more, for an older version of the others that has a wheel.
        chosen = self.wheels_only((), pure) if pure else None
        if chosen is None:
            native = [str(pin) for pin in missing if pin.name not in pure]
            raise no_wheel(native) if native else self._failure()
        return chosen

    def _compile(self, constraints: Sequence[str], switches: Sequence[str]) -> list[Pin] | None:
        files = {
            "kit.in": "\n".join(KIT_REQUIREMENTS),
            "constraints.txt": "\n".join(constraints),
            "overrides.txt": WITHOUT_KIT,
        }
        for name, text in files.items():
            (self._folder / name).write_text(text)
        kit, constrained, overrides = (self._folder / name for name in files)
        result = self._folder / "pylock.toml"
        result.unlink(missing_ok=True)
        where: list[str | Path] = ["--python", self._toolchain.launcher, "--format", "pylock.toml"]
        where += ["--output-file", result, "--constraints", constrained, "--overrides", overrides, kit]
        app = [self._requirements.file] if self._requirements.file else []
        self._error = self._toolchain.uv_pip("compile", *switches, *where, *app)
        if self._error:
            return None
        return read_pylock(result.read_text("utf-8"))

    def _failure(self) -> BuildError:
        unbuilt = re.search(r"[Ff]ailed to (?:download and )?build `([^`]+)`", self._error)
        if unbuilt:
            return no_wheel([unbuilt[1]])
        where = self._requirements.file or "the kit"
        return BuildError(f"The requirements of {where} cannot be resolved for Pyodide.", self._error)


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


def no_wheel(packages: Sequence[str]) -> BuildError:
    """The one sentence for packages that Pyodide cannot have."""
    names = " and ".join(packages)
    has, its = ("has", "its") if len(packages) == 1 else ("have", "their")
    name = re.split(r"[=<>!~\[ ]", packages[0])[0]
    return BuildError(
        f"{names} {has} no wheel for Pyodide (py3-none-any or pyemscripten_{ABI}_wasm32) and {its} source "
        f"needs a compiler: use a pure-Python package instead, or import it only on CPython and "
        f"""require it as `{name}; sys_platform != "emscripten"`."""
    )
