"""When a refresh token may be used: once, but no false alarm for lost answers and parallel requests.

Tokens of one session come in generations. A token is confirmed when it is presented for the first time
as one of the newest generation; whoever presents a token gets a child of the generation after the
confirmed one. A browser that keeps one cookie therefore always holds the confirmed token or a child of
it, whatever answers were lost. Two holders of the same token get different children, and only one of
these can be confirmed: the other holder's is reuse (RFC 9700 section 4.14.2), which ends the session
for both. Who always comes within the grace of the other is found by its ancestors: one browser's next token
descends from a confirmed one after a step or two, a second holder's never does.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

GRACE = 60  # seconds for requests that one browser had under way when a token was confirmed
STRAYS = 3  # steps from a confirmed token that parallel requests of one browser do not take
CHILDREN = 256  # of one generation; a client that never keeps what it gets would fill the table


class Family(NamedTuple):
    """What is known of one session: `confirmed` is the digest of the token of `generation`.

    `jkt` is the device key that the session is bound to; `bound_at` says when this happened if it was at a
    renewal and not when the user signed in, else it is 0. `children` counts tokens of the next generation.
    Times are seconds.
    """

    generation: int
    confirmed: bytes
    confirmed_at: int
    jkt: str | None
    bound_at: int
    children: int


class Token(NamedTuple):
    """A token of a session. `proven`: it was given to who had proved to have the device key.

    `strays` counts the steps back to the newest ancestor that was confirmed, beyond the first.
    """

    generation: int
    digest: bytes
    proven: bool
    strays: int


class Verdict(Enum):
    """What a presented token comes to."""

    CONFIRM = "it is the confirmed one from now on, and gets a child"
    REPEAT = "it gets another child"
    REFUSE = "it is refused; the session goes on"
    REVOKE = "it is refused, and the session ends"


def judge(family: Family, token: Token, jkt: str | None, now: float) -> Verdict:
    """Judge `token` of `family` that comes with a proof by `jkt`.

    Pure; `now` is wall time in seconds. The caller has checked that neither has expired.
    """
    generation = token.generation
    if family.jkt is not None and jkt != family.jkt:
        return _without_key(family, token, jkt, now)
    if family.children >= CHILDREN and generation <= family.generation:
        return Verdict.REVOKE
    if generation == family.generation + 1:
        return Verdict.CONFIRM
    if is_confirmed(family, token):
        return Verdict.REPEAT  # the answer with its child was lost
    if generation >= family.generation - 1 and now - family.confirmed_at < GRACE and token.strays < STRAYS:
        return Verdict.REPEAT
    return Verdict.REVOKE


def is_confirmed(family: Family, token: Token) -> bool:
    """Whether `token` is the newest that was confirmed."""
    return (token.generation, token.digest) == (family.generation, family.confirmed)


def _without_key(family: Family, token: Token, jkt: str | None, now: float) -> Verdict:
    """Without the key a stolen token is worth nothing, and must not be good for ending the session either.

    But if a renewal bound the session, whoever came first did that, perhaps a thief. So another key is a
    quarrel, and so is a token from before by which nobody proves anything: the user may be one who cannot.
    Who has the password wins it. Requests that were under way at that moment are no quarrel.
    """
    if not family.bound_at:
        return Verdict.REFUSE
    if jkt is None and (token.proven or now - family.bound_at < GRACE):
        return Verdict.REFUSE
    return Verdict.REVOKE
