"""`build`: from an app to a folder that a server can publish and a browser can run."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import __version__
from ..cross_origin import origin_of
from . import catalog, time_zones
from .advice import Advice, advise
from .bundle import Bundle, Bundler
from .cache import Cache, default_root, digest
from .compress import compress
from .failure import BuildError
from .files import write
from .history import KEPT, current, withdraw
from .install import install
from .manifest import Asset, Manifest, make_manifest, place, place_together
from .publish import check_folder, publish
from .requirements import LOCK_NAME, STAND_INS, Lock, find_requirements, read_lock, render_lock
from .resolve import resolve
from .secrets import check
from .server_only import home_archive
from .sources import Target, app_files, parse_target, refuse_unknown
from .static import collect_static
from .steps import Report, Steps, print_nothing
from .toolchain import ABI, BROWSER, PYODIDE, PYTHON, RUNTIME, Toolchain, find
from .worker import engine, worker

PRODUCTION_QUALITY = 11
DEVELOPMENT_QUALITY = 4  # somebody waits for it
# Kinds of cache entries of which every edit makes more.
GROWING = ("archive", "brotli", "bytecode", "secrets", "smoke", "worker")


def build(
    spec: str,
    out: Path,
    *,
    app_dir: Path | None = None,
    requirements: Path | None = None,
    lock: Path | None = None,
    upgrade: bool = False,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    development: bool = False,
    quality: int | None = None,
    keep: int = KEPT,
    server_only: Path | None = None,
    edges: Iterable[str] = (),
    cache: Path | None = None,
    report: Report = print_nothing,
) -> Manifest:
    """Build the release of the app `module:attribute` into the folder `out`; returns its manifest.

    `app_dir`: where the module is imported from (default: the current folder). `requirements`, `lock`:
    files, by default those in or beside the app. `upgrade`: lock the newest versions. `include`: more
    packages, modules or folders of `app_dir`. `exclude`: packages from the index that are left out, whoever
    requires them. `development`: ship the app as source, for readable
    tracebacks and the fastest rebuild. `quality`: of brotli, 0 to 11. `keep`: how many releases stay in
    `out`. `server_only`: file for what browsers do not get, for edges on a JavaScript runtime, which have the
    rest from `out`. `edges`: origins of further edges, which service workers ask for what is for
    everybody. `cache`: folder for what is kept between builds. `report` is called after each step.

    Raises `BuildError`; `out` is then as it was. In development a change is published before the app has been
    imported, which is the check, and withdrawn if that fails.
    """
    others = edge_origins(edges)
    steps = Steps(report)
    target = parse_target(spec, app_dir or Path.cwd())
    check_folder(out)
    sources = app_files(target, include, ())
    refuse_unknown(target, sources)
    if server_only and server_only.resolve().is_relative_to(out.resolve()):
        raise BuildError(f"{server_only} would be published; name a file outside of {out}.")
    with steps("toolchain"):
        toolchain = find(Cache(cache.resolve() if cache else default_root(Path.cwd())), Path.cwd())
    chosen = Choice(target, requirements, lock, tuple(exclude))
    locked, packages = _packages(chosen, sources.public.values(), toolchain, steps, upgrade=upgrade)
    if memory := catalog.describe(catalog.folder_of(target.app_dir, target.top)):
        with steps("catalog") as step:
            step.note, step.cached = memory, True  # nothing is made
    before = current(out)
    made: list[Manifest] = []

    def release(bundle: Bundle) -> Manifest:
        manifest, assets = describe_release(target, bundle, toolchain, development=development, edges=others)
        if manifest.release in (one.release for one in made):
            return manifest
        if public := bundle.description.public:
            with steps("public") as step:
                step.note = f"shared and readable, so anybody can read all of it: {', '.join(public)}"
        if lines := heed(advise(bundle.app.public), target, toolchain.cache, again=not development):
            with steps("advice") as step:
                step.advice = lines
        with steps("secrets") as step:
            count, step.cached = check(
                target, bundle.app.public, manifest, assets, os.environ, toolchain.cache
            )
            step.note = f"none in {count} files"
        with steps("compress") as step:
            usual = DEVELOPMENT_QUALITY if development else PRODUCTION_QUALITY
            copies, step.cached = compress(assets, usual if quality is None else quality, toolchain.cache)
        with steps("publish") as step:
            step.note = f"release {manifest.release}"
            if server_only:
                write(server_only, home_archive(bundle.app.home), 0o600)
            publish(out, manifest, assets, copies, now=time.time(), keep=keep)
        made.append(manifest)
        return manifest

    # Somebody who has changed a handler waits to see it, and the import takes longer than all the rest. If it
    # fails, browsers get back what they had.
    ahead = release if development and before and keep > 1 else None
    bundler = Bundler(
        target,
        tuple(include),
        absent={name for name, _ in locked.without} & set(STAND_INS),
        development=development,
        toolchain=toolchain,
        steps=steps,
        ahead=ahead,
    )
    try:
        manifest = release(bundler.bundle(packages))
    except BuildError:
        if before and made and made[-1].release != before:
            with steps("withdraw") as step:
                step.note = f"release {made[-1].release}; browsers get {before} again"
                withdraw(out, made[-1].release, before, time.time())
        raise
    for kind in GROWING:
        toolchain.cache.prune(kind)
    return manifest


def heed(advice: Sequence[Advice], target: Target, cache: Cache, *, again: bool) -> tuple[str, ...]:
    """The lines to show: all of them, or without `again` those that the last build did not show."""
    memory = cache.root / "advised" / digest(str(target.app_dir), str(target))[:32]
    lines = [str(one) for one in advice]
    try:
        before = set() if again else set(memory.read_text("utf-8").splitlines())
    except OSError:
        before = set()
    write(memory, "\n".join(lines).encode())
    return tuple(line for line in lines if line not in before)


def edge_origins(edges: Iterable[str]) -> list[str]:
    """Each once, as browsers spell them, in their order; raises `BuildError`."""
    try:
        return list(dict.fromkeys(origin_of(one) for one in edges))
    except ValueError as error:
        raise BuildError(f"--edge: {error}.") from error


@dataclass(frozen=True, slots=True)
class Choice:
    """What decides about the packages of a release; as for `build`."""

    target: Target
    requirements: Path | None = None
    lock: Path | None = None
    exclude: tuple[str, ...] = ()


def _packages(
    choice: Choice, sources: Iterable[bytes], toolchain: Toolchain, steps: Steps, *, upgrade: bool
) -> tuple[Lock, Path]:
    """The lock and the folder in which its packages are installed; raises `BuildError`."""
    with steps("resolve") as step:
        locked, step.cached = lock_packages(choice, toolchain, upgrade=upgrade)
        step.note = locked.note()
    with steps("install") as step:
        packages, step.cached = install(locked, toolchain)
    if time_zones.are_missing(locked, packages, sources, toolchain.cache):
        with steps("time zones"):
            locked, _ = lock_packages(choice, toolchain, more=[time_zones.PACKAGE])
            packages, _ = install(locked, toolchain)
    return locked, packages


def lock_packages(
    choice: Choice, toolchain: Toolchain, *, upgrade: bool = False, more: Iterable[str] = ()
) -> tuple[Lock, bool]:
    """The lock, and whether the one that is there still holds; else it is written. Raises `BuildError`.

    `more`: packages that are needed whatever the app requires.
    """
    target, file = choice.target, choice.lock
    requirements = find_requirements(target, choice.requirements, choice.exclude)
    beside = toolchain.cache.root if target.is_kits else target.app_dir
    file = file or (requirements.file.parent if requirements.file else beside) / LOCK_NAME
    before = None if upgrade else read_lock(file)
    needed = {*more, *({time_zones.PACKAGE} & {pin.name for pin in before.pins} if before else ())}
    if before and before.inputs == requirements.inputs and needed <= {pin.name for pin in before.pins}:
        return before, True
    lock = resolve(replace(requirements, more=tuple(sorted(needed))), before, toolchain)
    try:
        write(file, render_lock(lock).encode())
    except OSError as error:
        raise BuildError(f"{file} cannot be written: {error.strerror}; name another with --lock.") from error
    return lock, False


def describe_release(
    target: Target, bundle: Bundle, toolchain: Toolchain, *, development: bool, edges: Iterable[str] = ()
) -> tuple[Manifest, list[Asset]]:
    """The manifest and the files of a release."""
    names = [name for name in RUNTIME if name != "python_stdlib.zip"]
    runtime = place_together("pyodide", toolchain.pyodide, names)
    served = (path for path in BROWSER.rglob("*.*") if path.suffix in (".js", ".css"))
    scripts = [path.relative_to(BROWSER).as_posix() for path in served]
    kit = place_together("kit", BROWSER, [name for name in scripts if not name.startswith("node/")])
    archives = {
        "stdlib": place("python", "python_stdlib.zip", bundle.start.stdlib),
        "site": place("site", "site.zip", bundle.start.site),
        "edge": place("edge", "edge.zip", bundle.start.edge),
        "app": place("app", "app.zip", bundle.start.app),
    }
    if bundle.late is not None:
        archives["late"] = place("late", "late.zip", bundle.late)
    classic = {
        "engine": place("worker", "pyodide.js", engine(toolchain)),
        "worker": place("worker", "kit.js", worker(toolchain.cache)),
    }
    static, static_files = collect_static(bundle.description.static)
    roles = {role: one.url for role, one in (archives | classic).items()} | {
        "loader": runtime["pyodide.mjs"].url,
        "factory": runtime["pyodide.asm.mjs"].url,
        "wasm": runtime["pyodide.asm.wasm"].url,
        "kit": kit["service-worker.js"].url.removesuffix("service-worker.js"),
    }
    members: dict[str, Any] = {
        "kit": __version__,
        "app": str(target),
        "mode": "development" if development else "production",
        "pyodide": PYODIDE,
        "python": PYTHON,
        "abi": ABI,
        "placement": bundle.description.placement,
        "optimistic": bundle.description.optimistic,
        "static": static,
        "roles": roles,
    }
    if others := list(edges):
        members["edges"] = others
    assets = [*runtime.values(), *kit.values(), *classic.values(), *archives.values(), *static_files]
    return make_manifest(members, assets), assets
