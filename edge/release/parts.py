"""Divides the Python files of a release into what a start needs and what may come late."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from .archive import Files
from .toolchain import PYTHON

# What a program may ask of a distribution by name (importlib.metadata) before it imports anything of it.
METADATA = re.compile(r"[^/]+\.dist-info/(?:METADATA|entry_points\.txt)")
MODULE = re.compile(r"(?P<path>[^.]+?)(?:/__init__)?\.(?:pyc?|(?:[\w-]+\.)?so)")
STDLIB = f"lib/python{''.join(PYTHON.split('.')[:2])}.zip"  # where Pyodide puts it
SITE = "app-site/site.zip"
FOLDER = "app/"
TAIL = ".tail"
LIST = "edge/hosts/late.txt"  # in the folder; read by edge/hosts/late.py
ABSENT = "edge/hosts/absent.txt"  # likewise


class Parts(NamedTuple):
    """Files by the place that Python finds them in: two zips, and a folder for what cannot be in one."""

    stdlib: Files
    site: Files
    folder: Files


def divide(whole: Parts, modules: Collection[str]) -> tuple[Parts, Parts]:
    """`(early, late)`: early is what these modules are made of."""
    divided = [_divide(files, modules) for files in whole]
    return Parts(*(early for early, _ in divided)), Parts(*(late for _, late in divided))


def names_of(parts: Parts) -> list[str]:
    """The modules in these files, sorted."""
    return sorted({name for files in parts for path in files if (name := module_of(path))})


def module_of(path: str) -> str | None:
    """The dotted name of the module that a file holds; None if it holds none."""
    match = MODULE.fullmatch(path)
    return match["path"].replace("/", ".") if match else None


def _divide(files: Mapping[str, bytes], modules: Collection[str]) -> tuple[Files, Files]:
    packages = {path.partition("/")[0] for path in files if module_of(path)}
    early: Files = {}
    late: Files = {}
    for path, content in files.items():
        (early if _is_needed(path, packages, modules) else late)[path] = content
    return early, late


def _is_needed(path: str, packages: Collection[str], modules: Collection[str]) -> bool:
    name = module_of(path)
    if name is not None:
        return name in modules
    top = path.partition("/")[0]
    if top.endswith(".dist-info"):
        return METADATA.fullmatch(path) is not None
    # Data is read by path, and no import would tell that it is missing.
    return top in modules or top not in packages
