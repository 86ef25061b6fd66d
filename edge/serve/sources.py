"""Which files a running `edgekit serve` depends on, and what has to start anew when one changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from ..folders import BESIDE

Part = Literal["origin", "edge", "release"]
KIT = Path(__file__).resolve().parents[1]


class Sources(NamedTuple):
    """`app` is the app's package or folder; `kit` is the checkout of the kit, if it is one; `beside`: what
    else belongs to the app."""

    app: Path
    kit: Path | None
    beside: tuple[Path, ...] = ()

    @property
    def catalog(self) -> Path:
        """The folder of the app's published data, one JSON file per collection."""
        return self.app / "catalog"

    def folders(self) -> Iterator[Path]:
        """What to watch."""
        yield self.app
        yield from self.beside
        if self.kit is not None:
            yield from (self.kit / name for name in ("edge", "origin", "browser"))

    def affected(self, changed: Iterable[Path]) -> set[Part]:
        """The parts that a change of these files concerns."""
        return {part for path in changed for part in self._affected(path)}

    def _affected(self, path: Path) -> set[Part]:
        if self.kit is not None:
            if path.is_relative_to(self.kit / "origin"):
                return {"origin"}
            if path.is_relative_to(self.kit / "browser"):
                return {"release"}
            if path.is_relative_to(self.kit / "edge"):
                return {"origin", "edge", "release"}
        if path.is_relative_to(self.catalog):
            return {"origin", "edge", "release"}  # the edge: it still caches what was published before
        return {"edge", "release"}


def find(spec: str, app_dir: Path, include: Iterable[str] = ()) -> Sources:
    """The sources behind `module:app`, found below `app_dir`, and what a release includes besides."""
    folder = app_dir.resolve()
    package = folder / spec.partition(":")[0].partition(".")[0]
    checkout = KIT.parent
    is_checkout = all((checkout / name).is_dir() for name in ("origin", "browser"))
    kit = checkout if is_checkout else None
    if not package.is_dir():
        return Sources(folder, kit)  # and so is all that lies beside it
    beside = [folder / name for name in (*include, *BESIDE)]  # some may come later
    return Sources(package, kit, tuple(dict.fromkeys(beside)))
