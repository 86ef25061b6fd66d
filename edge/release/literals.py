"""Strings in an app's own files that look like secrets: by what they are called or how random they are."""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from .public_keys import NEAR, SEPARATOR, is_public, spans
from .secret_kinds import Hit

HARD_CODED = "hard-coded secret"
RANDOM = "random string"

SECRET_NAME = re.compile(
    r"(?:.*_)?(?:secret|passw(?:or)?d|passphrase|(?:api|access|private|secret|signing|encryption)_?key"
    r"|auth_?token|access_?token|refresh_?token|client_?secret|credentials?)s?",
    re.IGNORECASE,
)
TEMPLATE = re.compile(r"\$\{|\{\{|%\(|://|^/|^<.*>$|^\{.*\}$")  # what stands for a secret, or where it lies
WORDS = re.compile(r"[A-Za-z]+(?:[ ._:/-]+[A-Za-z]+)*[ .:!?…-]*")  # a label, a header's name, a media type
BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,4096}={0,2}")
HEX = re.compile(r"[0-9a-fA-F]{32,128}")
# Digests of subresource integrity; pictures, fonts and WebAssembly in base64.
HARMLESS = ("sha256-", "sha384-", "sha512-", "iVBOR", "R0lGOD", "/9j/", "UklGR", "PHN2Zy", "d09G", "AGFzb")
BITS = 4.2  # per character, at least; English is below, random base64 of 24 characters mostly above
NAME = r"(?<![\w.-])(?P<name>[A-Za-z_][\w.-]{0,80})"
QUOTED = re.compile(  # what a colon follows is a name itself
    rf"""(?:{NAME}["']?\s*[:=]\s*)?(?P<quote>["'`])(?P<text>[^"'`\s]{{8,4096}})(?P=quote)(?!\s*:)"""
)
UNQUOTED = re.compile(rf"^[ \t]*{NAME}[ \t]*[:=][ \t]*(?P<text>[^\s\"'#]{{8,4096}})[ \t\r]*$", re.MULTILINE)
SETTINGS = (".cfg", ".conf", ".env", ".ini", ".properties", ".toml", ".yaml", ".yml")


class Suspect(NamedTuple):
    """A string by its value and the name it is given, and the bytes from `start` to `end`."""

    kind: str
    name: str
    text: str
    start: int
    end: int


def find(path: str, content: bytes) -> Iterator[Hit]:
    """Suspicious strings of one source file; none if it is no text."""
    if b"\0" in content:
        return
    text = content.decode("latin-1")  # one character a byte
    public = list(spans(text))
    for kind, name, value, start, end in (
        _in_python(content) if path.endswith(".py") else _in_text(path, text)
    ):
        within = kind == RANDOM and any(first <= start and end <= last for first, last in public)
        if not within and not is_public(name, value, text[max(0, start - NEAR) : end + NEAR]):
            yield Hit(kind, start, end)


def _in_text(path: str, text: str) -> Iterator[Suspect]:
    for pattern in (QUOTED, UNQUOTED) if path.endswith(SETTINGS) else (QUOTED,):
        for match in pattern.finditer(text):
            kind = judge(match["name"] or "", match["text"])
            if kind:
                yield Suspect(kind, match["name"] or "", match["text"], *match.span("text"))


def judge(name: str, text: str) -> str:
    """What makes `text` suspicious as the value of `name` (empty: of nothing); empty if nothing does."""
    if not 8 <= len(text) <= 4096 or any(map(str.isspace, text)) or not text.isascii():
        return ""
    if SECRET_NAME.fullmatch(SEPARATOR.sub("_", name)) and not WORDS.fullmatch(text):
        return "" if TEMPLATE.search(text) else HARD_CODED
    if BASE64.fullmatch(text) and not HEX.fullmatch(text) and not text.startswith(HARMLESS):
        mixed = all(re.search(letters, text) for letters in ("[a-z]", "[A-Z]", "[0-9]"))
        return RANDOM if mixed and entropy(text) >= BITS and not _is_spelled(text) else ""
    return ""


def _is_spelled(text: str) -> bool:
    """Whether this is made of words and numbers, or is an alphabet: few neighbours are of two sorts."""
    pairs = list(pairwise(text))
    alike = sum(pair.isdigit() or (pair.isalpha() and pair.islower()) for pair in map("".join, pairs))
    return alike + sum(ord(b) - ord(a) == 1 and not b.islower() for a, b in pairs) > len(pairs) / 2


def entropy(text: str) -> float:
    """Bits per character, by how often each occurs (Shannon)."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def _in_python(source: bytes) -> Iterator[Suspect]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    names = dict(_named(tree))
    lines = [0, *(match.end() for match in re.finditer(rb"\r\n|\r|\n", source))]
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
            name = names.get(node, "")
            kind = judge(name, text)
            if kind and node.end_lineno is not None and node.end_col_offset is not None:
                start = lines[node.lineno - 1] + node.col_offset
                yield Suspect(kind, name, text, start, lines[node.end_lineno - 1] + node.end_col_offset)


def _named(tree: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Values with the name that they are given: in assignments, calls, parameters and dicts."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                yield from ((value, _name(target)) for target in targets)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                yield value, _name(target)
            case ast.keyword(arg=str(name), value=value):
                yield value, name
            case ast.Dict(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        yield value, key.value
            case ast.arguments(args=args, defaults=defaults, kwonlyargs=only, kw_defaults=their):
                named = [*zip(args[::-1], defaults[::-1], strict=False), *zip(only, their, strict=True)]
                yield from ((value, arg.arg) for arg, value in named if value is not None)
            case ast.Compare(left=left, comparators=[ast.expr() as value]):
                yield value, _name(left)
            case _:
                pass


def _name(target: ast.expr) -> str:
    match target:
        case (
            ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name)))
        ):
            return name
        case _:
            return ""
