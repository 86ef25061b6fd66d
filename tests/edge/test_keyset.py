"""Key sets: which key signs, which are accepted, and how one set follows another."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from edge.jose import decode_segment
from edge.keys import generate
from edge.keyset import KEYS_LIMIT, KNOWN_AHEAD, KeySet, retired, rotated
from edge.tokens import GUEST_LIFE, LONGEST_LIFE, SEALED_LIFE, SESSION_LIFE, VIEW_LIFE

NOW = 1_767_225_600


def rows(document: dict[str, Any], use: str) -> list[dict[str, Any]]:
    return [row for row in document["keys"] if row["use"] == use]


def signing(**members: Any) -> dict[str, Any]:
    """A good row but for `members`; those that are `...` are left out."""
    row = rows(generate(), "sig")[0] | members
    return {name: value for name, value in row.items() if value is not ...}


def sealing(**members: Any) -> dict[str, Any]:
    row = rows(generate(), "enc")[0] | members
    return {name: value for name, value in row.items() if value is not ...}


def kid_of(use: Any, now: float, *keys: dict[str, Any]) -> str:
    return KeySet({"keys": list(keys)}).current(use, now).kid


# Which key


def test_the_newest_key_whose_time_has_come_is_used() -> None:
    keys = [signing(kid="old", nbf=1), signing(kid="new", nbf=20), signing(kid="coming", nbf=30)]
    assert [kid_of("sig", now, *keys) for now in (1, 19.9, 20, 29.9, 30)] == [
        "old",
        "old",
        "new",
        "new",
        "coming",
    ]
    assert kid_of("sig", 25, *reversed(keys)) == "new"


def test_a_set_from_a_clock_that_is_ahead_is_used_from_its_beginning() -> None:
    assert kid_of("enc", 5, sealing(kid="second", nbf=11), sealing(kid="first", nbf=10)) == "first"


def test_keys_of_another_use_and_those_that_ended_do_not_sign() -> None:
    keys = [signing(kid="ended", nbf=5, exp=10), signing(kid="old", nbf=1), sealing(kid="sealing", nbf=6)]
    assert kid_of("sig", 9.9, *keys) == "ended"
    assert kid_of("sig", 10, *keys) == "old"
    assert kid_of("enc", 10, *keys) == "sealing"


def test_public_keys_sign_nothing() -> None:
    with pytest.raises(LookupError, match="no private key of use 'sig'"):
        kid_of("sig", 1, signing(d=...))
    with pytest.raises(LookupError, match="no private key of use 'enc'"):
        kid_of("enc", 1, signing())


def test_keys_are_found_by_name_and_use_until_they_end() -> None:
    keys = KeySet({"keys": [signing(kid="a", nbf=50, exp=100), sealing(kid="b")]})
    found = keys.find("sig", "a", 99.9)
    assert found is not None
    assert found.kid == "a"
    assert keys.find("sig", "a", 1) == found  # clocks differ: what is signed early is verified early
    assert keys.find("sig", "a", 100) is None
    assert keys.find("enc", "a", 1) is None
    assert keys.find("sig", "b", 1) is None
    assert keys.find("enc", "b", 10**12) is not None


def test_a_set_knows_whether_it_is_private() -> None:
    assert KeySet({"keys": [signing(d=...), signing()]}).private
    assert KeySet({"keys": [sealing()]}).private
    assert not KeySet({"keys": [signing(d=...)]}).private


# What is published


def test_the_public_set_names_the_public_members_only() -> None:
    row = signing(nbf=7, exp=99)
    (public,) = KeySet({"keys": [sealing(), row]}).public(98)["keys"]
    assert public == {name: value for name, value in row.items() if name != "d"}
    assert set(public) == {"kty", "crv", "x", "y", "kid", "alg", "use", "nbf", "exp"}


def test_keys_to_come_are_published_and_those_that_ended_are_not() -> None:
    keys = KeySet(
        {"keys": [signing(kid="coming", nbf=1000), signing(kid="ended", exp=500), signing(kid="now")]}
    )
    assert [key["kid"] for key in keys.public(500)["keys"]] == ["coming", "now"]
    assert "exp" not in keys.public(500)["keys"][0]


def test_a_published_set_is_a_set() -> None:
    public = KeySet(rotated(generate(), generate()["keys"], NOW)).public(NOW)
    assert KeySet(public).public(NOW) == public


def test_no_key_shows_its_secret() -> None:
    document = generate()
    shown = repr(KeySet(document).keys)
    for row in document["keys"]:
        assert row["kid"] in shown
        assert row.get("k", row.get("d")) not in shown


# What is no set


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (None, "not a JWK set"),
        ([], "not a JWK set"),
        ({}, "not a JWK set"),
        ({"keys": {}}, "not a JWK set"),
        ({"keys": [1]}, "neither ES256"),
        ({"keys": [[]]}, "neither ES256"),
        ({"keys": [{}]}, "neither ES256"),
        ({"keys": [signing(use="enc")]}, "neither ES256"),
        ({"keys": [signing(use=...)]}, "neither ES256"),
        ({"keys": [signing(use=["sig"])]}, "neither ES256"),
        ({"keys": [signing(alg="HS256")]}, "neither ES256"),
        ({"keys": [signing(alg=...)]}, "neither ES256"),
        ({"keys": [signing(kty="oct")]}, "neither ES256"),
        ({"keys": [signing(crv="P-384")]}, "neither ES256"),
        ({"keys": [sealing(alg="A128GCM")]}, "neither ES256"),
        ({"keys": [sealing(kty="EC")]}, "neither ES256"),
        ({"keys": [signing(kid=...)]}, "no usable kid"),
        ({"keys": [signing(kid=1)]}, "no usable kid"),
        ({"keys": [signing(kid="")]}, "no usable kid"),
        ({"keys": [signing(kid="../key")]}, "no usable kid"),
        ({"keys": [signing(kid="k" * 44)]}, "no usable kid"),
        ({"keys": [signing(kid="a\n")]}, "no usable kid"),
        ({"keys": [signing(kid="a", nbf=1.5)]}, "key a: nbf and exp are whole seconds"),
        ({"keys": [signing(kid="a", exp="1")]}, "key a: nbf and exp are whole seconds"),
        ({"keys": [signing(kid="a", exp=None)]}, "key a: nbf and exp are whole seconds"),
        ({"keys": [signing(kid="a", nbf=True)]}, "key a: nbf and exp are whole seconds"),
        ({"keys": [signing(kid="a", x=...)]}, "key a is not made of 256-bit values"),
        ({"keys": [signing(kid="a", y="AA")]}, "key a is not made of 256-bit values"),
        ({"keys": [signing(kid="a", d=7)]}, "key a is not made of 256-bit values"),
        ({"keys": [signing(kid="a", d="A" * 42 + "B")]}, "key a is not made of 256-bit values"),
        ({"keys": [sealing(kid="a", k=...)]}, "key a is not made of 256-bit values"),
        ({"keys": [sealing(kid="a", k="A" * 22)]}, "key a is not made of 256-bit values"),
        ({"keys": [signing(kid="a"), sealing(kid="a")]}, "two keys have the same kid"),
        ({"keys": [sealing(kid=f"k{n}") for n in range(KEYS_LIMIT + 1)]}, "more than 8 keys of one use"),
    ],
)
def test_what_is_no_key_set_is_refused(document: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        KeySet(document)


def test_a_refusal_does_not_say_what_the_key_is() -> None:
    for row in (sealing(nbf="soon"), signing(y="AA"), sealing(kid=None), signing(alg="none")):
        with pytest.raises(ValueError, match="key") as caught:
            KeySet({"keys": [row]})
        assert row.get("k", row.get("d")) not in str(caught.value)


def test_as_many_keys_as_allowed() -> None:
    keys = [make(kid=f"{make.__name__}{n}") for n in range(KEYS_LIMIT) for make in (signing, sealing)]
    assert len(KeySet({"keys": keys}).keys) == 2 * KEYS_LIMIT


def test_what_else_a_key_says_does_not_matter() -> None:
    (key,) = KeySet({"keys": [signing(kid="a", nbf=..., key_ops=["sign"], note="x")]}).keys
    assert (key.kid, key.nbf, key.exp) == ("a", 0, None)
    assert set(key.material) == {"kty", "crv", "x", "y", "d"}


# Codes under derived keys


def test_a_code_is_hmac_under_a_key_derived_for_its_label() -> None:
    row = sealing()
    derived = hmac.digest(decode_segment(row["k"]), b"edgekit form", hashlib.sha256)
    expected = hmac.digest(derived, b"message", hashlib.sha256)
    assert KeySet({"keys": [row]}).macs("form", b"message", NOW) == [expected]


def test_codes_come_from_the_present_key_first_and_from_all_accepted_ones() -> None:
    old, ended, new, coming = sealing(nbf=0), sealing(nbf=1, exp=50), sealing(nbf=40), sealing(nbf=200)
    keys = KeySet({"keys": [old, ended, new, coming, signing()]})

    def one(row: dict[str, Any]) -> bytes:
        return KeySet({"keys": [row | {"exp": 10**12}]}).macs("a", b"m", 100)[0]

    assert keys.macs("a", b"m", 100) == [one(new), one(old), one(coming)]
    assert len(keys.macs("a", b"m", 49)) == 4
    assert keys.macs("b", b"m", 100)[0] != one(new)
    assert keys.macs("a", b"n", 100)[0] != one(new)


# One set after another


def test_rotation_lets_everybody_know_first_and_keeps_what_is_still_needed() -> None:
    old = generate(NOW - 10_000)
    before = json.dumps(old)
    made = rotated(old, generate()["keys"], NOW + 0.9)
    assert json.dumps(old) == before
    end = NOW + KNOWN_AHEAD + LONGEST_LIFE + KNOWN_AHEAD
    assert [(row["nbf"], row.get("exp")) for row in made["keys"]] == [
        *[(NOW - 10_000, end)] * 2,
        *[(NOW + KNOWN_AHEAD, None)] * 2,
    ]
    keys = KeySet(made)
    for use in ("sig", "enc"):
        first, second = (row["kid"] for row in rows(made, use))
        assert keys.current(use, NOW + KNOWN_AHEAD - 1).kid == first  # type: ignore[arg-type]
        assert keys.current(use, NOW + KNOWN_AHEAD).kid == second  # type: ignore[arg-type]
        # What the old key makes in its last second is good for its whole life.
        assert keys.find(use, first, NOW + KNOWN_AHEAD + LONGEST_LIFE) is not None  # type: ignore[arg-type]


def test_no_token_lives_longer_than_its_key() -> None:
    assert max(SESSION_LIFE, GUEST_LIFE, SEALED_LIFE, VIEW_LIFE) == LONGEST_LIFE
    assert KNOWN_AHEAD >= 300 + 300  # what a public set is cached for, and as much for clocks that differ


def test_a_key_that_has_an_end_keeps_it() -> None:
    once = rotated(generate(), generate()["keys"], NOW)
    twice = rotated(once, generate()["keys"], NOW + 86_400)
    assert twice["keys"][:2] == once["keys"][:2]
    assert twice["keys"][2]["exp"] == once["keys"][0]["exp"] + 86_400


def test_too_many_rotations_are_refused() -> None:
    document = generate()
    for _ in range(KEYS_LIMIT - 1):
        document = rotated(document, generate()["keys"], NOW)
    with pytest.raises(ValueError, match="retire some"):
        rotated(document, generate()["keys"], NOW)


def test_what_has_ended_is_retired() -> None:
    document = {
        "keys": [signing(kid="ended", exp=NOW), signing(kid="ending", exp=NOW + 1), sealing(kid="stays")]
    }
    assert [row["kid"] for row in retired(document, NOW)["keys"]] == ["ending", "stays"]
    assert retired(document, NOW - 1) == document


def test_one_key_may_be_retired_at_once() -> None:
    document = {"keys": [signing(kid="bad"), signing(kid="ended", exp=5), sealing(kid="stays")]}
    assert [row["kid"] for row in retired(document, NOW, "bad")["keys"]] == ["stays"]
    with pytest.raises(ValueError, match="there is no key other"):
        retired(document, NOW, "other")
