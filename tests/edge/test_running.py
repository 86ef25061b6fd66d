"""Which request the present code runs for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from edge.errors import NeedsEdge
from edge.running import current, escalate, running
from edge.types import HostName


@dataclass
class Request:
    host: HostName = "browser"
    escalated: bool = False


def test_between_requests_there_is_none() -> None:
    assert current() is None
    escalate()


def test_tasks_and_callbacks_belong_to_the_request_that_began_them() -> None:
    first, second = Request(), Request()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with running(first):
            loop.call_soon(escalate)
            task = asyncio.create_task(asyncio.sleep(0, current))
        with running(second):
            await task
        await asyncio.sleep(0)

    asyncio.run(main())
    assert (first.escalated, second.escalated) == (True, False)


@pytest.mark.parametrize(
    ("host", "marks", "marked"), [("browser", True, True), ("browser", False, False), ("native", True, False)]
)
def test_whoever_needs_an_edge_marks_what_runs_in_a_browser(
    host: HostName, marks: bool, marked: bool
) -> None:
    request = Request(host)
    with running(request):
        NeedsEdge("a secret", marks=marks)
    assert request.escalated is marked
