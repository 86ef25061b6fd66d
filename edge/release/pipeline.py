"""`build`: from an app to a folder that a server can publish and a browser can run."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .. import __version__
from ..cross_origin import origin_of
from . import catalog
from .bundle import Bundle, Bundler
from .cache import Cache, default_root
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
from .sources import Target, parse_target
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
    if server_only and server_only.resolve().is_relative_to(out.resolve()):
        raise BuildError(f"{server_only} would be published; name a file outside of {out}.")
    with steps("toolchain"):
        toolchain = find(Cache(cache.resolve() if cache else default_root(Path.cwd())), Path.cwd())
    with steps("resolve") as step:
        locked, step.cached = lock_packages(
            target, requirements, lock, toolchain, upgrade=upgrade, exclude=exclude
        )
        step.note = locked.note()
    with steps("install") as step:
        packages, step.cached = install(locked, toolchain)
    if memory := catalog.describe(catalog.folder_of(target.app_dir, target.top)):
        with steps("catalog") as step:
            step.note = memory
    before = current(out)
    made: list[Manifest] = []

    def release(bundle: Bundle) -> Manifest:
        manifest, assets = describe_release(target, bundle, toolchain, development=development, edges=others)
        if manifest.release in (one.release for one in made):
            return manifest
        if public := bundle.description.public:
            with steps("public") as step:
                step.note = f"shared and readable, so anybody can read all of it: {', '.join(public)}"
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


def edge_origins(edges: Iterable[str]) -> list[str]:
    """Each once, as browsers spell them, in their order; raises `BuildError`."""
    try:
        return list(dict.fromkeys(origin_of(one) for one in edges))
    except ValueError as error:
        raise BuildError(f"--edge: {error}.") from error


def lock_packages(
    target: Target,
    asked: Path | None,
    file: Path | None,
    toolchain: Toolchain,
    *,
    upgrade: bool,
    exclude: Iterable[str] = (),
) -> tuple[Lock, bool]:
    """The lock, and whether the one that is there still holds; else it is written. Raises `BuildError`."""
    requirements = find_requirements(target, asked, exclude)
    beside = toolchain.cache.root if target.is_kits else target.app_dir
    file = file or (requirements.file.parent if requirements.file else beside) / LOCK_NAME
    before = None if upgrade else read_lock(file)
    if before and before.inputs == requirements.inputs:
        return before, True
    lock = resolve(requirements, before, toolchain)
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
