"""What `edgekit edge` is told, checked before anything listens: one sentence for each thing that is wrong."""

from __future__ import annotations

import ipaddress
import json
import os
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from uvicorn.importer import ImportFromStringError, import_from_string

from ..app import Stateless
from ..catalog import memory
from ..cross_origin import origins
from ..keys import source
from ..public_address import PublicAddress, is_loopback


class SettingError(Exception):
    """What is wrong, in one sentence that says what to do."""


def check(environment: Mapping[str, str], host: str) -> PublicAddress:
    """Check the variables of an edge that listens on `host`; raises SettingError."""
    address = _address(environment, host)
    _origins(environment.get("EDGEKIT_ORIGIN", ""))
    _keys("EDGEKIT_KEYS", environment, private=True)
    _keys("EDGEKIT_ORIGIN_KEYS", environment, private=False)
    _release(environment.get("EDGEKIT_RELEASE", ""))
    for name, read in (("EDGEKIT_SITES", origins), ("EDGEKIT_CATALOG_MEMORY", memory)):
        try:
            read(environment.get(name, ""))
        except ValueError as error:
            raise SettingError(f"{name}: {error}.") from error
    return address


def _address(environment: Mapping[str, str], host: str) -> PublicAddress:
    try:
        address = PublicAddress.of(environment.get("EDGEKIT_ADDRESS"))
    except ValueError as error:
        raise SettingError(f"EDGEKIT_ADDRESS: {error}.") from error
    if address.origin is None and not is_loopback(f"[{host}]" if ":" in host else host.lower()):
        raise SettingError(
            f"EDGEKIT_ADDRESS is not set: to listen on {host}, say under which address people reach "
            "the site, such as https://tea.example."
        )
    return address


def _origins(text: str) -> None:
    for url in filter(None, map(str.strip, text.split(","))):
        try:
            parts = urlsplit(url)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good or parts.query or parts.fragment or parts.username is not None:
            raise SettingError(f"EDGEKIT_ORIGIN: {url!r} is not a URL: write it like http://10.0.0.5:8001.")


def _keys(name: str, environment: Mapping[str, str], *, private: bool) -> None:
    setting = environment.get(name)
    if not setting:
        if private:
            raise SettingError(
                f"{name} is not set: make a set of keys for all edges with `edgekit keys init`."
            )
        return
    try:
        found = source(setting, time.monotonic)().set
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error).rstrip(".")
        place = "it" if setting.lstrip().startswith("{") else setting
        raise SettingError(f"{name}: {place} is not a usable set of keys: {why}.") from error
    if not private:
        return
    for use in ("sig", "enc"):
        try:
            found.current(use, time.time())
        except LookupError as error:
            raise SettingError(
                f"{name}: {error.args[0]}; name the private file of `edgekit keys`."
            ) from error


def _release(text: str) -> None:
    if not text:
        return
    manifest = Path(text, "_edge", "manifest.json")
    try:
        json.loads(manifest.read_bytes())["roles"]["kit"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingError(
            f"EDGEKIT_RELEASE: {text} holds no release: name the folder that `edgekit build -o` wrote."
        ) from error


def proxies(text: str) -> Sequence[str]:
    """Addresses and networks of trusted proxies, with commas between; raises SettingError."""
    networks = []
    for one in filter(None, map(str.strip, text.split(","))):
        try:
            networks.append(str(ipaddress.ip_network(one, strict=False)))
        except ValueError as error:
            raise SettingError(
                f"EDGEKIT_PROXIES: {one!r} is no address and no network: write 10.0.0.7 or 10.0.0.0/24."
            ) from error
    return networks


def load(spec: str, app_dir: Path) -> Stateless:
    """Import `module:app` from `app_dir`; raises SettingError."""
    folder = app_dir.resolve()
    if not folder.is_dir():
        raise SettingError(f"There is no folder {app_dir}.")
    sys.path.insert(0, str(folder))
    try:
        app: Any = import_from_string(spec)
    except ImportFromStringError as error:
        raise SettingError(str(error)) from error
    except (Exception, SystemExit) as error:
        where = [
            frame for frame in traceback.extract_tb(error.__traceback__) if _within(frame.filename, folder)
        ]
        place = f" ({os.path.relpath(where[-1].filename, folder)}, line {where[-1].lineno})" if where else ""
        what = " ".join(traceback.format_exception_only(error)[-1].split())
        raise SettingError(f"{spec} cannot be imported: {what}{place}") from error
    if not isinstance(app, Stateless):
        raise SettingError(f"{spec} is not wrapped: let it be edge.Stateless(…) around the app.")
    return app


def _within(file: str, folder: Path) -> bool:
    return Path(file).is_relative_to(folder) and "site-packages" not in file
