"""The write path under every fault that hypothesis can think of: each effect once, each key one answer."""

from __future__ import annotations

import os
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from edge import conditional
from edge.errors import Problem
from edge.types import Principal

from .write_path import BUGS, NOTE, Edge, Lost, Origin, Outbox, Row

STEPS = int(os.environ.get("EDGEKIT_STEPS", "100000"))
LENGTH = 50  # steps of one history
USERS = ("ann", "bob")
CLIENTS = {user: user.ljust(22, "_") for user in USERS}
OLD = 9 * 86_400  # seconds after which every key is due to be forgotten
CRASHES = st.sampled_from(["no", "no", "no", "before", "after"])


class WritePath(RuleBasedStateMachine):
    """`parts` replaces origin, edge or outbox by one with a bug."""

    parts: ClassVar[dict[str, Any]] = {}

    @initialize()
    def begin(self) -> None:
        self.origin = self.parts.get("origin", Origin)()
        self.edge = self.parts.get("edge", Edge)(self.origin)
        self.outboxes = {user: self.parts.get("outbox", Outbox)() for user in USERS}
        self.made: list[Row] = []
        self.on_the_way: list[tuple[Row, bytes]] = []
        self.serial = 0

    def _add(self, user: str, key: str, kind: Any) -> None:
        self.serial += 1
        seen = self.origin.read(Principal(user), NOTE)
        tag = conditional.etag(seen[1]) if kind == "note" and seen else None
        at = self.origin.now if key.startswith("foreign") else None
        row = Row(user, key, kind, str(self.serial), tag, at)
        self.made.append(row)
        self.outboxes[user].rows.append(row)

    @rule(user=st.sampled_from(USERS), kind=st.sampled_from(["count", "note"]))
    def act(self, user: str, kind: str) -> None:
        """The user presses a button; the key is the kit's own, in order."""
        self._add(user, f"{CLIENTS[user]}.{self.serial}", kind)

    @rule(kind=st.sampled_from(["count", "note"]))
    def act_under_one_key(self, kind: str) -> None:
        """Two users whose pages have the same key."""
        for user in USERS:
            self._add(user, f"foreign-key-{self.serial:06}", kind)
            self.serial -= 1
        self.serial += 1

    @rule(user=st.sampled_from(USERS), crash=CRASHES)
    def flush(self, user: str, crash: Any) -> None:
        self.outboxes[user].flush_one(lambda row: self.edge.settle(row, None, crash))

    @rule(user=st.sampled_from(USERS))
    def linger(self, user: str) -> None:
        """An edge runs the handler; its commit is on the way for a long time, or twice."""
        if self.outboxes[user].rows:
            row = self.outboxes[user].rows[0]
            try:
                self.on_the_way.append((row, self.edge.run(row)))
            except Problem:
                return

    @precondition(lambda self: self.on_the_way)
    @rule(data=st.data(), crash=CRASHES)
    def arrive(self, data: st.DataObject, crash: Any) -> None:
        """Something that was sent before arrives, perhaps not for the first time; nobody hears the answer."""
        row, body = data.draw(st.sampled_from(self.on_the_way))
        try:
            self.edge.settle(row, body, crash)
        except Lost:
            return

    @rule(user=st.sampled_from(USERS), crash=CRASHES)
    def deaf(self, user: str, crash: Any) -> None:
        """The request gets through, the answer does not."""

        def send(row: Row) -> Any:
            self.edge.settle(row, None, crash)
            raise Lost

        self.outboxes[user].flush_one(send)

    @rule(seconds=st.sampled_from([60, OLD]))
    def wait(self, seconds: int) -> None:
        self.origin.now += seconds

    @invariant()
    def each_effect_once(self) -> None:
        if not hasattr(self, "origin"):
            return
        executed = self.origin.executed
        assert all(times == 1 for times in executed.values()), f"done twice: {executed}"
        assert self.origin.effects() == len(executed), "effects and keys differ"
        for outbox in self.outboxes.values():
            for row, verdict in outbox.verdicts.items():
                done = (row.user, row.key) in executed
                if verdict.body == b"idempotency-key-expired":
                    continue  # nobody can tell any more, and nothing was done again
                assert verdict.applied == done, f"{row} was told {verdict}, done: {done}"
                if verdict.applied:
                    assert verdict.body == f"{row.key} {row.text}".encode(), "somebody else's answer"

    def teardown(self) -> None:
        """In the end the network is well, and every outbox empties."""
        if not hasattr(self, "origin"):
            return
        for outbox in self.outboxes.values():
            for _ in range(len(outbox.rows)):
                outbox.flush_one(lambda row: self.edge.settle(row, None, "no"))
            assert not outbox.rows
        told = {row for outbox in self.outboxes.values() for row in outbox.verdicts}
        assert told == set(self.made), "somebody never learnt what became of a request"
        self.each_effect_once()
        self.origin.connection.close()


def explore(parts: dict[str, Any], steps: int, **options: Any) -> None:
    machine = type("Machine", (WritePath,), {"parts": parts})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=max(1, steps // LENGTH),
            stateful_step_count=LENGTH,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
            **options,
        ),
    )


def test_every_effect_happens_once() -> None:
    explore({}, STEPS)


@pytest.mark.parametrize("bug", BUGS)
def test_planted_bug_is_found(bug: str) -> None:
    with pytest.raises(AssertionError):
        explore(BUGS[bug], 50_000, phases=[Phase.generate], derandomize=True)
