"""Adapters, one per kind of host. They are leaves: only this chooser knows them.

A host fulfils `edge.host.Host` and drives a `Stateless` app as plain ASGI.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from os import PathLike

from ..host import Host


def default(static: Mapping[str, str | PathLike[str]]) -> Host:
    """The host for this platform, set up from the environment (see `native.Settings`).

    `static` maps URL prefixes to folders that CPython serves itself. Raises RuntimeError in Pyodide,
    where the host is started from JavaScript.
    """
    if sys.platform == "emscripten":
        raise RuntimeError("in Pyodide, start the app with edge.hosts.fetch.start()")
    from .native import Settings, host  # noqa: PLC0415 - only CPython has what it imports

    return host(Settings.from_environment(), static)
