"""A user with a browser: cookies, forms, keys, and the patience to send the same request again.

With a service worker the browser says so (`Edgekit-Client`) and gives keys to what has none; without one the
user sends a form again, as somebody does who presses the button once more.
"""

from __future__ import annotations

import asyncio
import base64
import json as jsons
from collections.abc import Mapping
from typing import Any

from ..intake import SAFE, form_field, idempotency_key
from ..settlement import fingerprint_of
from . import faults, pages
from .answers import Answer, Page, local, read_view, understood
from .http1 import Broken, request
from .line import NUMBER, Line
from .pages import Form

TRIES = 60  # of one request; by then something is wrong for good
PATIENCE = 6.0  # seconds for one answer
PAUSE, LONGEST_PAUSE = 0.05, 0.8  # seconds between two tries
GIVES_UP = 0.01  # probability, after each try that failed
REDIRECTS = frozenset({301, 302, 303})
REDIRECT_LIMIT = 5
SITE = "127.0.0.1"
FORM = "application/x-www-form-urlencoded"

Fields = list[tuple[str, str]]


class Gone(Exception):
    """The user has closed the browser without having seen an answer."""


class Stuck(Exception):
    """A request got no final answer in `TRIES` tries."""


class User:
    """One visit. `random` is its chance, the same for the same seed; `has_worker` tells whether the browser
    has a service worker. All methods raise `Gone` and `Stuck`, which end a visit."""

    def __init__(self, line: Line, visit: int) -> None:
        self.visit = visit
        self.random = faults.dice(line.seed, "visit", visit)
        self.has_worker = self.random.random() < 0.5
        self.cookies: dict[str, str] = {}
        self._line = line
        self._faults = faults.dice(line.seed, "faults", visit)
        self._client = base64.urlsafe_b64encode(self._faults.randbytes(16)).rstrip(b"=").decode()
        self._keys = 0

    async def arrive(self) -> None:
        """What a service worker does first: ask whose browser this is."""
        if self.has_worker:
            await self._send("GET", "/_edge/view", [], b"")

    async def get(self, target: str, **headers: str) -> Page:
        """Open an address of the site, path and query, and follow redirects.

        `headers` name fields with underscores: `accept="application/json"`.
        """
        return await self._followed(await self._send("GET", target, _fields(headers), b""))

    async def submit(self, form: Form, /, **values: str) -> Page:
        """Fill in a form, `values` first and the rest by chance, send it, and follow the redirect."""
        return await self.submit_again(form, form.fill(self.random, values))

    async def submit_again(self, form: Form, pairs: list[tuple[str, str]]) -> Page:
        """Send a form with exactly these pairs of names and values, and follow the redirect."""
        if form.method != "POST":
            return await self.get(f"{form.action.partition('?')[0]}?{pages.encode(pairs).decode()}")
        fields = [("content-type", FORM)]
        if not any(name == "_key" for name, _ in pairs):
            fields.append(("idempotency-key", self._new_key()))
        return await self._followed(await self._send("POST", form.action, fields, pages.encode(pairs)))

    async def send(
        self, method: str, target: str, *, json: Any = None, body: bytes = b"", **headers: str
    ) -> Page:
        """What a script does with `fetch`; a request that changes something gets a key. Redirects are
        followed."""
        fields = _fields(headers)
        if json is not None:
            body = jsons.dumps(json).encode()
            fields.append(("content-type", "application/json"))
        if method not in SAFE:
            fields.append(("idempotency-key", self._new_key()))
        return await self._followed(await self._send(method, target, fields, body))

    def _new_key(self) -> str:
        self._keys += 1
        return f"{self._client}.{self._keys}" if self.has_worker else self._faults.randbytes(16).hex()

    async def _followed(self, first: Answer) -> Page:
        answer = first
        for _ in range(REDIRECT_LIMIT):
            target = local(answer.url, answer.headers.get("location", ""))
            if answer.status not in REDIRECTS or not target:
                break
            answer = await self._send("GET", target, [], b"")
        return Page(answer.url, answer.status, answer.headers, answer.body, first)

    async def _send(self, method: str, target: str, fields: Fields, body: bytes) -> Answer:
        if self.has_worker:
            fields = [*fields, ("edgekit-client", "1")]
        if not any(name == "accept" for name, _ in fields):
            fields = [*fields, ("accept", "text/html,*/*;q=0.8")]
        if method in SAFE:
            return await self._until_final(0, method, target, fields, body)
        op = await self._begin(method, target, fields, body)
        how = "given-up"
        try:
            answer = await self._until_final(op, method, target, fields, body)
            how = "final"
            return answer
        except Stuck:
            how = "stuck"
            raise
        finally:
            self._line.log("end", op=op, how=how)

    async def _until_final(self, op: int, method: str, target: str, fields: Fields, body: bytes) -> Answer:
        line = self._line
        rates = faults.WRITES if op else faults.READS
        pause, edge = PAUSE, self._faults.randrange(line.edges)
        for attempt in range(1, TRIES + 1):
            number = line.plan(edge, faults.draw(self._faults, rates), op, attempt)
            found = await self._try(number, method, target, fields, body)
            if isinstance(found, Answer):
                if op:
                    line.answered(op, attempt, found)
                self._keep(found)
                if not found.may_be_tried_again:
                    return found
            elif op:
                line.log("failure", op=op, number=attempt, why=found)
            if op and not line.calm and self._faults.random() < GIVES_UP:
                raise Gone
            edge = (edge + 1) % line.edges  # as a service worker does
            await asyncio.sleep(pause * (0.5 + self._faults.random()))
            pause = min(2 * pause, LONGEST_PAUSE)
        raise Stuck(f"{method} {target} got no final answer in {TRIES} tries")

    async def _begin(self, method: str, target: str, fields: Fields, body: bytes) -> int:
        """Write down that a request is on its way, and under which key the origin will know it."""
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in fields],
        }
        mark = fingerprint_of(scope, body)
        key = idempotency_key(scope, await form_field(scope, body), mark)
        op = self._line.next_op()
        self._line.log("write", op=op, visit=self.visit, key=key, method=method, target=target)
        return op

    async def _try(self, number: str, method: str, target: str, fields: Fields, body: bytes) -> Answer | str:
        """The answer, or why there is none."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        ours = [("host", SITE), (NUMBER, number)]
        sent = request(method, target, [*ours, *fields, *([("cookie", cookie)] if cookie else [])], body)
        try:
            async with asyncio.timeout(PATIENCE):
                return understood(target, await self._line.ask(sent))
        except TimeoutError:
            return "timeout"
        except (Broken, OSError) as error:
            return str(error) or type(error).__name__

    def _keep(self, answer: Answer) -> None:
        """Take over the cookies of an answer."""
        for line in filter(None, answer.headers.get("set-cookie", "").split("\n")):
            pair, *attributes = [part.strip() for part in line.split(";")]
            name, _, value = pair.partition("=")
            if any(part.lower() == "max-age=0" for part in attributes):
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
            if name.endswith("edgekit-view"):
                self._line.log("view", visit=self.visit, view=read_view(self.cookies.get(name, "")))


def _fields(headers: Mapping[str, str]) -> Fields:
    return [(name.replace("_", "-"), value) for name, value in headers.items()]
