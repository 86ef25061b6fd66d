"""A browser whose writes wait in an outbox: stored first, sent in order, deleted once their verdict is read.

The rules are those of browser/outbox.js, without its local answers. Browser and worker die at any time; what
is stored survives.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from world import EPOCH

from edge.verify.answers import Answer, Page
from edge.verify.browser import Fields
from edge.verify.line import Line
from edge.verify.scenario import Records
from edge.verify.user import User

ROWS = 8
ABSENCES = (0.2, 1.0, 5.0, 60.0, 700.0, 7_200.0, 2 * 86_400.0, 8 * 86_400.0)  # seconds without a network
PAUSE, LONGEST_PAUSE = 0.1, 30.0  # seconds between two tries


@dataclass(frozen=True, slots=True)
class Row:
    """One request that waits."""

    op: int
    target: str
    fields: Fields
    body: bytes
    value: dict[str, Any]


class OutboxBrowser(User):
    """`hasty` is a bug: it deletes a row before it knows what became of it."""

    def __init__(self, line: Line, visit: int, *, hasty: bool = False) -> None:
        super().__init__(line, visit)
        self.has_worker = True
        self.rows: list[Row] = []
        self.verdicts: dict[int, tuple[Row, Answer]] = {}
        self.online = True
        self.subject = ""
        self.ended = False
        self._hasty = hasty
        self._news = asyncio.Event()

    async def live(self) -> None:
        """Act, go away, come back, and wait until everything is sent."""
        page = await self.get("/")
        if self.random.random() < 0.5:
            form = next(form for form in page.forms if form.action == "/session")
            await self.submit(form, name=f"outbox-{self.visit}")
        worker, absences = asyncio.ensure_future(self._work()), ABSENCES
        try:
            for number in range(ROWS):
                await self._act(number)
                await asyncio.sleep(self.random.expovariate(1 / 0.3))
                if self.random.random() < 0.25:  # the worker or the browser is killed
                    worker.cancel()
                    await asyncio.sleep(self.random.expovariate(1 / 2.0))
                    worker = asyncio.ensure_future(self._work())
                if self.random.random() < 0.2:
                    self.online = False
                    absence = self.random.choice(absences)
                    await asyncio.sleep(absence)
                    if absence > 86_400:  # after two weeks without a sign of life a session is over
                        absences = tuple(one for one in absences if one < 86_400)
                    self.online = True
                    self._news.set()
            while self.rows and not self.ended:
                await asyncio.sleep(1)
                if worker.done():
                    worker = asyncio.ensure_future(self._work())
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

    def wrong(self, records: Records) -> Iterator[str]:
        """What is not as the user has been told."""
        if self.ended:
            yield f"the session of visit {self.visit} has ended by itself"
            return
        lines = [line for one in records("logs") if one.owner == self.subject for line in one.value["lines"]]
        yield from self._compare("log", lines, "/log", "line")
        texts = [one.value["text"] for one in records("entries") if one.owner == self.subject]
        yield from self._compare("entries", sorted(texts), "/entries", "text")

    def _compare(self, what: str, found: list[Any], target: str, member: str) -> Iterator[str]:
        told = [row.value[member] for row, answer in self._told(target) if answer.status < 400]
        # Whoever comes back after more than a week is told that nobody knows what became of a request.
        doubt = [row.value[member] for row, answer in self._told(target) if answer.status == 410]
        if [one for one in found if one not in doubt] != told or len(set(found)) != len(found):
            yield f"the {what} of visit {self.visit}: {found} instead of {told}, in doubt {doubt}"

    def shows_marks(self, page: Page) -> bool:
        """Whether the page counts as many marks as the user has been told."""
        marks = [answer.status for _, answer in self._told("/marks")]
        sure = sum(status < 400 for status in marks)
        return any(f"<p id=marks>{sure + more}</p>" in page.text for more in range(marks.count(410) + 1))

    def _told(self, target: str) -> list[tuple[Row, Answer]]:
        return [pair for pair in self.verdicts.values() if pair[0].target == target]

    async def _act(self, number: int) -> None:
        target = self.random.choice(["/log", "/log", "/entries", "/marks", "/transfers"])
        value: dict[str, Any] = {
            "/log": {"line": number},
            "/entries": {"text": f"outbox.{self.visit}.{number}"},
            "/marks": {},
            "/transfers": {"source": number % 5, "target": (number + 1) % 5, "amount": 10},
        }[target]
        body = json.dumps(value).encode()
        now = EPOCH + asyncio.get_running_loop().time()
        headers = {"content_type": "application/json", "idempotency_key": self.new_key()}
        fields = self.fields({**headers, "edgekit_time": str(int(now * 1000))})
        op = await self.begin("POST", target, fields, body)
        self.rows.append(Row(op, target, fields, body, value))
        self._news.set()

    async def _work(self) -> None:
        """Send what waits, in order, one at a time."""
        pause, edge, number = PAUSE, self.luck.randrange(2), 0
        while not self.ended:
            self._news.clear()
            if not self.rows or not self.online:
                await self._news.wait()
                continue
            row = self.rows.pop(0) if self._hasty else self.rows[0]
            number, edge = number + 1, 1 - edge
            answer = await self.attempt(row.op, number, edge, "POST", row.target, row.fields, row.body)
            if answer is None or answer.may_be_tried_again:
                await asyncio.sleep(pause * (0.5 + self.luck.random()))
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            if answer.problem == "session-ended":
                self.ended = True
                return
            if self.luck.random() < 0.05:  # the answer was there, and the worker dies before it has read it
                await asyncio.sleep(self.luck.expovariate(1.0))
                continue
            pause = PAUSE
            self.verdicts[row.op] = row, answer
            if not self._hasty:
                del self.rows[0]
            self.line.log("end", op=row.op, how="final")
