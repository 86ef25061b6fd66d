"""The releases that a folder holds: which there are, which one browsers get, and how to change that.

Beside the files, which releases share, `_edge/releases/` keeps of each release its manifest (`<id>.json`,
which its service worker reads) and its service worker (`<id>.js`), and the order in `history.json`.
Browsers get the release that `/sw.js` names, so replacing that one file is what switches them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .failure import BuildError
from .files import write
from .manifest import MANIFEST_PATH, WORKER_PATH, Manifest, render_worker
from .toolchain import BROWSER

FOLDER = "_edge/releases"
KEPT = 5  # releases
STOPPED = b"// edgekit: stopped\n"  # how the service worker that does nothing begins


@dataclass(frozen=True, slots=True)
class Published:
    """A release in a folder: its id, when it was last put into use (UNIX seconds), and its manifest."""

    release: str
    since: float
    document: Mapping[str, Any]

    @property
    def size(self) -> int:
        """Bytes of its files, uncompressed; most of them are shared with other releases."""
        return sum(int(file["size"]) for file in self.document["files"].values())


def releases(out: Path) -> list[Published]:
    """The releases in the folder `out`, the one put into use last coming last."""
    found = []
    for entry in _read(out / FOLDER / "history.json", []):
        document = _read(out / FOLDER / f"{entry['release']}.json", None)
        if document is not None:
            found.append(Published(entry["release"], entry["since"], document))
    return found


def current(out: Path) -> str | None:
    """The id of the release that browsers get; None if there is none, or they have been stopped."""
    worker = out / WORKER_PATH[1:]
    if not worker.is_file() or worker.read_bytes().startswith(STOPPED):
        return None
    document = _read(out / MANIFEST_PATH[1:], {})
    return str(document["release"]) if document else None


def remember(out: Path, manifest: Manifest, now: float) -> None:
    """Add a release whose files are all there; browsers do not get it yet."""
    write(out / FOLDER / f"{manifest.release}.json", manifest.encoded)
    write(out / FOLDER / f"{manifest.release}.js", render_worker(manifest))
    _move_to_end(out, manifest.release, now)


def switch(out: Path, release: str) -> None:
    """Let browsers get a release that has been remembered."""
    # Last the worker: whoever sees it finds everything else in place.
    for kept, public in ((f"{release}.json", MANIFEST_PATH), (f"{release}.js", WORKER_PATH)):
        write(out / public[1:], (out / FOLDER / kept).read_bytes())


def use(out: Path, release: str, now: float) -> None:
    """Go back, or on, to a published release. Raises `BuildError` unless all of it is there."""
    found = {one.release: one for one in releases(out)}
    if release not in found:
        raise BuildError(f"{out} holds no release {release!r}; it holds {', '.join(found) or 'none'}.")
    for url, file in found[release].document["files"].items():
        path = out / url[1:]
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != file["sha256"]:
            raise BuildError(f"{path} is missing or damaged; publish release {release} again.")
    _move_to_end(out, release, now)
    switch(out, release)


def withdraw(out: Path, release: str, previous: str, now: float) -> None:
    """Go back to `previous` as if `release` had never been; raises `BuildError` unless all of it is there."""
    use(out, previous, now)
    _write_history(out, [(one.release, one.since) for one in releases(out) if one.release != release])
    for suffix in (".json", ".js"):
        (out / FOLDER / f"{release}{suffix}").unlink()


def stop(out: Path) -> None:
    """Let browsers get a service worker that does nothing, until `use` or the next release.

    Raises `BuildError` if there is no release to be stopped.
    """
    if not (out / WORKER_PATH[1:]).is_file():
        raise BuildError(f"{out} holds no release.")
    write(out / WORKER_PATH[1:], STOPPED + (BROWSER / "stopped.js").read_bytes())


def forget(out: Path, keep: int) -> list[Published]:
    """Drop all but the newest `keep` releases from the list; returns those that are left."""
    found = releases(out)[-keep:]
    _write_history(out, [(one.release, one.since) for one in found])
    names = {one.release for one in found}
    for path in (out / FOLDER).iterdir():
        if path.name != "history.json" and path.stem not in names:
            path.unlink()
    return found


def _move_to_end(out: Path, release: str, now: float) -> None:
    entries = [(entry["release"], entry["since"]) for entry in _read(out / FOLDER / "history.json", [])]
    if entries and entries[-1][0] == release:
        return
    _write_history(out, [*(entry for entry in entries if entry[0] != release), (release, now)])


def _write_history(out: Path, entries: list[tuple[str, float]]) -> None:
    history = [{"release": release, "since": since} for release, since in entries]
    write(out / FOLDER / "history.json", json.dumps(history, indent=1).encode())


def _read(path: Path, default: Any) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return default
