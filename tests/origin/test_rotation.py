"""The rule for refresh tokens, case by case. What follows from it is in test_sessions.py."""

from __future__ import annotations

import itertools

import pytest

from origin.rotation import CHILDREN, GRACE, STRAYS, Family, Token, Verdict, is_confirmed, judge

CONFIRMED, SIBLING = b"confirmed", b"sibling"
AT = 1_800_000_000
FAMILY = Family(generation=5, confirmed=CONFIRMED, confirmed_at=AT, jkt=None, bound_at=0, children=1)
SOON, LATE = AT + GRACE - 1, AT + GRACE
NEWEST = Token(6, SIBLING, proven=False, strays=0)


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
    token = Token(generation, digest, proven=False, strays=0)
    assert judge(FAMILY, token, None, SOON) is soon
    assert judge(FAMILY, token, None, LATE) is late
    assert is_confirmed(FAMILY, token) is ((generation, digest) == (5, CONFIRMED))


def test_the_first_token_of_all_is_confirmed():
    new = FAMILY._replace(generation=0, confirmed=b"")
    assert judge(new, NEWEST._replace(generation=1), None, LATE) is Verdict.CONFIRM


@pytest.mark.parametrize(
    ("bound_to", "bound_at", "proved", "verdict"),
    [
        (None, 0, None, Verdict.CONFIRM),
        (None, 0, "a", Verdict.CONFIRM),
        ("a", 0, "a", Verdict.CONFIRM),
        ("a", AT, "a", Verdict.CONFIRM),
        ("a", 0, None, Verdict.REFUSE),
        ("a", AT, None, Verdict.REVOKE),
        ("a", AT + 1, None, Verdict.REFUSE),
        ("a", 0, "b", Verdict.REFUSE),
        ("a", AT, "b", Verdict.REVOKE),
        ("a", AT + 1, "b", Verdict.REVOKE),
    ],
)
def test_by_device_key(bound_to, bound_at, proved, verdict):
    """case T3: whoever binds a session late may be a thief, and the user may have no key at all."""
    assert judge(FAMILY._replace(jkt=bound_to, bound_at=bound_at), NEWEST, proved, LATE) is verdict


def test_what_the_device_was_given_may_come_without_a_proof_and_ends_nothing():
    """A forced reload goes around the service worker."""
    bound = FAMILY._replace(jkt="a", bound_at=AT)
    for generation in range(1, 7):
        token = NEWEST._replace(generation=generation, proven=True)
        assert judge(bound, token, None, LATE + 9_999) is Verdict.REFUSE


def test_a_thief_who_keeps_renewing_does_not_keep_the_grace_open():
    """case T3: it counts from the binding, not from the newest token."""
    bound = FAMILY._replace(jkt="thief", bound_at=AT, confirmed_at=LATE)
    assert judge(bound, NEWEST._replace(generation=4), None, LATE) is Verdict.REVOKE


@pytest.mark.parametrize("generation", [4, 5])
def test_who_always_comes_second_is_somebody_else(generation):
    """case T11"""
    token = NEWEST._replace(generation=generation, strays=STRAYS - 1)
    assert judge(FAMILY, token, None, SOON) is Verdict.REPEAT
    assert judge(FAMILY, token._replace(strays=STRAYS), None, SOON) is Verdict.REVOKE
    assert judge(FAMILY, token._replace(generation=6, strays=STRAYS), None, SOON) is Verdict.CONFIRM


def test_without_the_key_even_a_token_of_long_ago_does_not_end_a_bound_session():
    for generation, digest, now in itertools.product(range(1, 7), (CONFIRMED, SIBLING), (SOON, LATE)):
        for proved, proven in itertools.product((None, "thief"), (False, True)):
            token = Token(generation, digest, proven, strays=0)
            assert judge(FAMILY._replace(jkt="a"), token, proved, now) is Verdict.REFUSE


def test_who_never_keeps_the_child_gets_no_more_of_them():
    full = FAMILY._replace(children=CHILDREN)
    confirmed = Token(5, CONFIRMED, proven=False, strays=0)
    assert judge(FAMILY._replace(children=CHILDREN - 1), confirmed, None, LATE) is Verdict.REPEAT
    assert judge(full, confirmed, None, LATE) is Verdict.REVOKE
    assert judge(full, NEWEST._replace(generation=4), None, SOON) is Verdict.REVOKE
    assert judge(full, NEWEST, None, LATE) is Verdict.CONFIRM  # one of the many is used at last


def test_a_clock_that_was_set_back_raises_no_alarm():
    assert judge(FAMILY, NEWEST._replace(generation=4), None, AT - 3600) is Verdict.REPEAT
