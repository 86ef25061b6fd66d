"""The archives that Python starts from, and the one that follows when it has started."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from .archive import Files, pack, tail, unpack
from .cache import digest
from .compile import compile_all, compile_files
from .failure import BuildError
from .files import write
from .packages import read_packages, split
from .parts import ABSENT, FOLDER, LIST, SITE, STDLIB, TAIL, Parts, divide, names_of
from .smoke import Description, Start, smoke
from .sources import AppFiles, Target, app_files, is_lone, kit_files, named_folders
from .stdlib import prune
from .steps import Steps
from .toolchain import Toolchain


@dataclass(frozen=True, slots=True)
class Bundle:
    """Archives in the cache, and what the app in them says about itself.

    `start`: the standard library, the packages and the kit as far as a start needs them, and the app.
    `late`: the rest, in the places where it belongs; None in development, where all is there from the start.
    `app`: the app's files, as they were before they were compiled.
    """

    start: Start
    late: Path | None
    description: Description
    app: AppFiles


class Bundler:
    """Makes the bundle of one app; `include` and `development` as in `pipeline.build`.

    `absent`: packages that get a stand-in.

    `ahead` gets the bundle before it is known whether it can be imported, on the assumption that the app says
    of itself what it said last time; where nothing is known of that, it is not called.
    """

    def __init__(
        self,
        target: Target,
        include: tuple[str, ...],
        *,
        absent: Iterable[str] = (),
        development: bool,
        toolchain: Toolchain,
        steps: Steps,
        ahead: Callable[[Bundle], object] | None = None,
    ) -> None:
        self._target = target
        self._include = include
        self._absent = sorted(absent)
        self._development = development
        self._toolchain = toolchain
        self._steps = steps
        self._cache = toolchain.cache
        self._ahead = ahead

    def bundle(self, packages: Path) -> Bundle:
        """Bundle the app with the packages installed in a folder; raises `BuildError`."""
        with self._steps("compile") as step:
            groups = {
                "standard library": prune(unpack(self._toolchain.pyodide / "python_stdlib.zip")),
                "packages": read_packages(packages),
                "kit": kit_files(),
            }
            compiled, fresh = compile_all(groups, {"standard library", "kit"}, self._toolchain)
            step.note, step.cached = ", ".join(fresh), not fresh
            site_files, folder = split(compiled["packages"])
            kit = compiled["kit"] | ({ABSENT: "\n".join(self._absent).encode()} if self._absent else {})
            whole = Parts(compiled["standard library"], site_files, kit | folder)
            stdlib, _ = self._archive(whole.stdlib)
            site, _ = self._archive(whole.site)
            edge, _ = self._archive(whole.folder)
        app, description, files = self._with_app(stdlib, site, edge)
        if self._development:  # the next edit may import anything, and nobody downloads it
            return Bundle(Start(stdlib, site, edge, app), None, description, files)
        with self._steps("divide") as step:
            start, late, step.cached = self._divide(whole, app, description)
        with self._steps("start") as step:
            _, step.cached = smoke(self._target, start, self._toolchain)
        return Bundle(start, late, description, files)

    def _divide(self, whole: Parts, app: Path, description: Description) -> tuple[Start, Path, bool]:
        early, late = divide(whole, description.modules)
        stdlib, site = pack(early.stdlib), pack(early.site)
        edge = early.folder | {LIST: "\n".join(names_of(late)).encode()}
        rest = {FOLDER + path: content for path, content in late.folder.items()}
        rest[STDLIB + TAIL] = tail(stdlib, late.stdlib)
        rest[SITE + TAIL] = tail(site, late.site)
        archives = [self._keep(content) for content in (stdlib, site, pack(edge), pack(rest))]
        stdlib_zip, site_zip, edge_zip, late_zip = (path for path, _ in archives)
        return Start(stdlib_zip, site_zip, edge_zip, app), late_zip, all(cached for _, cached in archives)

    def _with_app(self, stdlib: Path, site: Path, edge: Path) -> tuple[Path, Description, AppFiles]:
        # Static folders are left out of the app, and only the app tells which they are: begin with what
        # it said last time or with the usual name, and try again if that was not it.
        memory = self._cache.root / "said" / digest(str(self._target.app_dir), str(self._target))[:32]
        known = _read(memory)
        assumed, tried = set(known.static.values()) if known else self._usual(), []
        while True:
            tried.append(assumed)
            try:
                app, description, files = self._attempt(assumed, known, stdlib, site, edge)
            except BuildError:
                if set() in tried:
                    raise
                assumed, known = set(), None  # perhaps the app reads what was left out
                continue
            assumed, known = set(description.static.values()), None
            if assumed in tried:
                write(memory, description.encoded())
                return app, description, files

    def _usual(self) -> set[Path]:
        target = self._target
        usual = target.app_dir / ("" if is_lone(target) else target.top) / "static"
        if not usual.is_dir():
            return set()
        files = app_files(target, self._include, {usual})
        asked = named_folders(target, files.public, ["StaticFiles"])  # which the app itself wants to see
        return {usual} - {target.app_dir / name for name in asked}

    def _attempt(
        self, static: set[Path], known: Description | None, stdlib: Path, site: Path, edge: Path
    ) -> tuple[Path, Description, AppFiles]:
        with self._steps("app") as step:
            files = app_files(self._target, self._include, static)
            public = files.public
            if not self._development:
                public, _ = compile_files(public, self._toolchain)
            app, step.cached = self._archive(public)
        whole = Start(stdlib, site, edge, app)
        if self._ahead and known:
            self._ahead(Bundle(whole, None, known, files))
        with self._steps("import") as step:
            description, step.cached = smoke(
                self._target, whole, self._toolchain, thorough=not self._development
            )
        return app, description, files

    def _archive(self, files: Files) -> tuple[Path, bool]:
        return self._keep(pack(files))

    def _keep(self, content: bytes) -> tuple[Path, bool]:
        return self._cache.data("archive", digest(content), lambda: content)


def _read(memory: Path) -> Description | None:
    """What the app said last time, if it is known."""
    try:
        return Description.parse(memory.read_bytes())
    except (OSError, ValueError, KeyError, TypeError):  # never, or to another version of the kit
        return None
