"""Puts a release into its folder without a moment in which it is half there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from .failure import BuildError
from .files import write
from .history import FOLDER, KEPT, forget, remember, switch
from .manifest import MANIFEST_PATH, Asset, Manifest


def check_folder(out: Path) -> None:
    """Refuse a folder that holds something other than a release; raises `BuildError`."""
    if out.exists() and not out.is_dir():
        raise BuildError(f"{out} is a file; name a folder for the release.")
    if out.is_dir() and any(out.iterdir()) and not (out / "_edge").is_dir():
        raise BuildError(f"{out} holds something else than a release; name an empty folder.")


def publish(
    out: Path,
    manifest: Manifest,
    assets: Iterable[Asset],
    copies: Mapping[str, Path],
    *,
    now: float,
    keep: int = KEPT,
) -> None:
    """Write the release: its files under names of their own, then the manifest, then the service worker.

    The newest `keep` releases stay whole, for pages that still run one of them and for `edgekit release
    use`; the files of older ones go. `now`: UNIX seconds.
    """
    wanted = {one.url: one.source for one in assets} | {f"{url}.br": path for url, path in copies.items()}
    for url, source in wanted.items():
        write(out / url[1:], source.read_bytes())
    remember(out, manifest, now)
    switch(out, manifest.release)
    _remove_others(out, {url for one in forget(out, keep) for url in one.document["files"]})


def _remove_others(out: Path, kept: set[str]) -> None:
    for folder, _, names in os.walk(out / "_edge", topdown=False):
        if Path(folder) == out / FOLDER:
            continue
        for name in names:
            path = Path(folder, name)
            url = "/" + path.relative_to(out).as_posix().removesuffix(".br")
            if url not in kept and url != MANIFEST_PATH:
                path.unlink()
        if not os.listdir(folder):
            Path(folder).rmdir()
