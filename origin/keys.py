"""Keys in files: the edges' public ones, and the origin's own. Files are looked at again when they change."""

from __future__ import annotations

from pathlib import Path

from edge.keys import KeyFile, NativeKeys, load_or_create
from edge.types import Clock

from .errors import StartError


def load_verifier(file: Path, clock: Clock, timer: Clock) -> NativeKeys:
    """Read the edges' public keys, a JWK set (RFC 7517 section 5); raises `StartError`."""
    try:
        keys = KeyFile(file, timer)
        if not keys().set.keys:
            raise ValueError("the set is empty")
        if keys().set.private:
            raise ValueError("it holds a private key, which only edges may have")
        return NativeKeys(keys, clock)
    except (OSError, ValueError) as error:
        raise StartError(f"{file} is not a usable set of public keys: {error}") from error


def load_own(folder: Path, clock: Clock, timer: Clock) -> NativeKeys:
    """The keys in `folder/origin-private.json`, made on first use; raises `StartError`.

    `folder/origin-public.json` is written beside it, for edges that are to know it beforehand.
    """
    try:
        load_or_create(folder, "origin")
        return NativeKeys(KeyFile(folder / "origin-private.json", timer), clock)
    except (OSError, ValueError) as error:
        raise StartError(f"{folder / 'origin-private.json'} is not a usable set of keys: {error}") from error
