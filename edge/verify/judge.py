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
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .history import Row

# Problems that say nothing about what became of a request.
IN_DOUBT = frozenset({"session-ended", "device-proof", "idempotency-key-expired"})

Place = tuple[str, str, str, str]  # scope, owner, collection, id


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


@dataclass
class _Key:
    """All that is known of one idempotency key."""

    ops: list[int] = field(default_factory=list)
    commits: list[Row] = field(default_factory=list)
    verdicts: list[Row] = field(default_factory=list)
    answers: list[Row] = field(default_factory=list)
    outcomes: list[Row] = field(default_factory=list)

    def applied(self) -> list[Row]:
        """The commits of which one was applied: one, if the history tells which, several if not, and none
        if there was no effect."""
        if not self.outcomes:
            return []
        verdicts = {row["call"]: row for row in self.verdicts}
        first = [
            row
            for row in self.commits
            if (verdict := verdicts.get(row["call"])) is not None and verdict.get("replayed") is False
        ]
        if first:
            return first[:1]
        digests = {row["digest"] for row in self.outcomes}
        possible = {
            str((row["reads"], row["writes"])): row
            for row in self.commits
            if row["digest"] in digests and verdicts.get(row["call"], {}).get("status", 200) == 200
        }
        return list(possible.values())


@dataclass
class _Changes:
    """What commits have done to one record: each put its digest and the version it was based on, if the
    commit had read it, and what was added to numbers."""

    keys: list[str] = field(default_factory=list)  # one for each version
    puts: list[tuple[str, str, int | None]] = field(default_factory=list)
    added: Counter[str] = field(default_factory=Counter)

    def add(self, other: _Changes) -> None:
        self.keys += other.keys
        self.puts += other.puts
        for name, by in other.added.items():
            self.added[name] += by

    def findings(self, name: str, row: Row) -> Iterator[Finding]:
        newest = self.keys[-1] if self.keys else ""
        if len(self.keys) != row["version"]:
            sentence = (
                f"{name} has version {row['version']}, and commits have written it {len(self.keys)} times"
            )
            yield Finding("versions", sentence, newest)
        bases = Counter(base for _, _, base in self.puts if base)
        for base, count in bases.items():
            if count > 1:
                key = next(key for key, _, found in self.puts if found == base)
                yield Finding("versions", f"{name}: {count} commits are based on its version {base}", key)
        last = [value for _, value, base in self.puts if base is not None and base == row["version"] - 1]
        if row["value"] is not None and last and row["value"] not in last:
            yield Finding("versions", f"{name} has a value that its last commit did not write", newest)
        for member, total in self.added.items():
            if not self.puts and row["numbers"].get(member) != total:
                found = row["numbers"].get(member)
                yield Finding("versions", f"{member} of {name} is {found}, and {total} was added", newest)


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
        self.keys: dict[str, _Key] = defaultdict(_Key)
        self.writes = {row["op"]: row for row in self.by_kind["write"]}
        self.ends = {row["op"]: row["how"] for row in self.by_kind["end"]}
        for row in self.by_kind["write"]:
            self.keys[row["key"]].ops.append(row["op"])
        for row in self.by_kind["answer"]:
            self.keys[self.writes[row["op"]]["key"]].answers.append(row)
        for kind, members in (("commit", "commits"), ("verdict", "verdicts"), ("outcome", "outcomes")):
            for row in self.by_kind[kind]:
                getattr(self.keys[row["key"]], members).append(row)

    def effects(self) -> Iterator[Finding]:
        for key, it in self.keys.items():
            users = {row["subject"] for row in it.commits if row["key"] == key}
            if len({row["subject"] for row in it.outcomes}) > 1:
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
            told = {row["problem"] for row in self._last(it) if row["problem"] and row["digest"] not in kept}
            if it.outcomes and told - IN_DOUBT:
                what = " and ".join(sorted(told - IN_DOUBT))
                yield Finding("one-answer", f"a user was told {what}, and there was an effect", key)
            applied = min((row["at"] for row in it.verdicts if row["status"] == 200), default=math.inf)
            late = {row["call"] for row in it.commits if row["at"] > applied}
            if any(row["call"] in late and row["status"] != 200 for row in it.verdicts):
                yield Finding("one-answer", "the origin refused a key that it had applied before", key)

    def _last(self, it: _Key) -> Iterator[Row]:
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
                yield Finding("database", f"SQLite's integrity check says: {row['integrity']}")

    def versions(self) -> Iterator[Finding]:
        changes: dict[Place, _Changes] = defaultdict(_Changes)
        unclear: set[Place] = set()
        for key, it in self.keys.items():
            commits = it.applied()
            for commit in commits:
                touched = _changes_of(key, commit)
                for place, change in touched.items():
                    changes[place].add(change)
                if len(commits) > 1:
                    unclear |= touched.keys()
        for row in self.by_kind["record"]:
            place = (row["scope"], row["owner"], row["collection"], row["id"])
            found = changes.pop(place, _Changes())
            if place not in unclear:
                yield from found.findings(_name(place), row)
        for place, left in changes.items():
            if place not in unclear and left.keys:
                yield Finding("versions", f"{_name(place)} was written and is not there", left.keys[0])

    def states(self) -> Iterator[Finding]:
        before: dict[int, Row] = {}
        for row in self.by_kind["view"]:
            view, old = row["view"], before.get(row["visit"])
            before[row["visit"]] = view
            if view is None or old is None or old["sid"] != view["sid"]:
                continue
            steps, where = view["ver"] - old["ver"], f"the state of visit {row['visit']}"
            key = view["keys"][-1] if view["keys"] else ""
            if steps not in (0, 1):
                yield Finding("state", f"{where} goes from version {old['ver']} to {view['ver']}", key)
            elif steps == 0 and view["state"] != old["state"]:
                yield Finding("state", f"{where} has two contents in version {view['ver']}", key)
            if steps == 1 and key and key not in old["keys"]:
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


def _is_outcome(row: Row) -> bool:
    """Whether an answer is the app's final word: not the kit's refusal, nothing that may be tried again."""
    return not row["problem"] and row["status"] < 500 and row["status"] not in (408, 425, 429)


def _changes_of(key: str, commit: Row) -> dict[Place, _Changes]:
    """What one commit, if it was applied, has done to each record."""
    found: dict[Place, _Changes] = defaultdict(_Changes)
    seen: dict[Any, int] = {tuple(place): version for *place, version in commit["reads"]}
    for scope, owner, collection, name, value in commit["writes"]:
        place = (scope, owner, collection, name)
        if value is not None:  # a delete makes no version
            found[place].keys.append(key)
            found[place].puts.append((key, value, seen.get(place)))
    for scope, owner, collection, name, member, by in commit["increments"]:
        place = (scope, owner, collection, name)
        found[place].keys.append(key)
        found[place].added[member] += by
    return found


def _name(place: Sequence[Any]) -> str:
    scope, owner, collection, name = place
    return f"{collection}/{name}" + (f" of {owner}" if scope == "user" else "")
