"""The standard library of a release: Pyodide's own, without what no server app imports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from .archive import Files

OURS = Path(__file__).with_name("target") / "sitecustomize.py"
# Whole topics only. What a handler may import late has to stay: the smoke import would not see it.
DROPPED = re.compile(
    r"""
    (?: _pyrepl | __phello__ | multiprocessing | unittest | xmlrpc   # no console, processes, tests
      | site-packages                                                # a README
    )/.*
  | (?: __hello__ | antigravity | this                               # jokes
      | bdb | cmd | doctest | pdb | pydoc | rlcompleter              # for a person at a console
      | cProfile | profile | pstats | trace                          # measuring
      | compileall | modulefinder | pickletools | py_compile | pyclbr | symtable | tabnanny | zipapp
      | ftplib | imaplib | mailbox | poplib | webbrowser             # need sockets or a desktop
      | _pydatetime | _pyio                                          # the C versions are there
    )\.py
  | asyncio/(?: windows_\w+ | proactor_events | tools )\.py
  | ctypes/(?: _aix | wintypes )\.py
  | (?: \w+/__main__ | json/tool )\.py
  | encodings/(?: mac_\w+ | mbcs | oem | palmos | hp_roman8 | ptcp154 | kz1048 | hz | johab | tis_620
      | cp(?!(?: 12\d\d | 437 | 850 | 852 | 866 | 874 | 932 | 949 | 950 )\.)\w+
    )\.py
  | .*\.(?: ini | typed | txt )
    """,
    re.VERBOSE,
)


def prune(files: Mapping[str, bytes]) -> Files:
    """The files that a release keeps, and our own beside them."""
    kept = {name: content for name, content in files.items() if not DROPPED.fullmatch(name)}
    return kept | {OURS.name: OURS.read_bytes()}


def is_dropped(module: str) -> bool:
    """Whether `prune` leaves out a top-level module."""
    return any(DROPPED.fullmatch(module + suffix) for suffix in (".py", "/"))
