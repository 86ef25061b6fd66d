"""An app as a tutorial lays it out, served while it is developed, in a real Chromium."""

from __future__ import annotations

import time

import httpx2
import pytest

from ..visit import LIMIT, READY

APP = """
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from edge import Stateless

here = Path(__file__).parent


async def show(request):
    found = Path("templates/note.txt").is_file()  # from where the app lies
    head = "<!doctype html><title>Tea</title><link rel=icon href=data:,>"
    return HTMLResponse(f"{head}<h1>GREETING {found}</h1>")


app = Stateless(Starlette(routes=[Route("/", show)]), anywhere=["/"], static={"/files": here / "files"})
"""
NAMES = ["a b@c+d;e'f&g.txt", "100%.txt", "x%20y.txt", "é.txt", "!$(),=:~*|[]^.txt", "#?.txt", "茶.txt"]
ASK = """async ([name, all]) => {
  const bytes = [...new TextEncoder().encode(name)]
  const spelled = all ? bytes.map((byte) => '%' + byte.toString(16).padStart(2, '0')).join('')
    : encodeURI(name).replaceAll('#', '%23').replaceAll('?', '%3F')
  const response = await fetch('/files/' + spelled)
  return [response.status, await response.text()]
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tutorial")
    for name in ("files", "templates"):
        (folder / name).mkdir()
    (folder / "templates" / "note.txt").write_text("here")
    for name in NAMES:
        (folder / "files" / name).write_text(f"this is {name}")
    (folder / "main.py").write_text(APP.replace("GREETING", "Hello"))
    return folder


@pytest.fixture(scope="module")
def served(serve, folder, tmp_path_factory):
    return serve("main:app", folder, tmp_path_factory.mktemp("data"))


@pytest.fixture
def page(chromium, served):
    context = chromium.new_context()
    page = context.new_page()
    page.goto(served.url)
    page.wait_for_function(READY, timeout=LIMIT)
    yield page
    context.close()


def test_relative_paths_begin_where_the_app_lies(page):
    """Case P19."""
    page.context.set_offline(True)
    page.reload()
    assert page.inner_text("h1") == "Hello True"


def test_static_files_are_found_offline_however_their_names_are_spelled(page):
    """Case P22."""
    page.context.set_offline(True)
    for name in NAMES:
        for encoded in (False, True):
            assert page.evaluate(ASK, [name, encoded]) == [200, f"this is {name}"], (name, encoded)


def test_a_change_that_does_not_work_is_shown_over_the_page(page, served, folder):
    """Case N16."""
    (folder / "main.py").write_text("import nonsense\n" + APP.replace("GREETING", "Goodbye"))
    deadline = time.monotonic() + LIMIT / 1000
    while httpx2.get(f"{served.url}/_edge/failure").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    page.reload()
    alert = page.wait_for_selector("section[role=alert]", timeout=LIMIT)
    assert "No module named 'nonsense'" in alert.inner_text()
    assert page.inner_text("h1").startswith("Hello")
    alert.query_selector("button").click()
    assert page.query_selector("section[role=alert]") is None
    (folder / "main.py").write_text(APP.replace("GREETING", "Hello"))
