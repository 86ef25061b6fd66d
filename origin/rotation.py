"""When a refresh token may be used: once, but no false alarm for lost answers and parallel requests.

Tokens of one session come in generations. A token is confirmed when it is presented for the first time
as one of the newest generation; whoever presents a token gets a child of the generation after the
confirmed one. A browser that keeps one cookie therefore always holds the confirmed token or a child of
it, whatever answers were lost. Two holders of the same token get different children, and only one of
these can be confirmed: the other holder's is reuse (RFC 9700 section 4.14.2), which ends the session
for both.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

GRACE = 60  # seconds for requests that one browser had under way when a token was confirmed
CHILDREN = 256  # of one generation; a client that never keeps what it gets would fill the table


class Family(NamedTuple):
    """What is known of one session: `confirmed` is the digest of the token of `generation`.

    `jkt` is the device key that the session is bound to; `bound_late` says that this happened at a
    renewal and not when the user signed in. `children` counts tokens of the next generation.
    """

    generation: int
    confirmed: bytes
    confirmed_at: int
    jkt: str | None
    bound_late: bool
    children: int


class Verdict(Enum):
    """What a presented token comes to."""

    CONFIRM = "it is the confirmed one from now on, and gets a child"
    REPEAT = "it gets another child"
    REFUSE = "it is refused; the session goes on"
    REVOKE = "it is refused, and the session ends"


def judge(family: Family, generation: int, digest: bytes, jkt: str | None, now: float) -> Verdict:
    """Judge a token of `family` that was made for `generation` and comes with a proof by `jkt`.

    Pure; `now` is wall time in seconds. The caller has checked that neither has expired.
    """
    if family.jkt is not None and jkt != family.jkt:
        # Without the key a stolen token is worth nothing, and must not be good for ending the session
        # either. But if the first to come bound it, that may have been the thief: then two keys are
        # a quarrel, and who has the password wins it.
        return Verdict.REVOKE if family.bound_late and jkt is not None else Verdict.REFUSE
    if family.children >= CHILDREN and generation <= family.generation:
        return Verdict.REVOKE
    if generation == family.generation + 1:
        return Verdict.CONFIRM
    if generation == family.generation and digest == family.confirmed:
        return Verdict.REPEAT  # the answer with its child was lost
    if generation >= family.generation - 1 and now - family.confirmed_at < GRACE:
        return Verdict.REPEAT
    return Verdict.REVOKE
