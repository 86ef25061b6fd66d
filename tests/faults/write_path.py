"""A small world in which writes go from an outbox through an edge to the origin, and everything fails.

The origin's transaction, the wire format and the memory of keys are the real ones, over SQLite in memory;
outbox and edge are as short as their rules. Each has its seams where a planted bug can sit (see `BUGS`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import apsw

from edge import conditional
from edge.errors import Problem
from edge.intake import LONGEST_WAIT
from edge.types import Principal
from edge.wire import (
    Commit,
    Increment,
    Outcome,
    Read,
    RecordKey,
    StoredResponse,
    Write,
    decode_commit,
    decode_outcome,
    encode_commit,
    encode_outcome,
    fingerprint,
)
from origin import commits, outcomes, schema

TOTAL = RecordKey("shared", "totals", "effects")
NOTE = RecordKey("user", "notes", "one")
Crash = Literal["no", "before", "after"]  # of the origin: before or after it has committed
Kind = Literal["count", "note"]


class Row(NamedTuple):
    """A request in an outbox. `seen`: the tag of the note that its author had before their eyes."""

    user: str
    key: str
    kind: Kind
    text: str
    seen: str | None
    at: float | None  # when it was made, where a browser says so (`Edgekit-Time`)

    @property
    def mark(self) -> str:
        return fingerprint("POST", f"/{self.kind}", [], f"{self.text}\0{self.seen}".encode())


class Verdict(NamedTuple):
    """`applied` also for a replay: the effect is there."""

    applied: bool
    body: bytes


class Lost(Exception):
    """No answer came."""


class Origin:
    """One process over one database; a crash loses what was not committed."""

    def __init__(self) -> None:
        self.connection = apsw.Connection(":memory:")
        schema.migrate(self.connection)
        self.now = 1_767_225_600.0
        self.executed: dict[tuple[str, str], int] = {}

    def commit(self, principal: Principal, key: str, body: bytes, crash: Crash) -> bytes:
        commit = decode_commit(body)
        answer = encode_outcome(Outcome(True, commit.response))
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            with self.connection:
                outcome = self.apply(principal, key, commit, answer)
        except Problem:
            self.connection.execute("COMMIT")
            raise
        if crash == "before":
            self.connection.execute("ROLLBACK")
            raise Lost
        self.connection.execute("COMMIT")
        self.committed(principal, key, outcome)
        if crash == "after":
            raise Lost
        return encode_outcome(outcome)

    def apply(self, principal: Principal, key: str, commit: Commit, answer: bytes) -> Outcome:
        return commits.apply(self.connection, principal, key, commit, answer, self.now)

    def committed(self, principal: Principal, key: str, outcome: Outcome) -> None:
        if not outcome.replayed:
            place = principal.subject, key
            self.executed[place] = self.executed.get(place, 0) + 1

    def outcome(self, principal: Principal, key: str, mark: str) -> bytes | None:
        found = outcomes.find(self.connection, principal.subject, key, mark)
        return None if found is None else encode_outcome(found)

    def read(self, principal: Principal, key: RecordKey) -> tuple[int, dict[str, Any]] | None:
        row = self.connection.execute(
            "SELECT version, value FROM record WHERE scope = ? AND owner = ? AND collection = ? AND id = ?",
            commits.place(principal.subject, key),
        ).fetchone()
        return None if row is None else (row[0], json.loads(row[1]))

    def effects(self) -> int:
        found = self.read(Principal("nobody"), TOTAL)
        return found[1]["n"] if found else 0


class Edge:
    """Runs the app: keeps nothing between two calls."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin

    def run(self, row: Row) -> bytes:
        """The commit that the handler asks for. Raises `Problem("precondition-failed")`."""
        principal = Principal(row.user)
        reads: tuple[Read, ...] = ()
        writes: tuple[Write, ...] = ()
        if row.kind == "note":
            found = self.origin.read(principal, NOTE)
            reads = (Read(NOTE, found[0] if found else 0),)
            now = conditional.etag(found[1]) if found else None
            if row.seen != now:
                raise Problem("precondition-failed")
            writes = (Write(NOTE, {"text": row.text, "key": row.key}),)
        response = StoredResponse(200, (), f"{row.key} {row.text}".encode())
        return encode_commit(Commit(row.mark, reads, writes, response, (Increment(TOTAL, "n", 1, None),)))

    def settle(self, row: Row, body: bytes | None, crash: Crash) -> Verdict:
        """Send a commit that was prepared a while ago (None: just now), again if its reads have changed."""
        principal = Principal(row.user)
        if row.at is not None and row.at < self.origin.now - LONGEST_WAIT:
            return Verdict(False, b"idempotency-key-expired")
        for _ in range(4):
            try:
                body = body or self.run(row)
                return self.verdict(self.origin.commit(principal, row.key, body, crash))
            except Problem as problem:
                if problem.code != "version-conflict":
                    return self.failed(row, problem)
                body = None
        raise Lost

    def failed(self, row: Row, problem: Problem) -> Verdict:
        """A retry may fail on what its first run has changed: the key counts before the condition."""
        if problem.code == "precondition-failed":
            try:
                earlier = self.origin.outcome(Principal(row.user), row.key, row.mark)
            except Problem as forgotten:
                return Verdict(False, forgotten.code.encode())
            if earlier is not None:
                return self.verdict(earlier)
        return Verdict(False, problem.code.encode())

    @staticmethod
    def verdict(reply: bytes) -> Verdict:
        return Verdict(True, decode_outcome(reply).response.body)


@dataclass
class Outbox:
    """What one user has done and no edge has confirmed, in order."""

    rows: list[Row] = field(default_factory=list)
    verdicts: dict[Row, Verdict] = field(default_factory=dict)

    def flush_one(self, send: Callable[[Row], Verdict]) -> None:
        if self.rows:
            row = self.rows[0]
            try:
                self.verdicts[row] = send(row)
            except Lost:
                return
            self.rows.remove(row)


# Planted bugs: each is a way in which such a system is often wrong.


class SecondTransaction(Origin):
    """The key is stored in a transaction after that of the effect."""

    def commit(self, principal: Principal, key: str, body: bytes, crash: Crash) -> bytes:
        commit = decode_commit(body)
        answer = encode_outcome(Outcome(True, commit.response))
        earlier = outcomes.recall(self.connection, principal.subject, key, commit.fingerprint)
        if earlier is not None:
            return encode_outcome(earlier)
        effect = Commit(commit.fingerprint, commit.reads, commit.writes, commit.response, commit.increments)
        hidden = f"hidden-key-{len(self.executed):06}-{self.connection.total_changes()}"
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            with self.connection:
                outcome = commits.apply(self.connection, principal, hidden, effect, answer, self.now)
        finally:
            self.connection.execute("COMMIT")
        self.committed(principal, key, outcome)
        if crash == "before":
            raise Lost
        outcomes.remember(self.connection, principal.subject, key, commit.fingerprint, answer, self.now)
        if crash == "after":
            raise Lost
        return encode_outcome(outcome)


class KeysOfEverybody(Origin):
    """The key is not scoped to the user."""

    def apply(self, principal: Principal, key: str, commit: Commit, answer: bytes) -> Outcome:
        found = self.connection.execute(
            "SELECT answer FROM outcome WHERE key = ? AND subject <> ?", (key, principal.subject)
        ).get
        return decode_outcome(found) if found else super().apply(principal, key, commit, answer)


class EarlyReply(Origin):
    """The answer leaves before the transaction is durable."""

    def commit(self, principal: Principal, key: str, body: bytes, crash: Crash) -> bytes:
        try:
            return super().commit(principal, key, body, crash)
        except Lost:
            return encode_outcome(Outcome(False, decode_commit(body).response))


class NoFloor(Origin):
    """A key that was pruned is taken for a new one."""

    def apply(self, principal: Principal, key: str, commit: Commit, answer: bytes) -> Outcome:
        self.connection.execute("DELETE FROM client_floor")
        return super().apply(principal, key, commit, answer)


class ConditionFirst(Edge):
    """The precondition is judged before the key."""

    def failed(self, row: Row, problem: Problem) -> Verdict:
        return Verdict(False, problem.code.encode())


class DeletedTooEarly(Outbox):
    """The row goes when it is sent, not when its verdict is there."""

    def flush_one(self, send: Callable[[Row], Verdict]) -> None:
        if self.rows:
            row = self.rows.pop(0)
            try:
                self.verdicts[row] = send(row)
            except Lost:
                return


BUGS: dict[str, dict[str, type]] = {
    "key stored in a second transaction": {"origin": SecondTransaction},
    "key not scoped to the user": {"origin": KeysOfEverybody},
    "precondition before key": {"edge": ConditionFirst},
    "reply before commit": {"origin": EarlyReply},
    "pruned key run again": {"origin": NoFloor},
    "row deleted before the verdict": {"outbox": DeletedTooEarly},
}
