"""What is broken is told: to the edge that still runs by a file, and to browsers by a page of its own."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import httpx2
import pytest

from edge.serve.failures import Failures, StandIn, without_steps


def test_the_file_says_what_is_broken_now(tmp_path):
    file = tmp_path / "failure.txt"
    failures = Failures(file)
    assert file.read_text() == ""
    failures.note("release", "edgekit: no tea\n")
    failures.note("edge", "Traceback")
    assert (
        file.read_text()
        == failures.text
        == "The app:\nTraceback\n\nThe release for browsers:\nedgekit: no tea"
    )
    failures.note("edge", "")
    assert file.read_text() == "The release for browsers:\nedgekit: no tea"
    failures.note("release", "")
    assert file.read_text() == ""


def test_a_page_says_so_and_is_no_hole(tmp_path):
    failures = Failures(tmp_path / "failure.txt")
    failures.note("edge", "<script>alert(1)</script>")
    page = failures.page().decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page


def ask(url: str) -> httpx2.Response:
    return httpx2.get(url, timeout=30, trust_env=False)


def test_browsers_get_that_page_at_once_while_there_is_no_edge(tmp_path):
    """Case N8: the page does not wait in the backlog for an edge that cannot come."""
    failures = Failures(tmp_path / "failure.txt")
    failures.note("edge", "no tea")

    async def answers() -> list[httpx2.Response]:
        with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}/any/path?x=1"
            stand_in = StandIn(listening, 64, failures)
            await stand_in.start()
            await stand_in.start()
            found = [await asyncio.to_thread(ask, url) for _ in range(3)]
            waiting = asyncio.ensure_future(asyncio.to_thread(ask, url))
            await waiting
            await stand_in.stop()
            await stand_in.stop()
            assert listening.fileno() > 0  # still there for the edge
            return found

    for answer in asyncio.run(answers()):
        assert (answer.status_code, answer.headers["cache-control"]) == (503, "no-store")
        assert "no tea" in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("toolchain    0.05 s\nresolve      cached  without uvicorn\nedgekit: no tea\n", "edgekit: no tea\n"),
        ("time zones   1.25 s\n  File 'a.py'\nValueError: x\n", "  File 'a.py'\nValueError: x\n"),
    ],
)
def test_the_steps_of_a_build_are_no_part_of_its_failure(said, kept):
    assert without_steps(said) == kept


def test_a_file_that_cannot_be_written_is_no_reason_to_stop():
    failures = Failures(Path("/proc/no/such/file"))
    failures.note("edge", "x")
    assert failures.text == "The app:\nx"
