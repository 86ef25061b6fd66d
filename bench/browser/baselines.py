"""The other ways to run the same app in a browser, as a folder of files.

- Stock Pyodide in a page's worker: the npm package as shipped, the app's wheels installed at start.
- The same behind a service worker that relays to the page, and an iframe that shows the app, after the
  description of simonw/research, pyodide-asgi-browser (2026).
- PyScript from npm, offline: its interpreter is the same Pyodide, its files are the same wheels.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from edge.release.cache import default_root
from edge.release.compress import compress
from edge.release.install import install
from edge.release.manifest import asset
from edge.release.pipeline import PRODUCTION_QUALITY, Choice, lock_packages
from edge.release.sources import app_files, kit_files, parse_target
from edge.release.toolchain import Cache, Toolchain, find

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parents[1] / "examples"
PAGES = HERE / "pages"
NEEDED_OF_PYODIDE = (
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "pyodide-lock.json",
    "python_stdlib.zip",
)


def assemble(spec: str, folder: Path) -> None:
    """Write everything that is served below `/_bench/` for the app `module:attribute` of the examples."""
    root = default_root(HERE.parents[1])
    toolchain = find(Cache(root), HERE.parents[1])
    shutil.copytree(PAGES, folder)
    (folder / "pyodide").mkdir()
    for name in NEEDED_OF_PYODIDE:
        shutil.copy(toolchain.pyodide / name, folder / "pyodide")
    pyscript = npm_packages(toolchain, root.parent / "bench") / "@pyscript" / "core" / "dist"
    shutil.copytree(pyscript, folder / "pyscript", ignore=shutil.ignore_patterns("*.map"))

    target = parse_target(spec, EXAMPLES)
    lock, _ = lock_packages(Choice(target), toolchain)
    packages, _ = install(lock, toolchain)
    wheels = [write_wheel(info, folder) for info in sorted(packages.glob("*.dist-info"))]
    static = {EXAMPLES / target.top / "static"}
    asgi = {"asgi.py": (PAGES / "asgi.py").read_bytes()}
    (folder / "app.zip").write_bytes(
        deflated({**kit_files(), **app_files(target, (), static).public, **asgi})
    )

    urls = [f"/_bench/{name}" for name in wheels]
    files = dict.fromkeys([*urls, "/_bench/app.zip"], "./*")
    bundle = {"spec": spec, "wheels": urls, "app": "/_bench/app.zip"}
    (folder / "bundle.json").write_text(json.dumps(bundle))
    offline = {"interpreter": "/_bench/pyodide/pyodide.mjs", "files": files, "spec": spec}
    (folder / "pyscript.json").write_text(json.dumps(offline))
    precompress([path for path in folder.rglob("*") if path.is_file()], Cache(root))


def npm_packages(toolchain: Toolchain, cache: Path) -> Path:
    """`node_modules` with the peers of package-lock.json, installed unless it is there already."""
    cache.mkdir(parents=True, exist_ok=True)
    lock = (HERE / "package-lock.json").read_bytes()
    done = cache / "installed.json"
    if not done.is_file() or done.read_bytes() != lock:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, cache)
        bundled = toolchain.node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        npm = [str(toolchain.node), str(bundled)] if bundled.is_file() else [shutil.which("npm") or "npm"]
        subprocess.run([*npm, "ci", "--ignore-scripts"], cwd=cache, check=True, stdout=subprocess.DEVNULL)
        done.write_bytes(lock)
    return cache / "node_modules"


def write_wheel(info: Path, folder: Path) -> str:
    """Make the wheel of an installed package again from what its RECORD lists; returns its file name."""
    name = f"{info.name.removesuffix('.dist-info')}-py3-none-any.whl"
    listed = [line.rsplit(",", 2)[0] for line in (info / "RECORD").read_text("utf-8").splitlines()]
    inside = [path for path in listed if not path.startswith("..") and (info.parent / path).is_file()]
    (folder / name).write_bytes(deflated({path: (info.parent / path).read_bytes() for path in inside}))
    return name


def deflated(files: Mapping[str, bytes]) -> bytes:
    """A zip as wheels are."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(name, files[name])
    return target.getvalue()


def precompress(paths: Iterable[Path], cache: Cache) -> None:
    """Brotli copies in the same quality as those of a release."""
    copies, _ = compress([asset(str(path), path) for path in paths], PRODUCTION_QUALITY, cache)
    for path, copy in copies.items():
        shutil.copy(copy, f"{path}.br")
