"""What people read when something goes wrong: a heading and a sentence for each code of `errors.PROBLEMS`.

Titles of problem documents are for programs and those who write them. Here no word is used that only makes
sense to somebody who knows how the site is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .errors import Problem


class Words(NamedTuple):
    """`says` tells what it means and what to do. `detail`: whether that of the problem is for people too."""

    title: str
    says: str
    detail: bool = False


_NOTHING = "Nothing was changed."
_UNREADABLE = Words("That could not be read", "What arrived here is damaged. Go back and try once more.")
_OURS = Words("Something went wrong here", f"It is not your fault. {_NOTHING} Try again in a little while.")
_BUSY = Words("One moment, please", f"There is a rush just now. {_NOTHING} Try again in a few seconds.")
_AWAY = Words(
    "One moment, please",
    "A part of this site cannot be reached just now. Try again soon. If you have sent something, look first "
    "whether it is there already.",
)
_LARGE = Words("That is too large", f"It is more than can be kept at once. {_NOTHING} Try something smaller.")
_SESSION = Words("You are signed out", f"Sign in again, then do it once more. {_NOTHING}")

WORDS: Mapping[str, Words] = {
    "malformed-request": _UNREADABLE,
    "malformed-path": Words("There is no such page", "The address is not spelled right."),
    "malformed-query": Words("There is no such page", "The address is not spelled right."),
    "malformed-header": _UNREADABLE,
    "malformed-json": _UNREADABLE,
    "malformed-form": _UNREADABLE,
    "malformed-key": _UNREADABLE,
    "malformed-commit": _OURS,
    "request-timeout": Words("That took too long", f"It did not arrive in time. {_NOTHING} Try again."),
    "unauthorized": Words("Please sign in", "This is for people who have signed in."),
    "session-ended": _SESSION,
    "session-changed": Words("You are somebody else now", f"This was meant for another visit. {_NOTHING}"),
    "device-proof": Words(
        "One moment", "This page is making sure that it is the device on which you signed in."
    ),
    "device-required": Words(
        "Sign in on this device", "This needs an up-to-date browser in which you have signed in yourself."
    ),
    "forbidden": Words("This is not allowed", "", detail=True),
    "misdirected-request": Words("This is not our address", "Look at it again: this site has another one."),
    "not-found": Words("There is nothing here", "", detail=True),
    "method-not-allowed": Words("That cannot be done here", "Go back and try another way."),
    "key-reused": Words("This was sent before", "Open the page again, and fill it in once more."),
    "idempotency-key-expired": Words(
        "This is too long ago", "It may have been done before. Look what is there before you send it again."
    ),
    "version-conflict": _BUSY,
    "floor-reached": Words("There is not enough left", f"Somebody was faster. {_NOTHING}"),
    "precondition-failed": Words(
        "Somebody has changed it meanwhile", f"{_NOTHING} Open the page again to see what is there now."
    ),
    "precondition-required": Words("That cannot be done here", f"{_NOTHING} Open the page again."),
    "body-too-large": Words("That is too large", f"It is more than can be sent at once. {_NOTHING}"),
    "headers-too-large": Words(
        "That is too much at once",
        "Your browser sent more than is taken here. Deleting this site's cookies helps.",
    ),
    "state-too-large": _OURS,
    "record-too-large": _LARGE,
    "commit-too-large": _LARGE,
    "write-in-safe-request": _OURS,
    "write-after-response": _OURS,
    "response-too-large": _OURS,
    "internal-error": _OURS,
    "needs-edge": Words("No connection", "This page needs a connection. Try again when you are online."),
    "catalog-refused": _OURS,
    "origin-unavailable": _AWAY,
    "origin-invalid": _AWAY,
    "host-starting": _AWAY,
    "overloaded": _BUSY,
}


def for_people(problem: Problem) -> tuple[str, str]:
    """The heading and the text of a page about `problem`."""
    words = WORDS[problem.code]
    if problem.detail and not problem.for_developers and (words.detail or problem.own):
        return words.title, problem.detail
    limit: Any = problem.members.get("limit")
    knows = problem.code == "body-too-large" and isinstance(limit, int)
    return words.title, words.says + (f" The most is {_size(limit)}." if knows else "")


def _size(count: int) -> str:
    for unit, factor in (("MB", 1_000_000), ("kB", 1_000)):
        if count >= factor:
            return f"{count / factor:.1f}".removesuffix(".0") + f" {unit}"
    return f"{count} bytes"
