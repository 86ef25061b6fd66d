"""Puts a release into its folder without a moment in which it is half there."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .failure import BuildError
from .manifest import MANIFEST_PATH, WORKER_PATH, Asset, Manifest, render_worker


def check_folder(out: Path) -> None:
    """Refuse a folder that holds something other than a release; raises `BuildError`."""
    if out.exists() and not out.is_dir():
        raise BuildError(f"{out} is a file; name a folder for the release.")
    if out.is_dir() and any(out.iterdir()) and not (out / "_edge").is_dir():
        raise BuildError(f"{out} holds something else than a release; name an empty folder.")


def publish(out: Path, manifest: Manifest, assets: Iterable[Asset], copies: Mapping[str, Path]) -> None:
    """Write the release: its files under names of their own, then the manifest, then the service worker.

    The files of the release that was there stay, for pages that still load from it; older ones go.
    """
    before = _published(out)
    wanted = {one.url: one.source for one in assets} | {f"{url}.br": path for url, path in copies.items()}
    for url, source in wanted.items():
        write(out / url[1:], source.read_bytes())
    write(out / MANIFEST_PATH[1:], manifest.encoded)
    write(out / WORKER_PATH[1:], render_worker(manifest))
    kept = {url.removesuffix(".br") for url in wanted} | set(before.get("files", {})) | {MANIFEST_PATH}
    _remove_others(out, kept)


def _published(out: Path) -> dict[str, Any]:
    try:
        document = json.loads((out / MANIFEST_PATH[1:]).read_bytes())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def write(path: Path, content: bytes) -> None:
    """Replace a file whole, if it is not the same already."""
    if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(draft).chmod(0o644)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _remove_others(out: Path, kept: set[str]) -> None:
    for folder, _, names in os.walk(out / "_edge", topdown=False):
        for name in names:
            path = Path(folder, name)
            if "/" + path.relative_to(out).as_posix().removesuffix(".br") not in kept:
                path.unlink()
        if not os.listdir(folder):
            Path(folder).rmdir()
