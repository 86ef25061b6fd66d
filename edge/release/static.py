"""The app's static folders as files of the release; their public URLs stay as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from .manifest import Asset, place

# What a browser leaves alone in `URL.pathname` (WHATWG URL, path percent-encode set).
SAFE = "/!$&'()*+,;=:@|[]\\"


def collect_static(folders: Mapping[str, Path]) -> tuple[dict[str, str], list[Asset]]:
    """`(public URL path -> stored URL path, the files)` for URL prefix -> folder; dotfiles are left out."""
    public: dict[str, str] = {}
    assets: dict[str, Asset] = {}
    for prefix, folder in folders.items():
        for file in sorted(folder.rglob("*")):
            name = file.relative_to(folder)
            if not file.is_file() or any(part.startswith(".") for part in name.parts):
                continue
            stored = place("static", re.sub(r"[^A-Za-z0-9._-]", "_", file.name), file)
            public[quote(f"{prefix.rstrip('/')}/{name.as_posix()}", safe=SAFE)] = stored.url
            assets[stored.url] = stored
    return public, list(assets.values())
