"""What a run tells people. Pure: rows and figures in, lines out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .history import Row
from .judge import Finding, Judgement

SHOWN = 5  # findings that are told with what happened
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
    "copy",
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
    """Each broken rule, the first few with the story of their key."""
    for number, finding in enumerate(judgement.findings):
        yield f"  {finding.rule}: {finding.sentence}" + (f"  [{finding.key}]" if finding.key else "")
        if number < SHOWN and finding.key:
            yield from _story(finding, rows)


def _story(finding: Finding, rows: Iterable[Row]) -> Iterator[str]:
    ops = {row["op"] for row in rows if row["kind"] == "write" and row["key"] == finding.key}
    about = [row for row in rows if row.get("key") == finding.key or row.get("op") in ops]
    for row in about[:ROWS]:
        told = [f"{name} {row[name]}" for name in _TOLD if row.get(name) not in (None, "", False)]
        yield f"    {row['at']:9.3f}  {row['kind']:8} {', '.join(told)}"
