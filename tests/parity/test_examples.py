"""FastAPI's documentation examples on three hosts: plain uvicorn's answers, or an explained difference."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from ..hosts.conftest import native, node
from ..visit import LIMIT, READY
from . import in_chromium
from .asking import Key, ask, uvicorn
from .compare import Answer, Tally
from .conftest import Expected
from .known import known
from .recordings import Session

# What the browser has foretold runs again when others have been confirmed, and counts once more there.
OWN_DATABASE = "docs_src.sql_databases."
ATLEAST = 99.5  # % of what can be compared, on Pyodide


def compared(expected: Mapping[Key, Answer], found: Mapping[Key, Answer]) -> tuple[Tally, set[str]]:
    """What is the same and what is not, and which apps a host cannot import."""
    tally, no_app = Tally(), set()
    for key, answer in expected.items():
        if found[key].no_app:
            no_app.add(key[0])
        else:
            tally.add(key, answer, found[key])
    return tally, no_app


def explain(host: str, tally: Tally, no_app: set[str]) -> None:
    """Fail if docs/parity.md lacks a difference, or has one that is gone."""
    reasons = known(host)
    seen = {(_short(app), request): why for (app, _, request), why in tally.different.items()}
    seen |= {(_short(app), "all"): "cannot be imported" for app in no_app}
    lines = [
        f"new: {app} {request}: {why}"
        for (app, request), why in seen.items()
        if (app, request) not in reasons
    ]
    lines += [f"gone: {app} {request}" for app, request in reasons if (app, request) not in seen]
    if lines:
        pytest.fail("\n".join(lines), pytrace=False)


def _short(app: str) -> str:
    return app.removeprefix("docs_src.").removesuffix(":app")


def test_native_edge(
    expected: Expected,
    sessions: list[Session],
    site: Path,
    site_release: Path,
    environment: dict[str, str],
    host: str,
    say: Callable[[str], None],
) -> None:
    def start(address: str) -> contextlib.AbstractContextManager[str]:
        return native("parity_site:app", site, site_release, **{**environment, "EDGEKIT_ADDRESS": address})

    tally, no_app = compared(expected.answers, ask(start, host, sessions))
    say(f"native edge: {tally}")
    explain("native", tally, no_app)


def test_pyodide_on_node(
    expected: Expected,
    sessions: list[Session],
    site_release: Path,
    host: str,
    say: Callable[[str], None],
) -> None:
    tally, no_app = compared(
        expected.answers, ask(lambda address: node(site_release, EDGEKIT_ADDRESS=address), host, sessions)
    )
    say(f"Pyodide on Node.js: {tally}, {len(no_app)} apps cannot be imported there")
    explain("node", tally, no_app)
    assert tally.share >= ATLEAST


@pytest.mark.console_errors("")  # whatever an example answers with 4xx and 5xx is told there
def test_chromium_with_an_edge_beside_it(
    expected: Expected,
    sessions: list[Session],
    site: Path,
    site_release: Path,
    environment: dict[str, str],
    origin_url: str,
    keys: Path,
    port: int,
    host: str,
    chromium: Browser,
    say: Callable[[str], None],
) -> None:
    kept = {session.app for session in sessions if session.app.startswith(OWN_DATABASE)}
    comparable = [session for session in sessions if session.app not in expected.no_app | kept]
    beyond = {key for key, answer in expected.answers.items() if answer.is_beyond_scripts(host)}
    with uvicorn("switch:app", environment, port):
        plain = in_chromium.ask(chromium, f"http://{host}", comparable, beyond, workers=False)
    # An edge asks the origin what has become of a write before it says no to it.
    settings = {"EDGEKIT_ORIGIN": origin_url, "EDGEKIT_KEYS": str(keys / "edge-private.json")}
    with native("parity_site:app", site, site_release, port=port, **environment, **settings):
        found = in_chromium.ask(chromium, f"http://{host}", comparable, beyond, workers=True, ready=_complete)
    plain = {key: answer for key, answer in plain.items() if key in expected.answers and answer.status}
    tally, no_app = compared(plain, found)
    hosts = Counter(found[key].host for key in plain)
    say(f"Chromium with an edge beside it: {tally}; who has answered: {dict(hosts)}")
    own = [key for key in tally.different if found[key].host == "browser"]
    say(f"of the browser's own answers: {hosts['browser'] - len(own)} of {hosts['browser']} equal")
    explain("chromium", tally, no_app)
    assert not own, "never a different answer, at most an edge's"
    assert tally.share >= ATLEAST


def _complete(page: Page) -> None:
    """Wait until the browser's host answers, with all modules that come late."""
    page.wait_for_function(READY, timeout=LIMIT)
