"""The tables of docs/reference.md, made from the code that they describe."""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from edge import CatalogReader, Context, Records, Stateless
from edge.cli import parser
from edge.errors import PROBLEMS

ROOT = Path(__file__).parents[2]
# What a handler uses; the rest of these objects is the kit's.
HANDLERS = {
    Context: "host user state sealed catalog records now key new_id random static form_key sign_in sign_out "
    "require_device guest_records",
    Records: "get list peek put delete increment",
    CatalogReader: "get all",
}
# (what, module, name, unit)
PYTHON_LIMITS = (
    ("headers of a request, names and values together", "edge.intake", "HEADER_LIMIT", "bytes"),
    ("body of a request, unless `max_body=` says otherwise", "edge.intake", "BODY_LIMIT", "bytes"),
    ("arrays and objects nested in JSON", "edge.wire", "DEPTH_LIMIT", ""),
    (
        "one commit: everything that one request stores, its answer included",
        "edge.wire",
        "COMMIT_LIMIT",
        "bytes",
    ),
    ("one record, as JSON", "edge.wire", "RECORD_LIMIT", "bytes"),
    ("answer to a write that stores records, which is remembered", "edge.wire", "RESPONSE_LIMIT", "bytes"),
    ("records read, and records written, in one request", "edge.wire", "WRITES_LIMIT", ""),
    ("`ctx.state` and `ctx.sealed`, each, as JSON", "edge.state", "STATE_LIMIT", "bytes"),
    ("claims of a user, as JSON", "edge.context", "CLAIMS_LIMIT", "bytes"),
    ("a user's id", "edge.context", "USER_LIMIT", "characters"),
    (
        "sessions of one user; one more ends the one unused for longest",
        "origin.sessions",
        "SESSIONS_LIMIT",
        "",
    ),
    ("a signed-in session that is not used", "edge.tokens", "REFRESH_LIFE", "seconds"),
    ("a signed-in session in all", "origin.sessions", "WHOLE_LIFE", "seconds"),
    ("a guest that is not seen", "edge.tokens", "GUEST_LIFE", "seconds"),
    ("a write that waits in a browser", "edge.intake", "LONGEST_WAIT", "seconds"),
    ("what became of an idempotency key, at least", "origin.outcomes", "KEPT", "seconds"),
    ("writes that wait at the origin, beyond which 503", "origin.writer", "WAITING", ""),
    (
        "memory of a native edge for the catalog, unless `EDGEKIT_CATALOG_MEMORY` says otherwise",
        "edge.catalog",
        "MAX_BYTES",
        "bytes",
    ),
)
SCRIPT_LIMITS = (
    ("writes that wait in a browser", "outbox-row.js", "ROOM", "rows", ""),
    ("and their bodies together", "outbox-row.js", "ROOM", "bytes", "bytes"),
)


def commands() -> str:
    """Each command with its options, as argparse knows them."""
    return "\n\n".join(_command("edgekit", parser()))


def _command(name: str, verb: argparse.ArgumentParser) -> Iterator[str]:
    rows = []
    for action in verb._actions:  # argparse offers no other way to its own table
        if isinstance(action, argparse._SubParsersAction):
            for sub, inner in action.choices.items():
                yield from _command(f"{name} {sub}", inner)
        elif not isinstance(action, argparse._HelpAction | argparse._VersionAction):
            label = ", ".join(action.option_strings) or str(action.metavar or action.dest)
            if action.option_strings and action.nargs != 0:
                label += f" {action.metavar or action.dest.upper()}"
            text = verb._get_formatter()._expand_help(action) if action.help else ""
            rows.append(f"| `{label}` | {_cell(text)} |")
    if rows:
        yield f"### `{name}`\n\n" + "\n".join(["| option | |", "|---|---|", *rows])


def codes() -> str:
    """Every problem code."""
    rows = [
        f"| `{code}` | {kind.status} | {kind.title} | {'yes' if kind.retryable else ''} |"
        for code, kind in sorted(PROBLEMS.items())
    ]
    return "\n".join(["| code | status | title | may succeed later |", "|---|---|---|---|", *rows])


def limits() -> str:
    """Every limit that a user may meet."""
    rows = [
        f"| {what} | {_number(getattr(importlib.import_module(module), name))} {unit} |"
        for what, module, name, unit in PYTHON_LIMITS
    ]
    rows += [
        f"| {what} | {_number(_script(file, name)[key])} {unit} |"
        for what, file, name, key, unit in SCRIPT_LIMITS
    ]
    return "\n".join(["| what | at most |", "|---|---|", *(row.replace("  |", " |") for row in rows)])


def _script(file: str, name: str) -> dict[str, int]:
    """A frozen object of numbers in a script of browser/."""
    program = f"import {{ {name} }} from './browser/{file}'; console.log(JSON.stringify({name}))"
    command = ["node", "--input-type=module", "--eval", program]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found: dict[str, int] = json.loads(printed)
    return found


def _number(value: float) -> str:
    return f"{int(value):,}"


def stateless() -> str:
    """The parameters of `Stateless`, with what its docstring says about each."""
    text = inspect.getdoc(Stateless) or ""
    said = dict(_described(text))
    rows = [
        f"| `{name}=` | {_default(parameter)} | {_cell(said[name])} |"
        for name, parameter in inspect.signature(Stateless).parameters.items()
        if name != "app"
    ]
    return "\n".join(["| parameter | default | |", "|---|---|---|", *rows])


def _described(text: str) -> Iterator[tuple[str, str]]:
    """`name`: sentence. Several may stand in one paragraph."""
    flat = " ".join(text.split())
    names = "|".join(inspect.signature(Stateless).parameters)
    marks = [*re.finditer(rf"`({names})(?:\([^`]*\))?`:? ", flat)]
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        yield mark[1], flat[mark.end() : following.start() if following else None].strip(" ;")


def _default(parameter: inspect.Parameter) -> str:
    return "" if parameter.default is inspect.Parameter.empty else f"`{parameter.default!r}`"


def handlers() -> str:
    """What a handler may use of the context and of what hangs on it."""
    prefixes = {Context: "ctx.", Records: "ctx.records.", CatalogReader: "ctx.catalog."}
    rows = [
        f"| `{prefixes[owner]}{name}{_parameters(owner, name)}` | {_cell(_first(_doc(owner, name)))} |"
        for owner, names in HANDLERS.items()
        for name in names.split()
        if hasattr(owner, name) or _doc(owner, name)
    ]
    return "\n".join(["| name | |", "|---|---|", *rows])


def _parameters(owner: type, name: str) -> str:
    member = inspect.getattr_static(owner, name, None)
    if not inspect.isfunction(member):
        return ""
    without = [
        one.replace(annotation=inspect.Parameter.empty)
        for one in inspect.signature(member).parameters.values()
        if one.name != "self"
    ]
    return str(inspect.Signature(without))


def _doc(owner: type, name: str) -> str:
    """The docstring of a method or property, or the string under an attribute that `__init__` sets."""
    member = inspect.getattr_static(owner, name, None)
    if member is not None:
        return inspect.getdoc(member) or ""
    found = re.search(rf'self\.{name}\b[^=\n]*= .*?"""(.*?)"""', inspect.getsource(owner), re.DOTALL)
    return " ".join(found[1].split()) if found else ""


def _first(text: str) -> str:
    """The first paragraph."""
    return " ".join(text.split("\n\n", maxsplit=1)[0].split())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


TABLES: dict[str, Callable[[], Any]] = {
    "commands": commands,
    "codes": codes,
    "limits": limits,
    "stateless": stateless,
    "handlers": handlers,
}
