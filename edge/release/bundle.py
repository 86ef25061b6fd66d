"""The three archives that Python starts from: standard library, third-party packages, app with kit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .archive import pack, unpack
from .cache import Cache, digest
from .compile import compile_all, compile_files
from .failure import BuildError
from .packages import read_packages, split
from .smoke import Description, smoke
from .sources import Target, app_files, kit_files
from .stdlib import prune
from .steps import Steps
from .toolchain import Toolchain


@dataclass(frozen=True, slots=True)
class Bundle:
    """Archives in the cache, and what the app in them says about itself."""

    stdlib: Path
    site: Path
    app: Path
    description: Description


class Bundler:
    """Makes the bundle of one app; `include` and `development` as in `pipeline.build`."""

    def __init__(
        self,
        target: Target,
        include: tuple[str, ...],
        *,
        development: bool,
        toolchain: Toolchain,
        steps: Steps,
    ) -> None:
        self._target = target
        self._include = include
        self._development = development
        self._toolchain = toolchain
        self._steps = steps
        self._cache = toolchain.cache

    def bundle(self, packages: Path) -> Bundle:
        """Bundle the app with the packages installed in a folder; raises `BuildError`."""
        with self._steps("compile") as step:
            groups = {
                "standard library": prune(unpack(self._toolchain.pyodide / "python_stdlib.zip")),
                "packages": read_packages(packages),
                "kit": kit_files(),
            }
            compiled, fresh = compile_all(groups, self._toolchain)
            step.note, step.cached = ", ".join(fresh), not fresh
            zipped, unpacked = split(compiled["packages"])
            stdlib, _ = _archive(self._cache, compiled["standard library"])
            site, _ = _archive(self._cache, zipped)
        return self._with_app(stdlib, site, compiled["kit"] | unpacked)

    def _with_app(self, stdlib: Path, site: Path, beside: Mapping[str, bytes]) -> Bundle:
        # Static folders are left out of the app, and only the app tells which they are: begin with what
        # it said last time or with the usual name, and try again if that was not it.
        memory = self._cache.root / "static" / digest(str(self._target.app_dir), str(self._target))[:32]
        assumed, tried = self._assumed(memory), []
        while True:
            tried.append(assumed)
            try:
                bundle = self._attempt(assumed, stdlib, site, beside)
            except BuildError:
                if set() in tried:
                    raise
                assumed = set()  # perhaps the app reads what was left out
                continue
            assumed = set(bundle.description.static.values())
            if assumed in tried:
                memory.parent.mkdir(exist_ok=True)
                memory.write_text(json.dumps(sorted(map(str, assumed))))
                return bundle

    def _assumed(self, memory: Path) -> set[Path]:
        if memory.is_file():
            return {Path(path) for path in json.loads(memory.read_text())}
        usual = self._target.app_dir / self._target.top / "static"
        return {usual} if usual.is_dir() else set()

    def _attempt(self, static: set[Path], stdlib: Path, site: Path, beside: Mapping[str, bytes]) -> Bundle:
        with self._steps("app") as step:
            files = app_files(self._target, self._include, static)
            if not self._development:
                files, _ = compile_files(files, self._toolchain)
            app, step.cached = _archive(self._cache, {**beside, **files})
        with self._steps("import") as step:
            description, step.cached = smoke(self._target, stdlib, site, app, self._toolchain)
        return Bundle(stdlib, site, app, description)


def _archive(cache: Cache, files: Mapping[str, bytes]) -> tuple[Path, bool]:
    content = pack(files)
    return cache.data("archive", digest(content), lambda: content)
