"""The edges' way to the origin: what goes wrong there, and what really reached the database."""

from __future__ import annotations

import base64
import itertools
import json
from collections import Counter
from typing import Any

from ..wire import Commit, StoredResponse, decode_commit, decode_outcome
from . import faults
from .faults import NOTHING
from .history import History, answer_digest, digest
from .http1 import Message
from .relay import Passage, Sighting


class Upstream:
    """Decides and observes for the relay in front of the origin; `calm` says that nothing goes wrong."""

    def __init__(self, seed: int, history: History) -> None:
        self.seed = seed
        self.calm = False
        self.duplicates = 0
        self._history = history
        self._times: Counter[str] = Counter()
        self._calls = itertools.count(1)

    def decide(self, message: Message) -> tuple[Message, Passage]:
        """The n-th time that the same thing is asked, the same seed gives the same fault."""
        what = message.get("idempotency-key") or f"{message.method} {message.target}"
        self._times[what] += 1
        rates = faults.COMMITS if _is_commit(message) else faults.READS
        chance = faults.dice(self.seed, "origin", what, self._times[what])
        fault = NOTHING if self.calm else faults.draw(chance, rates)
        return message, Passage(0, fault, self._times[what])

    def sent(self, sighting: Sighting) -> int:
        call = next(self._calls)
        if _is_commit(sighting.request):
            self.duplicates += sighting.copy
            subject = _subject(sighting.request)
            self._history.add(
                "commit",
                call=call,
                copy=sighting.copy,
                subject=subject,
                key=sighting.request.get("idempotency-key"),
                **_contents(decode_commit(sighting.request.body), subject),
            )
        return call

    def seen(self, sighting: Sighting) -> None:
        request, answer = sighting.request, sighting.answer
        asked = request.method == "GET" and request.target.startswith("/commit/")
        if answer is None or not (asked or _is_commit(request)):
            return
        key = request.target.removeprefix("/commit/") if asked else request.get("idempotency-key")
        told: dict[str, Any] = {}
        if answer.status == 200:
            outcome = decode_outcome(answer.body)
            told = {"replayed": outcome.replayed, "digest": _digest(outcome.response)}
        elif asked and answer.status == 404:
            return  # nothing yet
        else:
            told = {"problem": json.loads(answer.body).get("code", "")}
        self._history.add(
            "verdict", call=sighting.call, subject=_subject(request), key=key, status=answer.status, **told
        )


def in_digests(response: StoredResponse) -> dict[str, Any]:
    """An answer in digests: all that the origin keeps of it, what a user's browser shows, and the state."""
    return {
        "status": response.status,
        "digest": _digest(response),
        "shown": answer_digest(response.status, response.headers, response.body),
        "state": None if response.state is None else digest(response.state),
    }


def _digest(response: StoredResponse) -> str:
    body = base64.b64encode(response.body).decode()
    headers = [list(pair) for pair in response.headers]
    return digest(response.status, headers, body, response.state, response.sealed)


def _contents(commit: Commit, subject: str) -> dict[str, Any]:
    def place(scope: str, collection: str, name: str) -> list[str]:
        return [scope, subject if scope == "user" else "", collection, name]

    return {
        "reads": [[*place(*read.key), read.version] for read in commit.reads],
        "writes": [
            [*place(*write.key), None if write.value is None else digest(write.value)]
            for write in commit.writes
        ],
        "increments": [[*place(*one.key), one.field, one.by] for one in commit.increments],
        **in_digests(commit.response),
    }


def _is_commit(message: Message) -> bool:
    return message.method == "POST" and message.target == "/commit"


def _subject(message: Message) -> str:
    """For whom the edge asks, as its assertion says."""
    payload = message.get("authorization").split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return str(claims["sub"])
