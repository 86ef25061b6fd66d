"""A user: opens pages, fills in forms, and has the patience to send the same request again.

With a service worker its browser does that; without one it is somebody who presses the button once more.
"""

from __future__ import annotations

import asyncio
import json as jsons
from typing import Any

from ..intake import SAFE
from . import pages
from .answers import Answer, Page, local
from .browser import Browser, Fields
from .pages import Form

TRIES = 60  # of one request; by then something is wrong for good
PAUSE, LONGEST_PAUSE = 0.05, 0.8  # seconds between two tries
GIVES_UP = 0.01  # probability, after each try that failed
REDIRECTS = frozenset({301, 302, 303})
REDIRECT_LIMIT = 5
FORM = "application/x-www-form-urlencoded"


class Gone(Exception):
    """The user has closed the browser without having seen an answer."""


class Stuck(Exception):
    """A request got no final answer in `TRIES` tries."""


class User(Browser):
    """One visit. All methods raise `Gone` and `Stuck`, which end it."""

    async def arrive(self) -> None:
        """What a service worker does first: ask whose browser this is."""
        if self.has_worker:
            await self._send("GET", "/_edge/view", self.fields({}), b"")

    async def get(self, target: str, **headers: str) -> Page:
        """Open an address of the site, path and query, and follow redirects.

        `headers` name fields with underscores: `accept="application/json"`.
        """
        return await self._followed(await self._send("GET", target, self.fields(headers), b""))

    async def submit(self, form: Form, /, **values: str) -> Page:
        """Fill in a form, `values` first and the rest by chance, send it, and follow the redirect."""
        return await self.submit_again(form, form.fill(self.random, values))

    async def submit_again(self, form: Form, pairs: list[tuple[str, str]]) -> Page:
        """Send a form with exactly these pairs of names and values, and follow the redirect."""
        if form.method != "POST":
            return await self.get(f"{form.action.partition('?')[0]}?{pages.encode(pairs).decode()}")
        headers = {"content_type": FORM}
        if not any(name == "_key" for name, _ in pairs):
            headers["idempotency_key"] = self.new_key()
        answer = await self._send("POST", form.action, self.fields(headers), pages.encode(pairs))
        return await self._followed(answer)

    async def send(
        self, method: str, target: str, *, json: Any = None, body: bytes = b"", **headers: str
    ) -> Page:
        """What a script does with `fetch`; a request that changes something gets a key. Redirects are
        followed."""
        if json is not None:
            body = jsons.dumps(json).encode()
            headers["content_type"] = "application/json"
        if method not in SAFE:
            headers.setdefault("idempotency_key", self.new_key())
        return await self._followed(await self._send(method, target, self.fields(headers), body))

    async def _followed(self, first: Answer) -> Page:
        answer = first
        for _ in range(REDIRECT_LIMIT):
            target = local(answer.url, answer.headers.get("location", ""))
            if answer.status not in REDIRECTS or not target:
                break
            answer = await self._send("GET", target, self.fields({}), b"")
        return Page(answer.url, answer.status, answer.headers, answer.body, first)

    async def _send(self, method: str, target: str, fields: Fields, body: bytes) -> Answer:
        op, how = await self.begin(method, target, fields, body), "given-up"
        try:
            answer = await self._until_final(op, method, target, fields, body)
            how = "final"
            return answer
        except Stuck:
            how = "stuck"
            raise
        finally:
            if op:
                self.line.log("end", op=op, how=how)

    async def _until_final(self, op: int, method: str, target: str, fields: Fields, body: bytes) -> Answer:
        pause, edge = PAUSE, self.luck.randrange(self.line.edges)
        for number in range(1, TRIES + 1):
            answer = await self.attempt(op, number, edge, method, target, fields, body)
            if answer is not None and not answer.may_be_tried_again:
                return answer
            if op and not self.line.calm and self.luck.random() < GIVES_UP:
                raise Gone
            edge = (edge + 1) % self.line.edges  # as a service worker does
            await asyncio.sleep(pause * (0.5 + self.luck.random()))
            pause = min(2 * pause, LONGEST_PAUSE)
        raise Stuck(f"{method} {target} got no final answer in {TRIES} tries")
