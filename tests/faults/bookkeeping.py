"""What users of the ledger do, and what it promises them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator

from ledger import ACCOUNTS, OPENING, TICKETS, WORDS

from edge.verify import Page, Records, Scenario, User

ROUNDS = 10  # of a visit


class Bookkeeping(Scenario):
    """Counts what users have been told."""

    def __init__(self, rounds: int = ROUNDS) -> None:
        self.rounds = rounds
        self.entered: set[str] = set()
        self.told: Counter[str] = Counter()  # tickets and notes

    async def visit(self, user: User) -> None:
        page = await user.get("/")
        if user.random.random() < 0.3:
            page = await self.fill(user, page, "/session", name=f"v{user.visit}")
        does: list[Callable[[Visit], Awaitable[Page]]] = [
            Visit.transfer,
            Visit.transfer,
            Visit.enter,
            Visit.script_enters,
            Visit.ticket,
            Visit.mark,
            Visit.log,
            Visit.note,
        ]
        visit = Visit(self, user, page)
        for number in range(self.rounds):
            visit.number = number
            done = await user.random.choice(does)(visit)
            visit.page = done if done.url == "/" and done.ok else await user.get("/")
            visit.look()

    @staticmethod
    async def fill(user: User, page: Page, action: str, **values: str) -> Page:
        form = next(form for form in page.forms if form.action == action)
        if user.random.random() < 0.3:
            form = form.without_key()
        return await user.submit(form, **values)

    def check(self, records: Records) -> Iterable[str]:
        yield from self._accounts(records)
        yield from self._entries(records)
        totals = {one.id: one.value for one in records("totals")}
        sold = -totals["tickets"]["sold"] if "tickets" in totals else 0
        if not self.told["tickets"] <= sold <= TICKETS:
            yield f"{sold} of {TICKETS} tickets are sold, {self.told['tickets']} users have one"
        notes = totals["notes"]["count"] if "notes" in totals else 0
        if notes < self.told["notes"]:
            yield f"{notes} notes are written, {self.told['notes']} users have been told so"
        for one in records("logs"):
            lines = one.value["lines"]
            if lines != sorted(set(lines)):
                yield f"the log of {one.owner} has lines twice or in another order: {lines}"

    def _accounts(self, records: Records) -> Iterator[str]:
        balances = [one.value["balance"] for one in records("accounts")]
        total = sum(balances) + OPENING * (ACCOUNTS - len(balances))
        if total != OPENING * ACCOUNTS:
            yield f"the accounts hold {total} instead of {OPENING * ACCOUNTS}"
        if any(balance < 0 for balance in balances):
            yield "an account is overdrawn"

    def _entries(self, records: Records) -> Iterator[str]:
        texts = [one.value["text"] for one in records("entries")]
        lost, twice = self.entered - set(texts), len(texts) - len(set(texts))
        if lost:
            yield f"{len(lost)} entries are lost, {min(lost)} for one"
        if twice:
            yield f"{twice} entries are there twice"
        (count,) = [one.value["count"] for one in records("totals") if one.id == "entries"] or [0]
        if count != len(texts):
            yield f"the number of entries is {count}, and there are {len(texts)}"


class Visit:
    """One user's part of it."""

    def __init__(self, books: Bookkeeping, user: User, page: Page) -> None:
        self.books = books
        self.user = user
        self.page = page
        self.number = self.marks = self.lines = 0

    @property
    def text(self) -> str:
        return f"{self.user.visit}.{self.number}"

    def look(self) -> None:
        shown = re.search(r"<p id=marks>(\d+)", self.page.text)
        assert shown is not None, f"no page but {self.page.status}"
        assert int(shown[1]) == self.marks, f"{shown[1]} marks instead of {self.marks}"

    async def transfer(self) -> Page:
        amount = str(self.user.random.randint(1, 60))
        return await self.books.fill(self.user, self.page, "/transfers", amount=amount)

    async def enter(self) -> Page:
        page = await self.books.fill(self.user, self.page, "/entries", text=self.text)
        assert page.ok, f"an entry was refused with {page.first.status}"
        self.books.entered.add(self.text)
        return page

    async def script_enters(self) -> Page:
        page = await self.user.send("POST", "/entries", json={"text": self.text})
        assert page.ok, f"an entry was refused with {page.first.status}"
        self.books.entered.add(self.text)
        return page

    async def ticket(self) -> Page:
        page = await self.books.fill(self.user, self.page, "/tickets")
        self.books.told["tickets"] += page.ok
        return page

    async def mark(self) -> Page:
        page = await self.books.fill(self.user, self.page, "/marks")
        self.marks += 1
        return page

    async def log(self) -> Page:
        page = await self.user.send("POST", "/log", json={"line": self.number})
        self.lines += 1
        assert page.ok, f"a line was refused with {page.first.status}"
        assert page.json() == {"lines": self.lines}, f"{page.json()} instead of {self.lines} lines"
        return page

    async def note(self) -> Page:
        """Change a note of everybody's, if it is still what it was."""
        name = f"/notes/{self.user.random.choice('ab')}"
        seen, word = await self.user.get(name), self.user.random.choice(WORDS)
        tag = seen.headers["etag"]
        condition = {"if_none_match": "*"} if tag == '"none"' else {"if_match": tag}
        page = await self.user.send("PUT", name, json={"word": word}, **condition)
        assert page.first.status in (200, 412), f"a note was answered with {page.first.status}"
        self.books.told["notes"] += page.ok
        return page
