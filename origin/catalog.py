"""The catalog as the operator keeps it: a folder of `<collection>.json`, each `{key: {…}, …}`."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any, NoReturn

from edge.wire import encode_json, is_name

from .errors import StartError
from .store import Collection


def load_catalog(folder: Path) -> list[Collection]:
    """Read every collection in `folder`; raises `StartError` that names the file and the reason."""
    if not folder.is_dir():
        raise StartError(f"{folder} is not a folder")
    return [_load(file) for file in sorted(folder.glob("*.json"))]


def _load(file: Path) -> Collection:
    try:
        if not is_name(file.stem):
            raise ValueError(f"{file.stem!r} cannot name a collection")
        return _collection(file.stem, _parse(file.read_bytes()))
    except (OSError, ValueError, RecursionError) as error:
        raise StartError(f"{file}: {error}") from error


def _parse(content: bytes) -> dict[str, dict[str, Any]]:
    items = json.loads(content.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
    if not isinstance(items, dict):
        raise ValueError("not an object of items by key")
    for key, item in items.items():
        if not isinstance(item, dict):
            raise ValueError(f"the item {key!r} is not an object")
    return items


def _collection(name: str, items: dict[str, dict[str, Any]]) -> Collection:
    # Over the items in their published order: other order, other bytes, other (strong) ETag.
    version = hashlib.sha256(encode_json(items)).hexdigest()[:16]
    return Collection(name, version, encode_json({"collection": name, "version": version, "items": items}))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise ValueError(f"the member {name!r} occurs twice")
        members[name] = value
    return members


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def main(folder: str) -> str | None:
    """`python -m origin.catalog FOLDER`: why an origin would refuse that folder, None if it would not."""
    try:
        load_catalog(Path(folder))
    except StartError as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
