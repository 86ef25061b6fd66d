"""Answers are forgotten in order, a few at a time, and what was forgotten is never done twice."""

from __future__ import annotations

from contextlib import closing

import apsw
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge.errors import Problem
from edge.intake import LONGEST_WAIT
from edge.wire import Outcome, StoredResponse, encode_outcome
from origin import outcomes
from origin.outcomes import FOREIGN_KEPT, KEPT, STEPS
from origin.schema import MIGRATIONS, migrate

NOW = 1_800_000_000
CLIENT = "AAAAAAAAAAAAAAAAAAAAAA"
OUTCOME = Outcome(True, StoredResponse(200, (), b"done"))
ANSWER = encode_outcome(OUTCOME)
MARK = "0" * 64


@pytest.fixture
def connection():
    with closing(apsw.Connection(":memory:")) as connection:
        migrate(connection)
        yield connection


def remember(connection, key, now=NOW, subject="ann"):
    assert outcomes.recall(connection, subject, key, MARK) is None
    outcomes.remember(connection, subject, key, MARK, ANSWER, now)


def keys(connection):
    return [key for (key,) in connection.execute("SELECT key FROM outcome ORDER BY rowid")]


def prune_all(connection, now):
    for _ in range(1 + len(keys(connection)) // STEPS):
        outcomes.prune(connection, now)


def refusal(connection, key, subject="ann", mark=MARK):
    with pytest.raises(Problem) as caught:
        outcomes.recall(connection, subject, key, mark)
    return caught.value.code


def test_what_is_remembered_is_recalled_by_the_same_request_only(connection):
    remember(connection, f"{CLIENT}.1")
    assert outcomes.recall(connection, "ann", f"{CLIENT}.1", MARK) == OUTCOME
    assert outcomes.find(connection, "ann", f"{CLIENT}.1") == OUTCOME
    assert outcomes.find(connection, "bob", f"{CLIENT}.1") is None
    assert refusal(connection, f"{CLIENT}.1", mark="1" * 64) == "key-reused"


def test_keys_of_the_kit_are_kept_for_a_week_and_others_for_longer_than_outboxes_wait(connection):
    remember(connection, f"{CLIENT}.1")
    remember(connection, "a-random-key-of-a-stranger")
    outcomes.prune(connection, NOW + KEPT - 1)
    assert len(keys(connection)) == 2
    outcomes.prune(connection, NOW + KEPT)
    assert keys(connection) == ["a-random-key-of-a-stranger"]
    outcomes.prune(connection, NOW + FOREIGN_KEPT - 1)
    assert len(keys(connection)) == 1
    outcomes.prune(connection, NOW + FOREIGN_KEPT)
    assert keys(connection) == []
    assert FOREIGN_KEPT > LONGEST_WAIT


def test_a_pruned_key_and_all_before_it_are_never_executed_again(connection):
    remember(connection, f"{CLIENT}.7")
    outcomes.prune(connection, NOW + KEPT)
    for number in ("7", "07", "3", "0"):
        assert refusal(connection, f"{CLIENT}.{number}") == "idempotency-key-expired"
    assert outcomes.recall(connection, "ann", f"{CLIENT}.8", MARK) is None
    assert outcomes.recall(connection, "bob", f"{CLIENT}.7", MARK) is None  # another user's client
    assert outcomes.recall(connection, "ann", f"B{CLIENT[1:]}.7", MARK) is None  # another client


def test_a_stranger_may_use_a_pruned_key_anew(connection):
    remember(connection, "a-random-key-of-a-stranger")
    outcomes.prune(connection, NOW + FOREIGN_KEPT)
    remember(connection, "a-random-key-of-a-stranger")


def test_a_number_that_came_late_holds_up_those_after_it_and_nobody_else(connection):
    other = "B" * 22
    remember(connection, f"{CLIENT}.5", NOW)
    remember(connection, f"{CLIENT}.3", NOW + 100)
    remember(connection, f"{other}.1", NOW + 50)
    prune_all(connection, NOW + KEPT + 99)
    assert keys(connection) == [f"{CLIENT}.5", f"{CLIENT}.3"]
    assert outcomes.recall(connection, "ann", f"{CLIENT}.4", MARK) is None  # not executed, not refused
    prune_all(connection, NOW + KEPT + 100)
    assert keys(connection) == []
    assert refusal(connection, f"{CLIENT}.4") == "idempotency-key-expired"


def test_each_commit_does_a_bounded_part(connection):
    for number in range(3 * STEPS):
        remember(connection, f"{CLIENT}.{number}")
    outcomes.prune(connection, NOW + KEPT)
    assert len(keys(connection)) == 2 * STEPS


@pytest.mark.parametrize(
    ("key", "is_kits"),
    [
        (f"{CLIENT}.1", True),
        (f"{CLIENT}.{'9' * 15}", True),
        (f"{CLIENT}.{'9' * 16}", False),
        (f"{CLIENT}.", False),
        (f"{CLIENT}.1a", False),
        (f"{CLIENT}A.1", False),
        (f"{CLIENT[1:]}.1", False),
        (f"{CLIENT[1:]}..1", False),
        ("invoice.2026-000001", False),
    ],
)
def test_which_keys_are_the_kits(connection, key, is_kits):
    remember(connection, key)
    outcomes.prune(connection, NOW + KEPT)
    assert keys(connection) == ([] if is_kits else [key])


def test_answers_from_before_there_was_pruning_are_pruned_too(connection):
    with closing(apsw.Connection(":memory:")) as old:
        migrate(old, MIGRATIONS[:1])
        for key in (f"{CLIENT}.12", "a-random-key-of-a-stranger", f"{CLIENT}.1a", f"{CLIENT[1:]}..1"):
            old.execute("INSERT INTO outcome VALUES ('ann', ?, ?, ?, ?)", (key, MARK, ANSWER, NOW))
        migrate(old)
        assert outcomes.recall(old, "ann", f"{CLIENT}.12", MARK) == OUTCOME
        rows = old.execute("SELECT key, client, seq, due FROM outcome ORDER BY rowid").fetchall()
        assert rows == [
            (f"{CLIENT}.12", CLIENT, 12, NOW + KEPT),
            ("a-random-key-of-a-stranger", None, None, NOW + KEPT),
            (f"{CLIENT}.1a", None, None, NOW + KEPT),
            (f"{CLIENT[1:]}..1", None, None, NOW + KEPT),
        ]


class Retries(RuleBasedStateMachine):
    """Clients that send numbers late, twice and out of order, while time goes by."""

    def __init__(self) -> None:
        super().__init__()
        self.connection = apsw.Connection(":memory:")
        migrate(self.connection)
        self.now = NOW
        self.executed: dict[str, int] = {}

    @rule(client=st.sampled_from("AB"), number=st.integers(1, 12))
    def send(self, client: str, number: int) -> None:
        key = f"{client * 22}.{number}"
        try:
            found = outcomes.recall(self.connection, "ann", key, MARK)
        except Problem:
            assert refusal(self.connection, key) == "idempotency-key-expired"
            return
        assert (found is not None) <= (key in self.executed)
        if found is None:
            assert key not in self.executed, "executed twice"
            self.executed[key] = self.now
            outcomes.remember(self.connection, "ann", key, MARK, ANSWER, self.now)
        outcomes.prune(self.connection, self.now)

    @rule(seconds=st.sampled_from([1, 3600, KEPT // 3, KEPT - 1, KEPT]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @precondition(lambda self: self.executed)
    @invariant()
    def nothing_is_forgotten_early(self) -> None:
        known = set(keys(self.connection))
        assert known >= {key for key, at in self.executed.items() if self.now - at < KEPT}

    @invariant()
    def everything_is_forgotten_in_the_end(self) -> None:
        prune_all(self.connection, self.now)
        latest = max(self.executed.values(), default=0)
        if self.now >= latest + KEPT:
            assert keys(self.connection) == []

    def teardown(self) -> None:
        self.connection.close()


Retries.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestRetries = Retries.TestCase
