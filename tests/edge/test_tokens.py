"""What is in each token, and that nobody takes one for another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from edge.errors import Problem
from edge.jose import LEEWAY, TOKEN_LIMIT, decode_segment, seal, sign, unseal
from edge.keys import NativeKeys, fixed, generate
from edge.tokens import (
    GUEST_LIFE,
    GUEST_TYPE,
    REVOCATIONS_LIFE,
    REVOCATIONS_LIMIT,
    REVOCATIONS_TYPE,
    SEALED_LIFE,
    SEALED_TYPE,
    SESSION_LIFE,
    SESSION_TYPE,
    VIEW_LIFE,
    VIEW_TYPE,
    Revoked,
    Session,
    check_assertion,
    mint_assertion,
    mint_revocations,
    mint_sealed,
    mint_session,
    mint_view,
    open_revocations,
    open_sealed,
    open_session,
    open_view,
)
from edge.types import Principal, View
from edge.wire import ASSERTION_LIFE, ASSERTION_TYPE, ORIGIN_AUDIENCE

NOW = 1_767_225_600.9
ISSUED = int(NOW)
KEYS = NativeKeys(fixed(generate()), lambda: NOW)
SID = "s" * 22
JKT = "t" * 43
USER = Session("ann", SID, False, ISSUED - 100, 3, {"name": "Ann", "名": "緑茶"}, JKT, ISSUED)
GUEST = Session("g" * 26, SID, True, ISSUED - 100, 0, {}, None, ISSUED)
VIEW = View(
    "ann", 3, {"cart": {"tea": 2}}, ("k1", "k2"), ISSUED, SID, False, {"name": "Ann"}, "f" * 22, JKT, 5
)
CALL = ("POST", "/commit?x=1", b'{"a":1}', "idempotency-key-1")
ANN = Principal("ann", SID, 3)
Open = Callable[..., Awaitable[Any]]


def run(work: Any) -> Any:
    return asyncio.run(work)


def refused(work: Coroutine[Any, Any, Any] | Awaitable[Any]) -> None:
    with pytest.raises(Problem) as caught:
        run(work)
    assert (caught.value.code, caught.value.detail) == ("unauthorized", "")


def entropy(size: int) -> bytes:
    return bytes(range(size))


def session(value: Session = USER, now: float = NOW) -> str:
    return str(run(mint_session(KEYS, value, now, entropy)))


def sealed(sid: str = SID, now: float = NOW) -> str:
    return str(run(mint_sealed(KEYS, sid, 7, {"draft": "x"}, now, entropy)))


def view(value: View = VIEW, now: float = NOW) -> str:
    return str(run(mint_view(KEYS, value, now)))


def assertion(principal: Principal = ANN, now: float = NOW) -> str:
    return str(run(mint_assertion(KEYS, principal, *CALL, lambda: now)))


def revocations(sids: Any = ("a", "b"), now: float = NOW) -> str:
    return str(run(mint_revocations(KEYS, 5, sids, now)))


MAKE: dict[str, Callable[..., str]] = {
    "session": session,
    "guest": lambda now=NOW: session(GUEST, now),
    "sealed": sealed,
    "view": view,
    "assertion": assertion,
    "revocations": revocations,
}
OPEN: dict[str, Open] = {
    "session": lambda token, now=NOW: open_session(token, KEYS, now),
    "guest": lambda token, now=NOW: open_session(token, KEYS, now),
    "sealed": lambda token, now=NOW: open_sealed(token, KEYS, SID, now),
    "view": lambda token, now=NOW: open_view(token, KEYS, now),
    "assertion": lambda token, now=NOW: check_assertion(token, KEYS, *CALL, lambda: now),
    "revocations": lambda token, now=NOW: open_revocations(token, KEYS, now),
}
LIVES = {
    "session": SESSION_LIFE,
    "guest": GUEST_LIFE,
    "sealed": SEALED_LIFE,
    "view": VIEW_LIFE,
    "assertion": ASSERTION_LIFE,
    "revocations": REVOCATIONS_LIFE,
}
TYPES = {
    "session": SESSION_TYPE,
    "guest": GUEST_TYPE,
    "sealed": SEALED_TYPE,
    "view": VIEW_TYPE,
    "assertion": ASSERTION_TYPE,
    "revocations": REVOCATIONS_TYPE,
}
SEALED = ("session", "guest", "sealed")
EACH = pytest.mark.parametrize("kind", MAKE)


def claims_of(kind: str) -> dict[str, Any]:
    token = MAKE[kind]()
    if kind in SEALED:
        claims = run(unseal(token, TYPES[kind], KEYS, now=NOW, max_life=LIVES[kind]))
    else:
        claims = json.loads(decode_segment(token.split(".")[1]))
    return dict(claims)


def remade(kind: str, **members: Any) -> str:
    """A good token of that kind but for `members`; those that are `...` are left out."""
    claims = {name: value for name, value in (claims_of(kind) | members).items() if value is not ...}
    work = seal(KEYS, TYPES[kind], claims, entropy) if kind in SEALED else sign(KEYS, TYPES[kind], claims)
    return str(run(work))


# What is good


@EACH
def test_what_is_minted_is_read(kind: str) -> None:
    expected = {
        "session": USER,
        "guest": GUEST,
        "sealed": (7, {"draft": "x"}),
        "view": VIEW,
        "assertion": ANN,
        "revocations": Revoked(5, frozenset({"a", "b"}), ISSUED),
    }
    assert run(OPEN[kind](MAKE[kind]())) == expected[kind]
    assert run(OPEN[kind](remade(kind))) == expected[kind]


@EACH
def test_claims_are_those_of_the_documented_format(kind: str) -> None:
    times = {"iat": ISSUED, "exp": ISSUED + LIVES[kind]}
    expected = {
        "session": {
            "sub": "ann",
            "sid": SID,
            **times,
            "aut": ISSUED - 100,
            "epo": 3,
            "usr": {**USER.claims},
            "jkt": JKT,
        },
        "guest": {"sub": "g" * 26, "sid": SID, **times, "aut": ISSUED - 100, "epo": 0, "usr": {}},
        "sealed": {"sid": SID, **times, "ver": 7, "val": {"draft": "x"}},
        "view": {
            "sub": "ann",
            "sid": SID,
            **times,
            "ver": 3,
            "keys": ["k1", "k2"],
            "state": {"cart": {"tea": 2}},
            "usr": {"name": "Ann"},
            "guest": False,
            "frm": "f" * 22,
            "shp": 5,
            "jkt": JKT,
        },
        "assertion": {
            "aud": ORIGIN_AUDIENCE,
            "sub": "ann",
            "sid": SID,
            "epo": 3,
            **times,
            "htm": "POST",
            "htu": "/commit?x=1",
            "ik": "idempotency-key-1",
            "bd": "AVq9f1zFei3ZS3WQ8ErYCEJzkF7jPsXOvq5iJ2qX-GI",
        },
        "revocations": {**times, "floor": 5, "sids": ["a", "b"]},
    }
    assert claims_of(kind) == expected[kind]


@EACH
def test_types_are_exact_and_lives_are_short(kind: str) -> None:
    header = json.loads(decode_segment(MAKE[kind]().split(".")[0]))
    assert header["typ"] == TYPES[kind] == f"edgekit-{kind}+{'jwe' if kind in SEALED else 'jwt'}"
    assert LIVES[kind] == {"session": 600, "sealed": 86_400, "guest": 1_209_600, "view": 1_209_600}.get(
        kind, 60
    )


def test_who_is_not_bound_has_no_key() -> None:
    free = replace(USER, jkt=None)
    assert run(OPEN["session"](session(free))) == free
    assert run(OPEN["view"](view(replace(VIEW, jkt=None)))).jkt is None


def test_minting_is_what_dates_a_token() -> None:
    assert run(OPEN["session"](session(replace(USER, issued_at=1)))) == USER
    assert run(OPEN["view"](view(replace(VIEW, issued_at=1)))) == VIEW


def test_each_sealing_has_its_own_iv() -> None:
    asked = []

    def count(size: int) -> bytes:
        asked.append(size)
        return bytes([len(asked)]) * size

    one, two = (run(mint_session(KEYS, USER, NOW, count)) for _ in range(2))
    run(mint_sealed(KEYS, SID, 1, {}, NOW, count))
    assert asked == [12, 12, 12]
    assert one.split(".")[2:4] != two.split(".")[2:4]


@EACH
def test_a_token_lives_as_long_as_its_kind(kind: str) -> None:
    token, life = MAKE[kind](), LIVES[kind]
    for now in (ISSUED - LEEWAY, ISSUED + life + LEEWAY - 0.01):
        assert run(OPEN[kind](token, now))
    for now in (ISSUED - LEEWAY - 0.01, ISSUED + life + LEEWAY):
        refused(OPEN[kind](token, now))
    refused(OPEN[kind](remade(kind, exp=ISSUED + life + 1)))


def test_a_list_may_be_longer_than_other_tokens_and_has_an_end() -> None:
    sids = [f"{n:022}" for n in range(31_000)]
    token = revocations(sids)
    assert TOKEN_LIMIT < len(token) <= REVOCATIONS_LIMIT == 1_048_576
    assert run(OPEN["revocations"](token)).sids == frozenset(sids)
    refused(OPEN["revocations"](revocations([f"{n:022}" for n in range(32_000)])))


# What is not


@pytest.mark.parametrize("opened", OPEN)
@EACH
def test_no_kind_passes_for_another(kind: str, opened: str) -> None:
    if {kind, opened} <= {"session", "guest"} or kind == opened:
        return
    refused(OPEN[opened](MAKE[kind]()))


def test_a_session_cannot_live_as_long_as_a_guests() -> None:
    refused(OPEN["session"](remade("session", exp=ISSUED + GUEST_LIFE)))
    assert run(OPEN["session"](session(GUEST), ISSUED + GUEST_LIFE)).guest is True
    assert run(OPEN["session"](session())).guest is False


BAD: dict[type, list[Any]] = {
    str: [..., None, 7, True, [], {}],
    int: [..., None, "1", 1.5, True, [], {}],
    bool: [..., None, 0, 1, "true", []],
    dict: [..., None, [], "text", 1, [["a", 1]]],
    list: [..., None, {}, "text", 1, [1], [None], ["a", 1], [["a"]]],
}
SHAPES: dict[str, dict[str, type]] = {
    "session": {"sub": str, "sid": str, "aut": int, "epo": int, "usr": dict},
    "guest": {"sub": str, "sid": str, "aut": int, "epo": int, "usr": dict},
    "sealed": {"sid": str, "ver": int, "val": dict},
    "view": {
        "sub": str,
        "sid": str,
        "ver": int,
        "keys": list,
        "state": dict,
        "usr": dict,
        "guest": bool,
        "frm": str,
        "shp": int,
    },
    "assertion": {"sub": str, "sid": str, "epo": int},
    "revocations": {"floor": int, "sids": list},
}


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (kind, name, value)
        for kind, shape in SHAPES.items()
        for name, type_ in shape.items()
        for value in BAD[type_]
    ],
)
def test_claims_of_the_wrong_type_are_refused(kind: str, name: str, value: Any) -> None:
    refused(OPEN[kind](remade(kind, **{name: value})))


@pytest.mark.parametrize("kind", ["session", "guest", "view"])
@pytest.mark.parametrize("value", [None, 7, [], {}, True])
def test_a_key_that_is_no_thumbprint_is_refused(kind: str, value: Any) -> None:
    refused(OPEN[kind](remade(kind, jkt=value)))


def test_sealed_state_of_another_session_is_refused() -> None:
    refused(open_sealed(sealed("other"), KEYS, SID, NOW))
    refused(open_sealed(sealed(), KEYS, "", NOW))


@pytest.mark.parametrize(
    "other",
    [
        ("GET", *CALL[1:]),
        ("POST", "/commit?x=2", *CALL[2:]),
        ("POST", "/commit", *CALL[2:]),
        ("POST", "/Commit?x=1", *CALL[2:]),
        (*CALL[:2], b'{"a":2}', CALL[3]),
        (*CALL[:2], b"", CALL[3]),
        (*CALL[:3], "idempotency-key-2"),
        (*CALL[:3], ""),
    ],
    ids=str,
)
def test_assertion_for_another_call_is_refused(other: tuple[str, str, bytes, str]) -> None:
    refused(check_assertion(assertion(), KEYS, *other, lambda: NOW))


@pytest.mark.parametrize(
    "members",
    [{"aud": "another"}, {"aud": ...}, {"aud": [ORIGIN_AUDIENCE]}, {"bd": ...}, {"htm": None}, {"ik": ...}],
)
def test_assertion_that_leaves_something_open_is_refused(members: dict[str, Any]) -> None:
    refused(OPEN["assertion"](remade("assertion", **members)))
