"""docs/reference.md says what the code says; EDGEKIT_WRITE_TABLE=1 writes its tables anew (case N18)."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from .tables import ROOT, TABLES

PAGE = ROOT / "docs" / "reference.md"
WRITE = os.environ.get("EDGEKIT_WRITE_TABLE") == "1"
SOURCES = [
    path
    for folder in ("edge", "origin", "browser")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".js")
]
NAME = re.compile(r"\bEDGEKIT_[A-Z]+(?:_[A-Z]+)*\b")


def place(table: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- table: {table} -->\n).*?(<!-- end -->)", re.DOTALL)


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_what_the_code_says(table):
    text = PAGE.read_text("utf-8")
    wanted = f"{TABLES[table]()}\n"
    if WRITE:
        text = place(table).sub(lambda found: f"{found[1]}{wanted}{found[2]}", text)
        PAGE.write_text(text, "utf-8")
    found = place(table).search(text)
    assert found is not None
    assert found[0] == f"{found[1]}{wanted}{found[2]}", (
        "EDGEKIT_WRITE_TABLE=1 pytest tests/docs/test_reference.py"
    )


def test_every_variable_is_there_and_no_other():
    read = {name for path in SOURCES for name in NAME.findall(Path(path).read_text("utf-8"))}
    table = PAGE.read_text("utf-8").partition("## Commands")[0]
    described = set(re.findall(r"^\| `(EDGEKIT_\w+)`", table, re.MULTILINE))
    assert described == read
