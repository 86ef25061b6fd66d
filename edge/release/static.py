"""The app's static folders as files of the release; their public URLs stay as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from .failure import BuildError
from .manifest import Asset, place


def collect_static(folders: Mapping[str, Path]) -> tuple[dict[str, str], list[Asset]]:
    """`(public path -> stored URL path, the files)` for URL prefix -> folder; dotfiles are left out.

    Public paths are decoded, as an app sees them: a URL may spell the same path in many ways (RFC 3986,
    section 6.2.2). Raises `BuildError`.
    """
    public: dict[str, str] = {}
    assets: dict[str, Asset] = {}
    for prefix, folder in folders.items():
        for file in sorted(folder.rglob("*")):
            name = file.relative_to(folder)
            if not file.is_file() or any(part.startswith(".") for part in name.parts):
                continue
            try:
                name.as_posix().encode()
            except UnicodeEncodeError as error:
                raise BuildError(
                    f"{str(file)!a}: no URL names a file that is not UTF-8; rename it."
                ) from error
            stored = place("static", re.sub(r"[^A-Za-z0-9._-]", "_", file.name), file)
            public[f"{prefix.rstrip('/')}/{name.as_posix()}"] = stored.url
            assets[stored.url] = stored
    return public, list(assets.values())
