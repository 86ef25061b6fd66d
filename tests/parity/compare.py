"""What counts as the same answer: status, content type, body, and every header that the app has set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

# The server's own, not the app's.
SERVERS = frozenset({"date", "server", "connection", "transfer-encoding", "keep-alive"})
Key = tuple[str, int, str]  # app, number within its session, request
NO_APP = ("content-type", "text/x-no-app")  # site/switch.py


class Answer(NamedTuple):
    """A response; header names in lower case. `cut`: the body ended before it was complete."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    cut: bool = False

    @property
    def no_app(self) -> bool:
        """Whether the example cannot be imported there."""
        return NO_APP in self.headers

    def is_beyond_scripts(self, host: str) -> bool:
        """Whether no script can read it: it leads to another site than `host`, or makes the browser
        ask for a password."""
        headers = dict(self.headers)
        away = 300 <= self.status < 400 and urlsplit(headers.get("location", "")).netloc not in ("", host)
        return away or (self.status == 401 and headers.get("www-authenticate", "").startswith("Basic"))

    @property
    def host(self) -> str:
        """Who has answered, by the kit."""
        return dict(self.headers).get("edgekit-host", "")


def same_failure(plain: Answer, kits: Answer) -> bool:
    """Whether an app has failed under both: the plain server says so in Starlette's stock sentence or breaks
    off, the kit by its problem document."""
    failed = plain.cut or (plain.status == 500 and plain.body == b"Internal Server Error")
    told = ("content-type", "application/problem+json") in kits.headers and b'"internal-error"' in kits.body
    return failed and kits.status == 500 and told


def difference(plain: Answer, kits: Answer) -> str | None:
    """In what the kit's answer differs from the plain server's, in a few words; None: in nothing."""
    if plain.status != kits.status:
        return f"status {kits.status} instead of {plain.status}"
    if plain.cut != kits.cut:
        return "a body that is cut off" if kits.cut else "a body that is not cut off"
    for name in sorted({name for name, _ in plain.headers} - SERVERS):
        theirs = [value for other, value in plain.headers if other == name]
        ours = [value for other, value in kits.headers if other == name]
        if name == "set-cookie":  # the kit may set its own, too
            ours = [value for value in ours if value in theirs] or ours
        elif name == "cache-control":  # what goes with a session is for no shared cache
            ours = [value.removeprefix("private, ") for value in ours]
        if theirs != ours:
            return f"{name} {_short(ours)} instead of {_short(theirs)}"
    if plain.body != kits.body:
        return f"body {_around(kits.body, plain.body)} instead of {_around(plain.body, kits.body)}"
    return None


def _short(values: Iterable[str]) -> str:
    return ", ".join(values)[:80] or "(none)"


def _around(body: bytes, other: bytes) -> str:
    pairs = zip(body, other, strict=False)
    at = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(body), len(other)))
    return repr(body[max(0, at - 20) : at + 40])


@dataclass
class Tally:
    """How many answers were compared, and which of them differ."""

    compared: int = 0
    failures: int = 0  # in which the app failed, and each said so in its own way
    different: dict[Key, str] = field(default_factory=dict)  # in what

    def add(self, key: Key, plain: Answer, kits: Answer) -> None:
        self.compared += 1
        if same_failure(plain, kits):
            self.failures += 1
            return
        found = difference(plain, kits)
        if found is not None:
            self.different[key] = found

    @property
    def share(self) -> float:
        """Of the equal ones, in %."""
        return 100 * (1 - len(self.different) / max(1, self.compared))

    def __str__(self) -> str:
        equal = self.compared - len(self.different)
        return f"{equal} of {self.compared} equal ({self.share:.2f} %), {self.failures} of them failures"
