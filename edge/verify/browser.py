"""A browser: keeps cookies, makes keys, sends one request at a time. What to send is a user's business."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping

from ..fingerprints import fingerprint_of
from ..intake import SAFE, form_field, idempotency_key
from . import faults
from .answers import Answer, read_view, understood
from .http1 import Broken, request
from .line import NUMBER, Line

PATIENCE = 6.0  # seconds for one answer
SITE = "127.0.0.1"

Fields = list[tuple[str, str]]


class Browser:
    """`random` is what its user does by chance, `luck` what happens to its requests; both are the same for
    the same seed. With a service worker (`has_worker`) it says so and numbers its keys."""

    def __init__(self, line: Line, visit: int) -> None:
        self.visit = visit
        self.line = line
        self.random = faults.dice(line.seed, "visit", visit)
        self.luck = faults.dice(line.seed, "faults", visit)
        self.has_worker = self.random.random() < 0.5
        self.cookies: dict[str, str] = {}
        self._client = base64.urlsafe_b64encode(self.luck.randbytes(16)).rstrip(b"=").decode()
        self._keys = 0

    def new_key(self) -> str:
        """An idempotency key that no other request has."""
        self._keys += 1
        return f"{self._client}.{self._keys}" if self.has_worker else self.luck.randbytes(16).hex()

    def fields(self, headers: Mapping[str, str]) -> Fields:
        """The header fields of a request, without cookies; names with underscores."""
        fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
        if "accept" not in headers:
            fields.append(("accept", "text/html,*/*;q=0.8"))
        return [*fields, ("edgekit-client", "1")] if self.has_worker else fields

    def seen_as(self) -> str:
        """The user's id in the view that this browser holds, or ""."""
        token = next((value for name, value in self.cookies.items() if name.endswith("edgekit-view")), "")
        view = read_view(token)
        return "" if view is None else str(view["sub"])

    async def begin(self, method: str, target: str, fields: Fields, body: bytes) -> int:
        """Write down that a request is on its way, and under which key the origin will know it.

        Returns its number, 0 for one that changes nothing.
        """
        if method in SAFE:
            return 0
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
        op = self.line.next_op()
        self.line.log("write", op=op, visit=self.visit, key=key, method=method, target=target)
        return op

    async def attempt(
        self, op: int, number: int, edge: int, method: str, target: str, fields: Fields, body: bytes
    ) -> Answer | None:
        """Send request `op` for the `number`-th time, to that edge; None if no whole answer comes back."""
        fault = faults.draw(self.luck, faults.WRITES if op else faults.READS)
        plan = self.line.plan(edge, fault, op, number)
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        ours = [("host", SITE), (NUMBER, plan), *([("cookie", cookie)] if cookie else [])]
        why = "timeout"
        try:
            async with asyncio.timeout(PATIENCE):
                message = await self.line.ask(request(method, target, [*ours, *fields], body))
        except TimeoutError:
            pass
        except (Broken, OSError) as error:
            why = str(error) or type(error).__name__
        else:
            answer = understood(target, message)
            if op:
                self.line.answered(op, number, answer)
            self._keep(answer)
            return answer
        if op:
            self.line.log("failure", op=op, number=number, why=why)
        return None

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
                self.line.log("view", visit=self.visit, view=read_view(self.cookies.get(name, "")))
