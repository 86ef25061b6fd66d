"""The manifest: names every file of a release by its content, and with that the release itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMAT = 1
MANIFEST_PATH = "/_edge/manifest.json"
WORKER_PATH = "/sw.js"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of a release: its URL path, and where its bytes are now."""

    url: str
    source: Path
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What `_edge/manifest.json` says, and the bytes that say it."""

    document: Mapping[str, Any]
    encoded: bytes

    @property
    def release(self) -> str:
        """The first 16 hex digits of the hash over everything else in the manifest."""
        return str(self.document["release"])

    @property
    def sha256(self) -> str:
        """The hash (hex) by which the service worker knows this manifest."""
        return hashlib.sha256(self.encoded).hexdigest()


def asset(url: str, source: Path) -> Asset:
    """An asset at a URL path that names its content already."""
    content = source.read_bytes()
    return Asset(url, source, hashlib.sha256(content).hexdigest(), len(content))


def place(kind: str, name: str, source: Path) -> Asset:
    """An asset below `/_edge/<kind>/<hash>/`, the hash being of its own content."""
    found = asset("", source)
    return Asset(f"/_edge/{kind}/{found.sha256[:16]}/{name}", source, found.sha256, found.size)


def place_together(kind: str, folder: Path, names: Iterable[str]) -> dict[str, Asset]:
    """Files by name that find each other by relative paths: one hash for all, in the folder's name."""
    found = {name: asset("", folder / name) for name in sorted(names)}
    lines = "".join(f"{name} {one.sha256}\n" for name, one in found.items())
    prefix = f"/_edge/{kind}/{hashlib.sha256(lines.encode()).hexdigest()[:16]}/"
    return {name: Asset(prefix + name, one.source, one.sha256, one.size) for name, one in found.items()}


def make_manifest(members: Mapping[str, Any], assets: Iterable[Asset]) -> Manifest:
    """The manifest over `members` and the files, as canonical JSON: sorted members, no spaces."""
    files = {one.url: {"sha256": one.sha256, "size": one.size} for one in assets}
    document = {"format": FORMAT, **members, "files": files}
    document["release"] = hashlib.sha256(_canonical(document)).hexdigest()[:16]
    return Manifest(document, _canonical(document))


def _canonical(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def render_worker(manifest: Manifest) -> bytes:
    """`sw.js`: the one file at the root, since a service worker rules the folder it comes from."""
    roles = manifest.document["roles"]
    return f"""\
const scripts = ["{roles["engine"]}", "{roles["worker"]}"];
// Where Trusted Types are enforced, only this policy makes addresses of scripts, and it knows these two.
const policy = globalThis.trustedTypes?.createPolicy("edgekit", {{
  createScriptURL(url) {{
    if (!scripts.includes(url)) throw new TypeError(url);
    return url;
  }},
}});
importScripts(...scripts.map((url) => policy?.createScriptURL(url) ?? url));

edgekit.serve({{
  ...pyodide,
  release: "{manifest.release}",
  manifestHash: "{manifest.sha256}",
}});
""".encode()
