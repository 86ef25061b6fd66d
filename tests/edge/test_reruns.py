"""Whether a handler runs once more."""

from __future__ import annotations

from edge.errors import Problem
from edge.reruns import CONFLICTS, Reruns
from edge.wire import RecordKey

TEA = ["shared", "stock", "tea", "left"]


def test_conflicts_end_after_some_runs() -> None:
    reruns = Reruns()
    allowed = [reruns.allows(Problem("version-conflict")) for _ in range(CONFLICTS)]
    assert allowed == [True] * (CONFLICTS - 1) + [False]


def test_floors_do_not_count_as_conflicts_and_are_remembered() -> None:
    reruns = Reruns()
    for number in range(2 * CONFLICTS):
        assert reruns.allows(Problem("floor-reached", reached=[[*TEA[:3], f"left-{number}"]]))
    assert reruns.conflicts == 0
    assert (RecordKey("shared", "stock", "tea"), "left-0") in reruns.refused


def test_floor_that_was_told_before_is_no_news() -> None:
    reruns = Reruns()
    assert reruns.allows(Problem("floor-reached", reached=[TEA]))
    assert not reruns.allows(Problem("floor-reached", reached=[TEA]))
    assert not Reruns().allows(Problem("floor-reached"))


def test_nothing_else_is_run_again() -> None:
    assert not Reruns().allows(Problem("origin-unavailable"))
