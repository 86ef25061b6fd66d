"""What users of the ledger do, and what it promises them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ledger import ACCOUNTS, OPENING, TICKETS

from edge.verify import Page, Records, Scenario, User

ROUNDS = 10  # of a visit


class Bookkeeping(Scenario):
    """Counts what users have been told."""

    def __init__(self) -> None:
        self.entered: set[str] = set()
        self.told_tickets = 0

    async def visit(self, user: User) -> None:
        page = await user.get("/")
        if user.random.random() < 0.3:
            page = await self.fill(user, page, "/session", name=f"v{user.visit}")
        marks = 0
        for number in range(ROUNDS):
            what = user.random.choice(["/transfers", "/transfers", "/entries", "/tickets", "/marks"])
            if what == "/entries":
                text = f"{user.visit}.{number}"
                if user.random.random() < 0.5:
                    sent = await user.send("POST", "/entries", json={"text": text})
                    page = await user.get("/")
                else:
                    sent = page = await self.fill(user, page, what, text=text)
                assert sent.ok, f"an entry was refused with {sent.first.status}"
                self.entered.add(text)
                continue
            amount = {"amount": str(user.random.randint(1, 60))} if what == "/transfers" else {}
            done = await self.fill(user, page, what, **amount)
            self.told_tickets += what == "/tickets" and done.ok
            marks += what == "/marks"
            page = done if done.url == "/" and done.ok else await user.get("/")
            if page.ok:
                shown = re.search(r"<p id=marks>(\d+)", page.text)
                assert shown is not None, f"no page but {page.status}"
                assert int(shown[1]) == marks, f"{shown[1]} marks instead of {marks}"

    @staticmethod
    async def fill(user: User, page: Page, action: str, **values: str) -> Page:
        form = next(form for form in page.forms if form.action == action)
        if user.random.random() < 0.3:
            form = form.without_key()
        return await user.submit(form, **values)

    def check(self, records: Records) -> Iterable[str]:
        yield from self._accounts(records)
        yield from self._entries(records)
        (sold,) = [-one.value["sold"] for one in records("totals") if one.id == "tickets"] or [0]
        if not self.told_tickets <= sold <= TICKETS:
            yield f"{sold} of {TICKETS} tickets are sold, {self.told_tickets} users have one"

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
