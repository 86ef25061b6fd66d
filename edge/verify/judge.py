"""Judges a history: whether everything happened once, and nothing that was acknowledged got lost. Pure.

The rules, by the names that findings bear:

    one-effect      the origin applied each key at most once, for one user
    one-answer      all answers under one key are the same, at the origin and at the users
    durable         what somebody was told has happened is stored at the end
    no-phantom      nothing is stored that no user asked for
    versions        each record has as many versions as commits wrote it, and no update overwrote another
    state           a user's state never goes back, and is what was stored with the answer
    liveness        each request gets a final answer in the end
    database        the database is intact
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..applied import short
from ..exchange import NOT_STORED
from .evidence import Changes, Evidence, Place, changes_of, name_of
from .history import Row

EXPIRED = "idempotency-key-expired"  # nobody remembers what became of the request


class Finding(NamedTuple):
    """One broken rule; `key` leads to the rows of the history that show it."""

    rule: str
    sentence: str
    key: str = ""


@dataclass(frozen=True)
class Judgement:
    """`figures` count what happened, `notes` are worth a look but break no promise."""

    findings: Sequence[Finding]
    notes: Sequence[str]
    figures: dict[str, int]


def judge(rows: Iterable[Row]) -> Judgement:
    """Apply all rules."""
    case = _Case(rows)
    findings = [
        *case.effects(),
        *case.answers(),
        *case.durability(),
        *case.versions(),
        *case.states(),
        *case.liveness(),
    ]
    return Judgement(findings, case.notes(), case.figures())


class _Case:
    def __init__(self, rows: Iterable[Row]) -> None:
        self.by_kind: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            self.by_kind[row["kind"]].append(row)
        self.keys: dict[str, Evidence] = defaultdict(Evidence)
        self.writes = {row["op"]: row for row in self.by_kind["write"]}
        self.ends = {row["op"]: row["how"] for row in self.by_kind["end"]}
        for row in self.by_kind["write"]:
            self.keys[row["key"]].ops.append(row["op"])
        for row in self.by_kind["answer"]:
            self.keys[self.writes[row["op"]]["key"]].answers.append(row)
        for kind, members in (("commit", "commits"), ("verdict", "verdicts"), ("outcome", "outcomes")):
            for row in self.by_kind[kind]:
                getattr(self.keys[row["key"]], members).append(row)
        end = max((row["at"] for rows in self.by_kind.values() for row in rows), default=0.0)
        for it in self.keys.values():
            it.recall(end)

    def effects(self) -> Iterator[Finding]:
        for key, it in self.keys.items():
            users = {row["subject"] for row in it.outcomes}
            if len(users) > 1:
                yield Finding("one-effect", f"{len(users)} users have an effect of one request", key)
            if len(it.outcomes) > 1:
                yield Finding("one-effect", "the origin remembers two outcomes of one key", key)
            first = [row for row in it.verdicts if row.get("replayed") is False]
            if len(first) > 1:
                yield Finding("one-effect", f"the origin applied one key {len(first)} times", key)
            if it.outcomes and not it.ops:
                yield Finding("no-phantom", "an outcome under a key that no user has sent", key)
            elif it.outcomes and not it.commits:
                yield Finding("no-phantom", "an outcome that no edge has committed", key)

    def answers(self) -> Iterator[Finding]:
        for key, it in self.keys.items():
            given = {row["digest"] for row in it.verdicts if row["status"] == 200}
            if len(given) > 1:
                yield Finding("one-answer", f"the origin gave {len(given)} answers under one key", key)
            if it.outcomes and not given <= {row["digest"] for row in it.outcomes}:
                yield Finding("one-answer", "the origin's answer is not the one that it remembers", key)
            shown = {row["digest"] for row in it.answers if _is_outcome(row)}
            if it.outcomes and not shown <= {row["shown"] for row in it.outcomes}:
                yield Finding("one-answer", "a user saw another answer than the one that is stored", key)
            kept = {row["shown"] for row in it.outcomes}
            told = {row["problem"] for row in self._last(it) if _refuses(row) and row["digest"] not in kept}
            if it.outcomes and told:
                what = " and ".join(sorted(told))
                yield Finding("one-answer", f"a user was told {what}, and there was an effect", key)
            applied = min((row["at"] for row in it.verdicts if row["status"] == 200), default=math.inf)
            late = {row["call"] for row in it.commits if row["at"] > applied}
            if any(row["call"] in late and row["status"] != 200 and _refuses(row) for row in it.verdicts):
                yield Finding("one-answer", "the origin refused a key that it had applied before", key)

    def _last(self, it: Evidence) -> Iterator[Row]:
        """The answers that users took for the last word."""
        for op in it.ops:
            told = [row for row in it.answers if row["op"] == op and not row["copy"]]
            if told and self.ends.get(op) == "final":
                yield told[-1]

    def durability(self) -> Iterator[Finding]:
        for key, it in self.keys.items():
            if it.outcomes or not it.commits:
                continue
            if any(row["status"] == 200 for row in it.verdicts):
                yield Finding("durable", "the origin acknowledged a commit and has not got it", key)
            elif any(_is_outcome(row) and not row["copy"] for row in it.answers):
                yield Finding("durable", "a user has been told of a commit that is not stored", key)
        for row in self.by_kind["database"]:
            if row["integrity"] != "ok":
                yield Finding("database", f"its own check says: {row['integrity']}")

    def versions(self) -> Iterator[Finding]:
        changes: dict[Place, Changes] = defaultdict(Changes)
        unclear: set[Place] = set()
        for key, it in self.keys.items():
            commits = it.applied()
            for commit in commits:
                touched = changes_of(key, commit)
                for place, change in touched.items():
                    changes[place].add(change)
                if it.is_vague or len(commits) > 1:
                    unclear |= touched.keys()
        for row in self.by_kind["record"]:
            place = (row["scope"], row["owner"], row["collection"], row["id"])
            found = changes.pop(place, Changes())
            if place not in unclear:
                for predicate, key in found.contradictions(row):
                    yield Finding("versions", f"{name_of(place)} {predicate}", key)
        for place, left in changes.items():
            if place not in unclear and left.keys:
                yield Finding("versions", f"{name_of(place)} was written and is not there", left.keys[0])

    def states(self) -> Iterator[Finding]:
        before: dict[int, Row] = {}
        named = {short(key): key for key in self.keys}
        for row in self.by_kind["view"]:
            view, old = row["view"], before.get(row["visit"])
            before[row["visit"]] = view
            if view is None or old is None or old["sid"] != view["sid"]:
                continue
            steps, where = view["ver"] - old["ver"], f"the state of visit {row['visit']}"
            newest = view["keys"][-1] if view["keys"] else ""
            key = named.get(newest, "")
            if steps not in (0, 1):
                yield Finding("state", f"{where} goes from version {old['ver']} to {view['ver']}", key)
            elif steps == 0 and view["state"] != old["state"]:
                yield Finding("state", f"{where} has two contents in version {view['ver']}", key)
            if steps == 1 and key and newest not in old["keys"]:
                stored = [one["state"] for one in self.keys[key].outcomes if one["state"] is not None]
                if stored and view["state"] not in stored:
                    yield Finding("state", f"{where} is not the one stored with its answer", key)

    def liveness(self) -> Iterator[Finding]:
        for op, how in self.ends.items():
            if how == "stuck":
                row = self.writes[op]
                last = [one["status"] for one in self.keys[row["key"]].answers if one["op"] == op][-1:]
                said = f"; the last said {last[0]}" if last else ""
                yield Finding(
                    "liveness", f"{row['method']} {row['target']} got no final answer{said}", row["key"]
                )

    def notes(self) -> list[str]:
        unequal = [
            self.writes[it.ops[0]]["target"]
            for it in self.keys.values()
            if not it.outcomes and len({row["digest"] for row in it.answers if _is_outcome(row)}) > 1
        ]
        return [
            f"{path}: {count} requests that touch no record were answered differently when sent again"
            for path, count in Counter(unequal).most_common()
        ]

    def figures(self) -> dict[str, int]:
        stored = self.by_kind["outcome"]
        tries = Counter(row["fault"] for row in self.by_kind["try"])
        return {
            "writes": len(self.by_kind["write"]),
            "final": sum(how == "final" for how in self.ends.values()),
            "given_up": sum(how == "given-up" for how in self.ends.values()),
            "tries": sum(tries.values()),
            "faults": sum(count for fault, count in tries.items() if fault != "none"),
            "outcomes": len(stored),
            "effects": sum(
                any(one["writes"] or one["increments"] for one in it.applied()) for it in self.keys.values()
            ),
            "commits": len(self.by_kind["commit"]),
            "conflicts": sum(row.get("problem") == "version-conflict" for row in self.by_kind["verdict"]),
            "replays": sum(row.get("replayed") is True for row in self.by_kind["verdict"]),
            "duplicates": sum(row["copy"] for row in (*self.by_kind["copy"], *self.by_kind["commit"])),
            "kills": len(self.by_kind["kill"]),
            "origin_kills": sum(row["who"] == "origin" for row in self.by_kind["kill"]),
            "records": len(self.by_kind["record"]),
        }


def _refuses(row: Row) -> bool:
    """Whether a problem says that there was and will be no effect. Those that are no outcomes, such as 401
    and 403, turn one copy of a request away at the door; another may have been inside."""
    return bool(row["problem"]) and row["status"] not in NOT_STORED and row["problem"] != EXPIRED


def _is_outcome(row: Row) -> bool:
    """Whether an answer is the app's final word: not the kit's refusal, nothing that may be tried again."""
    return not row["problem"] and row["status"] < 500 and row["status"] not in (408, 425, 429)
