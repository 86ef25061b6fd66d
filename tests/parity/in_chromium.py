"""Asks what stands behind a page in Chromium every recorded request: a server, or the browser's own host."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page

from ..visit import LIMIT
from .compare import Answer, Key
from .recordings import Recorded, Session

IN_PAGE = Path(__file__).with_name("in_page.js").read_text()
BROWSERS = ("host", "cookie", "user-agent")  # headers that a script cannot set
AGENT = "testclient"  # TestClient's


def ask(
    chromium: Browser,
    url: str,
    sessions: Sequence[Session],
    without: Collection[Key],
    *,
    workers: bool,
    ready: Callable[[Page], None] = lambda page: None,
) -> dict[Key, Answer]:
    """All answers but those in `without`. `workers`: whether there may be a service worker; `ready` waits
    until it is there."""
    context = chromium.new_context(user_agent=AGENT, service_workers="allow" if workers else "block")
    page = context.new_page()
    page.set_default_timeout(LIMIT)
    page.goto(url)
    ready(page)
    page.evaluate(IN_PAGE)
    own = {cookie["name"] for cookie in context.cookies()}
    found: dict[Key, Answer] = {}
    for session in sessions:
        keyed = {key: request for key, request in session.keyed() if key not in without}
        answers = page.evaluate(
            "(requests) => parity.ask(requests)", [_as_data(session, one) for one in keyed.values()]
        )
        found.update(zip(keyed, map(_answer, answers), strict=True))
        _forget_cookies(context, own)
    context.close()
    return found


def _as_data(session: Session, request: Recorded) -> dict[str, object]:
    """What a page's script can say of it; the browser adds its own headers, to both servers the same."""
    headers = [
        [name, value] for name, value in request.headers if name not in ("host", "cookie", "user-agent")
    ]
    return {
        "method": request.method,
        "target": request.target,
        "headers": [*headers, ["parity", session.name]],
        "body": base64.b64encode(request.body).decode(),
        "cookie": dict(request.headers).get("cookie", ""),
    }


def _answer(told: dict[str, object]) -> Answer:
    if "failed" in told:
        return Answer(0, (), str(told["failed"]).encode())
    headers = (*((name, value) for name, value in told["headers"]), ("(address)", told["url"]))  # type: ignore[attr-defined]
    return Answer(told["status"], headers, base64.b64decode(told["body"]), bool(told["cut"]))  # type: ignore[arg-type]


def _forget_cookies(context: BrowserContext, own: set[str]) -> None:
    """Cookies that an example has set are not the next one's."""
    for cookie in context.cookies():
        if cookie["name"] not in own and not cookie["name"].startswith(("__Host-edgekit", "edgekit")):
            context.clear_cookies(name=cookie["name"])
