"""Puts locked packages into a folder: wheels for the target, or pure wheels built without a compiler."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from .archive import SOURCE_DATE_EPOCH
from .cache import digest
from .failure import BuildError
from .requirements import Lock, Pin, render_lock
from .toolchain import Toolchain

# A setup that compiles falls back to pure Python when it can, or fails.
NO_COMPILER = {
    "CC": "false",
    "CXX": "false",
    "CARGO": "false",
    "RUSTC": "false",
    "FC": "false",
    "LD": "false",
}
# Machine code, for the system of this machine (PEP 3149) and for others.
NATIVE = re.compile(r".+\.(?:so(?:\.[\d.]+)?|pyd|dll|dylib|a|lib|o)", re.IGNORECASE)


def install(lock: Lock, toolchain: Toolchain) -> tuple[Path, bool]:
    """The folder that holds the packages of a lock, and whether it was there; raises `BuildError`."""

    def make(target: Path) -> None:
        wheels = [pin for pin in lock.pins if not pin.source]
        error = _uv(toolchain, wheels, target, "--python", toolchain.launcher, "--only-binary", ":all:")
        if error:
            raise BuildError("The packages of the lock could not be fetched; --upgrade locks anew.", error)
        for pin in lock.pins:
            if pin.source:
                built = build_pure(pin, toolchain)
                if built is None:
                    raise BuildError(f"{pin} could not be built as pure Python; --upgrade locks anew.")
                shutil.copytree(built, target, dirs_exist_ok=True)

    return toolchain.cache.entry("packages", digest(render_lock(Lock("", lock.pins))), make)


def build_pure(pin: Pin, toolchain: Toolchain) -> Path | None:
    """The folder of a package built from source without a compiler; None if that gives no pure package."""

    def make(target: Path) -> None:
        error = _uv(
            toolchain,
            [pin],
            target,
            *("--python", sys.executable, "--no-binary", pin.name),
            # A cache of our own: another may hold the same package built with a compiler.
            *("--cache-dir", toolchain.cache.root / "uv"),
        )
        # What a wheel says of itself is no help: one that could have had an extension says "not pure".
        if error or any(NATIVE.fullmatch(path.name) for path in target.rglob("*")):
            raise BuildError(error)

    try:
        return toolchain.cache.entry("pure", digest(render_lock(Lock("", (pin,))))[:32], make)[0]
    except BuildError:
        return None


def _uv(toolchain: Toolchain, pins: Sequence[Pin], target: Path, *switches: str | Path) -> str:
    """Let uv install exactly these packages; empty, or what it says when it fails."""
    target.mkdir(exist_ok=True)
    if not pins:
        return ""
    file = target.with_name("requirements.txt")
    plain = [Pin(pin.name, pin.version, pin.hashes) for pin in pins]
    file.write_text(render_lock(Lock("", tuple(plain))))
    checked: list[str | Path] = ["--no-deps", "--require-hashes", "--target", target, "-r", file]
    env = {**NO_COMPILER, "SOURCE_DATE_EPOCH": SOURCE_DATE_EPOCH}
    return toolchain.uv_pip("install", *switches, *checked, env=env)
