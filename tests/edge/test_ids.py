"""Names that the kit makes."""

from __future__ import annotations

import re

from edge.ids import base32, bound_key, new_sid, numbered
from edge.wire import is_key, is_name


def test_session_ids_are_128_random_bits() -> None:
    assert new_sid(lambda size: bytes(range(size))) == "AAECAwQFBgcICQoLDA0ODw"


def test_base32_is_that_of_rfc_4648_in_lower_case_without_padding() -> None:
    assert [base32(data) for data in (b"", b"f", b"foobar")] == ["", "my", "mzxw6ytboi"]


def test_a_key_is_bound_to_its_user() -> None:
    """case T1"""
    made = [bound_key(user, key) for user in ("", "ann", "annk") for key in ("k" * 16, "kk" * 16)]
    assert len(set(made)) == 6
    assert all(re.fullmatch("[a-z2-7]{32}", key) and is_key(key) for key in made)
    assert bound_key("ann", "k" * 16) == made[2]


def test_ids_of_a_key_differ_and_can_be_names() -> None:
    made = {numbered("key", number) for number in (1, 2, "form\0001", 11)}
    assert len(made) == 4
    assert all(len(name) == 26 and is_name(name) for name in made)
