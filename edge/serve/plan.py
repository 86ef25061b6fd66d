"""What `edgekit serve` was asked for, and the commands that come of it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from .sources import Sources

QUALITY = "4"  # of brotli: nobody waits for compression here


@dataclass(frozen=True, slots=True)
class Plan:
    """What `edgekit serve` was asked for; all paths absolute."""

    spec: str
    app_dir: Path
    data: Path
    reload: bool
    sources: Sources
    edges: tuple[str, ...] = ()
    address: str | None = None
    contents: tuple[str, ...] = ()

    @property
    def release(self) -> Path:
        return self.data / "release"

    @property
    def failure(self) -> Path:
        """What is broken, for the edge that still runs."""
        return self.data / "failure.txt"

    @property
    def keys(self) -> Path:
        return self.data / "keys"

    def origin_command(self, descriptor: int) -> list[str]:
        """What runs the origin on a socket."""
        catalog = ["--catalog", str(self.sources.catalog)] if self.sources.catalog.is_dir() else []
        options = ["--data", str(self.data), "--keys", str(self.keys / "edge-public.json")]
        options += ["--fd", str(descriptor), "--log-level", "warning"]
        return [*_python("origin"), *options, *catalog]

    def check_command(self) -> list[str]:
        """What tells whether the origin would take the catalog; empty if there is none."""
        catalog = self.sources.catalog
        return [*_python("origin.catalog"), str(catalog)] if catalog.is_dir() else []

    def edge_command(self, descriptor: int) -> list[str]:
        """What runs an edge on a socket; it takes one more argument, where it says that it is ready."""
        return [*_python("edge.serve.worker"), self.spec, str(self.app_dir), str(descriptor)]

    def build_command(self) -> list[str]:
        """What builds the release. Without reloading that is how a deployment looks: bytecode, and snapshots
        in the browser."""
        options = ["--app-dir", str(self.app_dir), "--quality", QUALITY]
        options += ["--development"] if self.reload else []
        options += [f"--edge={one}" for one in self.edges]
        return [*_python("edge.cli"), "build", self.spec, "-o", str(self.release), *options, *self.contents]


def _python(module: str) -> list[str]:
    return [sys.executable, "-m", module]
