"""How often a name may be tried."""

from __future__ import annotations

import pytest
from shop.attempts import MOST, PAUSE, ROOM, Failures


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def failures(now):
    return Failures(lambda: now[0])


def test_after_so_many_failures_the_name_has_to_wait(failures, now):
    for _ in range(MOST):
        assert failures.wait("ann") == 0
        failures.note("ann")
    assert (failures.wait("ann"), failures.wait("bob")) == (PAUSE, 0)
    now[0] = PAUSE - 0.1
    assert failures.wait("ann") == 1
    now[0] = PAUSE
    assert failures.wait("ann") == 0
    failures.note("ann")
    assert failures.wait("ann") == 0


def test_failures_with_long_pauses_do_not_add_up(failures, now):
    for _ in range(2 * MOST):
        failures.note("ann")
        now[0] += PAUSE
    assert failures.wait("ann") == 0


def test_it_remembers_so_many_names_and_no_more(failures):
    for number in range(ROOM):
        failures.note(str(number))
    for _ in range(MOST):
        failures.note("0")
    failures.note("one more")
    assert len(failures._seen) == ROOM
    assert failures.wait("0") == PAUSE
    assert "1" not in failures._seen
