"""What users of an app do, and what must be true afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .answers import Page
from .user import User

STEPS = 12  # of a visit by chance


class Stored(NamedTuple):
    """A record as it is stored at the end of a run; `owner` is empty for shared ones."""

    owner: str
    id: str
    version: int
    value: Mapping[str, Any]


class Records:
    """All that is stored at the end of a run."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._rows = [row for row in rows if row["kind"] == "record" and row["value"] is not None]

    def __call__(self, collection: str) -> Sequence[Stored]:
        """The records of one collection, everybody's."""
        return [
            Stored(row["owner"], row["id"], row["version"], row["value"])
            for row in self._rows
            if row["collection"] == collection
        ]


class Scenario:
    """By itself it needs to know nothing of the app: it opens pages, follows links and fills in forms.

    A subclass knows better what is worth doing, and what the app promises. One object serves all visits, so
    it can count in attributes what users have been told.
    """

    async def visit(self, user: User) -> None:
        """One visit, from the first page to the last. An AssertionError fails the run."""
        page = await user.get("/")
        for _ in range(STEPS):
            page = await self.step(user, page)

    async def step(self, user: User, page: Page) -> Page:
        """Do one thing that the page offers, by chance."""
        chance = user.random
        forms = [form for form in page.forms if form.method == "POST"]
        if forms and chance.random() < 0.6:
            form = chance.choice(forms)
            if form.key and chance.random() < 0.3:
                form = form.without_key()
            pairs = form.fill(chance, {})
            following = await user.submit_again(form, pairs)
            if chance.random() < 0.1:  # back, and once more
                following = await user.submit_again(form, pairs)
            return following
        links = [link for link in page.links if not link.startswith(("/_edge/", "/static/"))]
        return await user.get(chance.choice(links) if links and chance.random() < 0.9 else "/")

    def check(self, records: Records) -> Iterable[str]:  # noqa: ARG002
        """One sentence for each promise of the app that `records` break."""
        return ()
