"""Accounts: a name and a password make a visitor somebody whose orders wait on every device."""

from __future__ import annotations

import hashlib
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from edge import context

from .answers import answer, problem
from .orders import adopt

WRONG = "There is no account with that name and password."
LONGEST_NAME, SHORTEST_PASSWORD, LONGEST_PASSWORD = 40, 8, 200


async def show(request: Request) -> Response:
    """GET /account: who is signed in, or the form to sign in."""
    user = context(request).user
    name = user.claims.get("name") if user is not None else None
    return answer(request, "account.html", {"signed_in": name, "typed": ""})


async def enter(request: Request) -> Response:
    """POST /account: sign in with `name` and `password`, or open an account with them (`action=open`)."""
    from .attempts import failures  # noqa: PLC0415 - these stay at the edge
    from .passwords import digest, matches, new_salt  # noqa: PLC0415

    ctx = context(request)
    async with request.form(max_files=0, max_fields=10) as form:
        fields: dict[str, Any] = {name: value for name, value in form.items() if isinstance(value, str)}
    name, password = " ".join(fields.get("name", "").split()), fields.get("password", "")
    kept = {"signed_in": None, "typed": name[:LONGEST_NAME]}
    if not 0 < len(name) <= LONGEST_NAME or not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        detail = f"A name has up to {LONGEST_NAME} characters, a password at least {SHORTEST_PASSWORD}."
        return problem(request, "bad-account", detail, template="account.html", model=kept)
    account_id = hashlib.sha256(name.casefold().encode()).hexdigest()
    if pause := failures.wait(account_id):
        detail = f"That name was tried too often. Try again in {-(-pause // 60)} minutes."
        headers = {"retry-after": str(pause)}
        return problem(request, "too-often", detail, template="account.html", model=kept, headers=headers)
    account = await ctx.records.get("accounts", account_id)
    if account is None and fields.get("action") == "open":
        salt = new_salt()
        kept_as = {"name": name, "salt": salt, "password": await digest(password, salt)}
        ctx.records.put("accounts", account_id, kept_as)
    elif not await matches(password, account and account.value):
        failures.note(account_id)
        # Who opens an account twice with its password, as a retry does, is signed in.
        taken = fields.get("action") == "open"
        code = "name-taken" if taken else "wrong-password"
        detail = "Somebody has an account by that name already." if taken else WRONG
        return problem(request, code, detail, template="account.html", model=kept)
    ctx.sign_in(account_id, name=name if account is None else account.value["name"])
    await adopt(ctx)
    return RedirectResponse("/account", status_code=303)


async def leave(request: Request) -> Response:
    """POST /account/leave: sign out, with `everywhere` on all devices."""
    async with request.form(max_files=0, max_fields=10) as form:
        context(request).sign_out(everywhere="everywhere" in form)
    return RedirectResponse("/account", status_code=303)
