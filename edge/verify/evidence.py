"""What a history says about one idempotency key, and about one record. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .history import Row

Place = tuple[str, str, str, str]  # scope, owner, collection, id
KEPT = 7 * 86_400  # seconds; so long origins remember a key at least


@dataclass
class Evidence:
    """The rows about one key. `is_vague`: it is so old that the origin may have forgotten it, and nobody saw
    whether it was applied."""

    ops: list[int] = field(default_factory=list)
    commits: list[Row] = field(default_factory=list)
    verdicts: list[Row] = field(default_factory=list)
    answers: list[Row] = field(default_factory=list)
    outcomes: list[Row] = field(default_factory=list)
    is_vague: bool = False

    def recall(self, end: float) -> None:
        """Put back an outcome that may have been forgotten before `end`, from what the origin said once."""
        if self.outcomes or not self.commits or self.commits[0]["at"] > end - KEPT:
            return
        told = [row for row in self.verdicts if row["status"] == 200]
        calls = {row["call"]: row for row in self.commits}
        found = next((calls[row["call"]] for row in told if not row["replayed"]), None)
        found = found or next(
            (row for row in self.commits if told and row["digest"] == told[0]["digest"]), None
        )
        if found is not None:
            self.outcomes.append(found)
        else:
            judged = {row["call"] for row in self.verdicts}
            self.is_vague = any(row["call"] not in judged for row in self.commits)

    def applied(self) -> list[Row]:
        """The commits of which one was applied: one, if the history tells which, several if not, and none
        if there was no effect."""
        if self.is_vague:
            return self.commits
        if not self.outcomes:
            return []
        verdicts = {row["call"]: row for row in self.verdicts}
        first = [row for row in self.commits if verdicts.get(row["call"], {}).get("replayed") is False]
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
class Changes:
    """What commits have done to one record: each put its digest and the version it was based on, if the
    commit had read it, and what was added to numbers."""

    keys: list[str] = field(default_factory=list)  # one for each version
    puts: list[tuple[str, str, int | None]] = field(default_factory=list)
    added: Counter[str] = field(default_factory=Counter)

    def add(self, other: Changes) -> None:
        self.keys += other.keys
        self.puts += other.puts
        for name, by in other.added.items():
            self.added[name] += by

    def contradictions(self, row: Row) -> Iterator[tuple[str, str]]:
        """What is wrong with the record as it is stored: a predicate, and the key that leads to it."""
        newest = self.keys[-1] if self.keys else ""
        if len(self.keys) != row["version"]:
            yield f"has version {row['version']}, and was written {len(self.keys)} times", newest
        bases = Counter(base for _, _, base in self.puts if base)
        for base, count in bases.items():
            if count > 1:
                key = next(key for key, _, found in self.puts if found == base)
                yield f"was written by {count} commits that had read version {base}", key
        last = [value for _, value, base in self.puts if base is not None and base == row["version"] - 1]
        if row["value"] is not None and last and row["value"] not in last:
            yield "is not what its last commit wrote", newest
        for member, total in self.added.items():
            found = row["numbers"].get(member)
            if not self.puts and found != total:
                yield f"has {found} as {member}, and {total} was added", newest


def changes_of(key: str, commit: Row) -> dict[Place, Changes]:
    """What one commit, if it was applied, has done to each record."""
    found: dict[Place, Changes] = defaultdict(Changes)
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


def name_of(place: Sequence[Any]) -> str:
    """A record as findings call it."""
    scope, owner, collection, name = place
    return f"{collection}/{name}" + (f" of {owner}" if scope == "user" else "")
