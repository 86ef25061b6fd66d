"""What `edgekit keys` does: make a set of keys, show it, let new keys follow, take old ones out.

Each function takes the file of the private set and the time in seconds, and returns what to print. They
raise OSError, and ValueError with a sentence.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .keys import generate, load, public_file, save
from .keyset import ALGORITHMS, KNOWN_AHEAD, Key, KeySet, Use, retired, rotated
from .private_files import private_folder

PURPOSES = {"sig": "signing", "enc": "sealing"}


def init(file: Path, now: float) -> str:
    """Make a new set."""
    if file.exists():
        raise ValueError(f"{file} exists; `edgekit keys rotate` adds new keys to it")
    if not file.parent.exists():  # one that is there may hold other things too
        private_folder(file.parent)
    document = generate(now)
    save(file, document, now)
    return f"{_table(document, now)}\nPrivate: {file}. Public, for the origin: {public_file(file)}."


def show(file: Path, now: float) -> str:
    """The keys of a set, none of their secrets."""
    return _table(load(file), now)


def rotate(file: Path, now: float) -> str:
    """Add a key of each use, which follows the present one as soon as everybody can know it."""
    document = rotated(_private(file), generate(now)["keys"], now)
    save(file, document, now)
    return f"{_table(document, now)}\nThe new keys are used in {KNOWN_AHEAD // 60} minutes."


def retire(file: Path, now: float, kid: str | None = None) -> str:
    """Take out what has ended, and `kid` at once. What `kid` made is worth nothing from then on."""
    document = retired(_private(file), now, kid)
    rows = [*document["keys"]]
    for use in ALGORITHMS:
        left = [key for key in KeySet(document).keys if key.use == use]
        if all(key.exp is not None for key in left):  # nothing stays when these have ended
            rows += generate(now + KNOWN_AHEAD if left else now, [use])["keys"]
    document = {"keys": rows}
    save(file, document, now)
    return _table(document, now)


def _private(file: Path) -> dict[str, Any]:
    document = load(file)
    if not KeySet(document).private:
        raise ValueError(f"{file} holds no private key")
    return document


def _table(document: Mapping[str, Any], now: float) -> str:
    keys = KeySet(document)
    current = [_current(keys, use, now) for use in ALGORITHMS]
    return "\n".join(f"{k.kid:<43}  {PURPOSES[k.use]}  {_state(k, now, k in current)}" for k in keys.keys)


def _current(keys: KeySet, use: Use, now: float) -> Key | None:
    try:
        return keys.current(use, now)
    except LookupError:
        return None  # a public set, or all has ended


def _state(key: Key, now: float, current: bool) -> str:
    end = "" if key.exp is None else f", accepted until {_utc(key.exp)}"
    if not key.accepted(now):
        return f"ended {_utc(key.exp or 0)}"
    if current:
        return f"in use{end}"
    return f"from {_utc(key.nbf)}{end}" if key.nbf > now else f"followed{end}"


def _utc(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(seconds))
