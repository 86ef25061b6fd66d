"""What a run tells people. Pure: rows and figures in, lines out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from .history import Row
from .judge import Finding, Judgement

ROWS = 24  # of one key
_TOLD = (
    "op",
    "number",
    "edge",
    "fault",
    "call",
    "status",
    "replayed",
    "problem",
    "how",
    "why",
    "who",
)
_SUMMARY = "each key had one effect and one answer, and nothing that was acknowledged is lost."


def summary(judgement: Judgement) -> Iterator[str]:
    """What happened, and the verdict."""
    it = judgement.figures
    yield f"  {it['writes']:7} writes       {it['final']} answered for good, {it['given_up']} given up"
    yield f"  {it['tries']:7} tries        {it['faults']} of them hit by a fault on the way to an edge"
    yield f"  {it['duplicates']:7} duplicates   sent once more, to another process or later"
    yield f"  {it['kills']:7} kills        {it['origin_kills']} of the origin, the others of edges"
    yield f"  {it['commits']:7} commits      {it['replays']} of them replayed, {it['conflicts']} in conflict"
    yield f"  {it['outcomes']:7} outcomes     stored, {it['effects']} with an effect; {it['records']} records"
    for note in judgement.notes:
        yield f"  note: {note}"
    found = len(judgement.findings)
    yield f"FAIL: {found} findings" if found else f"PASS: {_SUMMARY}"


def findings(judgement: Judgement, rows: Sequence[Row]) -> Iterator[str]:
    """The broken rules: of each kind how many, and the first with the story of its key."""
    kinds: dict[str, list[Finding]] = {}
    for finding in judgement.findings:
        kinds.setdefault(_kind(finding), []).append(finding)
    for alike in kinds.values():
        first, more = alike[0], len(alike) - 1
        also = f" (and {more} more like this)" if more else ""
        yield f"  {first.rule}: {first.sentence}{also}"
        if first.key:
            yield f"    {first.key}"
            yield from _story(first, rows)


def _kind(finding: Finding) -> str:
    """Findings of one kind differ in names and numbers only."""
    return f"{finding.rule} {re.sub(r'[^ ]*[0-9/][^ ]*', '', finding.sentence)}"


def _story(finding: Finding, rows: Iterable[Row]) -> Iterator[str]:
    ops = {row["op"] for row in rows if row["kind"] == "write" and row["key"] == finding.key}
    about = [row for row in rows if row.get("key") == finding.key or row.get("op") in ops]
    for row in about[:ROWS]:
        told = [f"{name} {row[name]}" for name in _TOLD if row.get(name) not in (None, "")]
        yield f"    {row['at']:9.3f}  {row['kind']:8} {', '.join(told)}"
