"""The blocks of a page in docs/, as a reader meets them: files to write, commands to run.

An HTML comment before a block says what it is: `<!-- file: PATH -->` (a file with this content),
`<!-- edit: PATH -->` (each definition in it replaces the file's own of that name),
`<!-- background: LINE -->` (a command that goes on; it prints LINE when it is ready),
`<!-- not run: REASON -->`. A block of `sh` without a comment is run, and has to succeed.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(
    r"(?:^<!-- (?P<what>[a-z ]+): (?P<argument>.*?) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """`what`: run, file, edit, background or not run; `argument`: what stands behind it in the comment;
    `section`: the heading above it."""

    what: str
    argument: str
    language: str
    text: str
    section: str


def blocks(page: Path) -> list[Block]:
    """The blocks that mean something to a runner, in order; raises ValueError for one nobody knows about."""
    found = []
    content = page.read_text("utf-8")
    for match in _BLOCK.finditer(content):
        what = match["what"] or ("run" if match["language"] == "sh" else "")
        if not what:
            raise ValueError(f"{page.name}: is this block run, a file, or neither?\n{match['text']}")
        section = re.findall(r"^## (.*)$", content[: match.start()], re.MULTILINE)[-1]
        found.append(Block(what, match["argument"] or "", match["language"], match["text"], section))
    return found


def edited(source: str, change: str) -> str:
    """`source` with the functions and assignments of `change` in place of its own of the same names."""
    ours, theirs = ast.parse(source), ast.parse(change)
    lines = source.splitlines(keepends=True)
    places = {_name(node): node for node in ours.body}
    for node in reversed([places[_name(node)] for node in theirs.body]):
        replacement = next(one for one in theirs.body if _name(one) == _name(node))
        assert node.end_lineno is not None
        text = ast.get_source_segment(change, replacement)
        lines[node.lineno - 1 : node.end_lineno] = [f"{text}\n"]
    return "".join(lines)


def _name(node: ast.stmt) -> str:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return f"line {node.lineno}"
