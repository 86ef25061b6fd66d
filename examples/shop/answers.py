"""How the shop answers: one model per route, shown as a page or sent as JSON, and its problems."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from edge import context

from .art import picture
from .kinds import KINDS
from .negotiation import prefers_json
from .prices import FREE_SHIPPING_FROM, money, per_100_grams
from .stock import FEW, sentence

# code -> (status, title); the shop's own problems, the kit has others (RFC 9457).
PROBLEMS = {
    "not-found": (404, "There is nothing on this shelf"),
    "method-not-allowed": (405, "That cannot be done here"),
    "unreadable": (400, "The request could not be read"),
    "unknown-tea": (422, "We do not sell that tea"),
    "bad-quantity": (422, "That is not a number of packs"),
    "cart-full": (409, "The cart is full"),
    "cart-empty": (409, "The cart is empty"),
    "out-of-stock": (409, "There is not enough left"),
    "bad-account": (422, "That will not do"),
    "name-taken": (409, "That name is taken"),
    "wrong-password": (403, "That did not work"),
    "too-often": (429, "Not again just now"),
}
BY_STATUS = {400: "unreadable", 404: "not-found", 405: "method-not-allowed"}


def day(seconds: float) -> str:
    """A moment as people read it, in UTC so that every host says the same."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def iso(seconds: float) -> str:
    """A moment for the `datetime` attribute (RFC 3339)."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    auto_reload=False,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters |= {"money": money, "day": day, "iso": iso, "sentence": sentence}
TEMPLATES.globals |= {
    "KINDS": KINDS,
    "FREE_SHIPPING_FROM": FREE_SHIPPING_FROM,
    "per_100_grams": per_100_grams,
    "FEW": FEW,
    "picture": picture,
}


def answer(request: Request, template: str, model: Mapping[str, Any], status: int = 200) -> Response:
    """`model` as JSON if the client would rather have that, else as the page that `template` makes of it."""
    if prefers_json(request.headers.get("accept", "")):
        return JSONResponse(dict(model), status, {"vary": "accept"})
    return _page(request, template, model, status)


def problem(
    request: Request,
    code: str,
    detail: str,
    *,
    template: str = "problem.html",
    model: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> Response:
    """A failure with a `code` from `PROBLEMS`: a problem document, or a page that says how to go on.

    The page gets `trouble` (the document) and `members` on top of `model`; they extend the document.
    """
    status, title = PROBLEMS[code]
    document = {
        "type": f"urn:problem-type:shop:{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
    } | members
    if prefers_json(request.headers.get("accept", "")):
        sent = {"vary": "accept", **(headers or {})}
        return JSONResponse(document, status, sent, media_type="application/problem+json")
    return _page(request, template, {**(model or {}), **members, "trouble": document}, status, headers)


async def on_http_exception(request: Request, error: HTTPException) -> Response:
    """Starlette's own refusals (no route, wrong method, unreadable form) in the shop's words."""
    code = BY_STATUS.get(error.status_code, "unreadable")
    detail = "Nothing lives at this address." if code == "not-found" else f"{error.detail}."
    return problem(request, code, detail, headers=error.headers)


def _page(
    request: Request,
    template: str,
    model: Mapping[str, Any],
    status: int,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    ctx = context(request)
    shell = {
        "q": "",
        "trouble": None,
        "left": None,
        "short": [],
        "path": request.url.path,
        "in_cart": ctx.state.get("cart", {}),
        "form_key": ctx.form_key,
        "static": ctx.static,
        "user": None if ctx.user is None or ctx.user.is_guest else ctx.user.claims["name"],
    }
    html = TEMPLATES.get_template(template).render(shell | dict(model))
    sent = {"vary": "accept", "cache-control": "private, no-store", **(headers or {})}
    return HTMLResponse(html, status, sent)
