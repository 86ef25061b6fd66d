"""The rule for refresh tokens, case by case. What follows from it is in test_sessions.py."""

from __future__ import annotations

import itertools

import pytest

from origin.rotation import CHILDREN, GRACE, Family, Verdict, judge

CONFIRMED, SIBLING = b"confirmed", b"sibling"
AT = 1_800_000_000
FAMILY = Family(generation=5, confirmed=CONFIRMED, confirmed_at=AT, jkt=None, bound_late=False, children=1)
SOON, LATE = AT + GRACE - 1, AT + GRACE


@pytest.mark.parametrize(
    ("generation", "digest", "soon", "late"),
    [
        (6, SIBLING, Verdict.CONFIRM, Verdict.CONFIRM),
        (5, CONFIRMED, Verdict.REPEAT, Verdict.REPEAT),
        (5, SIBLING, Verdict.REPEAT, Verdict.REVOKE),
        (4, SIBLING, Verdict.REPEAT, Verdict.REVOKE),
        (3, SIBLING, Verdict.REVOKE, Verdict.REVOKE),
        (1, SIBLING, Verdict.REVOKE, Verdict.REVOKE),
    ],
)
def test_by_generation_and_time(generation, digest, soon, late):
    assert judge(FAMILY, generation, digest, None, SOON) is soon
    assert judge(FAMILY, generation, digest, None, LATE) is late


def test_the_first_token_of_all_is_confirmed():
    assert judge(FAMILY._replace(generation=0, confirmed=b""), 1, SIBLING, None, LATE) is Verdict.CONFIRM


@pytest.mark.parametrize(
    ("bound_to", "late", "proved", "verdict"),
    [
        (None, False, None, Verdict.CONFIRM),
        (None, False, "a", Verdict.CONFIRM),
        ("a", False, "a", Verdict.CONFIRM),
        ("a", True, "a", Verdict.CONFIRM),
        ("a", False, None, Verdict.REFUSE),
        ("a", True, None, Verdict.REFUSE),
        ("a", False, "b", Verdict.REFUSE),
        ("a", True, "b", Verdict.REVOKE),
    ],
)
def test_by_device_key(bound_to, late, proved, verdict):
    assert judge(FAMILY._replace(jkt=bound_to, bound_late=late), 6, SIBLING, proved, LATE) is verdict


def test_without_the_key_even_a_token_of_long_ago_does_not_end_a_bound_session():
    for generation, digest, now in itertools.product(range(1, 7), (CONFIRMED, SIBLING), (SOON, LATE)):
        for proved in (None, "thief"):
            assert judge(FAMILY._replace(jkt="a"), generation, digest, proved, now) is Verdict.REFUSE


def test_who_never_keeps_the_child_gets_no_more_of_them():
    full = FAMILY._replace(children=CHILDREN)
    assert judge(FAMILY._replace(children=CHILDREN - 1), 5, CONFIRMED, None, LATE) is Verdict.REPEAT
    assert judge(full, 5, CONFIRMED, None, LATE) is Verdict.REVOKE
    assert judge(full, 4, SIBLING, None, SOON) is Verdict.REVOKE
    assert judge(full, 6, SIBLING, None, LATE) is Verdict.CONFIRM  # one of the many is used at last


def test_a_clock_that_was_set_back_raises_no_alarm():
    assert judge(FAMILY, 4, SIBLING, None, AT - 3600) is Verdict.REPEAT
