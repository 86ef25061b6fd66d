"""Whether a handler runs once more, and when (case C1)."""

from __future__ import annotations

from edge.errors import Problem
from edge.reruns import FIRST_PAUSE, FLOORS, LONGEST_PAUSE, Reruns, final
from edge.wire import RecordKey

TEA = ["shared", "stock", "tea", "left"]
CONFLICT = Problem("version-conflict")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def reruns(patience: float = 10.0, chance: float = 1.0, clock: Clock | None = None) -> Reruns:
    return Reruns(patience, clock or Clock(), lambda: chance)


def test_conflicts_end_with_the_time_that_is_given_to_them_and_not_with_their_number() -> None:
    clock = Clock()
    runs = reruns(10.0, chance=0.0, clock=clock)
    for _ in range(1000):
        assert runs.pause(CONFLICT) == 0.0
    clock.now = 9.9
    assert runs.pause(CONFLICT) is not None
    clock.now = 10.0
    assert runs.pause(CONFLICT) is None


def test_pauses_grow_up_to_a_limit_and_differ_by_chance() -> None:
    runs = reruns(100.0)
    pauses = [runs.pause(CONFLICT) for _ in range(8)]
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses[-1] == LONGEST_PAUSE
    assert reruns(chance=0.25).pause(CONFLICT) == FIRST_PAUSE / 4


def test_pauses_count_as_time_even_if_the_timer_stands_still() -> None:
    runs = reruns(1.0)
    pauses = []
    while (pause := runs.pause(CONFLICT)) is not None:
        pauses.append(pause)
    assert abs(sum(pauses) - 1.0) < 1e-9


def test_whoever_has_the_turn_does_not_wait() -> None:
    assert reruns().pause(Problem("version-conflict", turn=True)) == 0.0


def test_floors_do_not_count_as_conflicts_and_are_remembered() -> None:
    runs = reruns()
    for number in range(FLOORS - 1):
        assert runs.pause(Problem("floor-reached", reached=[[*TEA[:3], f"left-{number}"]])) == 0.0
    assert (RecordKey("shared", "stock", "tea"), "left-0") in runs.refused
    assert runs.pause(Problem("floor-reached", reached=[[*TEA[:3], "one more"]])) is None


def test_floor_that_was_told_before_is_no_news() -> None:
    runs = reruns()
    assert runs.pause(Problem("floor-reached", reached=[TEA])) == 0.0
    assert runs.pause(Problem("floor-reached", reached=[TEA])) is None
    assert reruns().pause(Problem("floor-reached")) is None


def test_nothing_else_is_run_again() -> None:
    assert reruns().pause(Problem("origin-unavailable")) is None


def test_a_conflict_that_lasts_is_no_conflict_for_the_client_but_a_later_try() -> None:
    told = final(CONFLICT)
    assert (told.code, told.status, told.kind.retryable) == ("overloaded", 503, True)
    assert int(told.headers["Retry-After"]) > 0
    assert final(Problem("floor-reached")).code == "floor-reached"
