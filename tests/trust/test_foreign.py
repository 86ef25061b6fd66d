"""A page of another site sends forms in a real Chromium: the visitor stays who they were (case T4)."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
NAME = "(name) => document.querySelector('h1')?.innerText === name"
PAGE = """<!doctype html><title>Win!</title><link rel="icon" href="data:,">
<form id="f" method="post" action="{url}{path}"><input name="user" value="eve"><input name="text" value="!">
</form><script>document.getElementById("f").submit()</script>"""


@pytest.fixture(scope="module")
def url(serve: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    address: str = serve("account_app:app", HERE, tmp_path_factory.mktemp("account"), "--no-reload").url
    return address


@pytest.fixture(scope="module")
def lure(url: str) -> Iterator[str]:
    """The address of the other site: `…/PATH` sends a form to PATH here, as soon as it is opened."""

    class Lure(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(PAGE.format(url=url, path=self.path).encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Lure)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"  # to a browser another site than 127.0.0.1
    server.shutdown()
    server.server_close()


def cookies(page: Any) -> dict[str, str]:
    return {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}


@pytest.mark.console_errors("403")  # Chromium itself reports these
@pytest.mark.parametrize("workers", ["block", "allow"])
@pytest.mark.parametrize("who", ["nobody", "ada"])
def test_forms_of_another_site_do_nothing(chromium: Any, url: str, lure: str, workers: str, who: str) -> None:
    page = chromium.new_context(service_workers=workers).new_page()
    if who == "ada":
        page.goto(f"{url}/edge")
        page.fill("[name=user]", "ada")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_function(NAME, arg="Ada")
    for path in ("/note", "/in", "/out", "/out-everywhere", "/_edge/session/forget"):
        before = cookies(page)
        with page.expect_response(lambda answer, path=path: answer.url == url + path) as waiting:
            page.goto(lure + path)
        answer = waiting.value
        assert answer.status == 403
        assert not {"set-cookie", "clear-site-data"} & set(answer.all_headers())
        assert cookies(page) == before
    page.goto(f"{url}/edge")
    page.wait_for_function(NAME, arg="Ada" if who == "ada" else "nobody")
    assert page.inner_text("#notes") == ""
