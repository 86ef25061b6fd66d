"""What docs/parity.md admits, each with its reason."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs" / "parity.md"
EXAMPLE = re.compile(
    r"\| (?P<hosts>[a-z, ]+) \| `(?P<app>[\w.]+)` \| (?P<request>`[^|]+`|all) \| (?P<reason>[^|]+) \|"
)
TEST = re.compile(r"\| `(?P<test>test_\w+)` \| (?P<reason>[^|]+) \|")


def known(host: str) -> dict[tuple[str, str], str]:
    """For one host: (example, request) -> reason. The request is "all" if the example cannot be imported."""
    rows = [match for line in DOCS.read_text().splitlines() if (match := EXAMPLE.fullmatch(line))]
    return {
        (row["app"], row["request"].strip("`")): row["reason"]
        for row in rows
        if host in re.split(", ?", row["hosts"])
    }


def starlette() -> set[str]:
    """Starlette's own tests that fail in Pyodide."""
    return {match["test"] for line in DOCS.read_text().splitlines() if (match := TEST.fullmatch(line))}
