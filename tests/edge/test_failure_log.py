"""What the log says of a request that failed."""

from __future__ import annotations

import logging

import pytest

from edge.errors import NeedsEdge, Problem
from edge.failure_log import log_failure

SCOPE = {"method": "GET", "path": "/tea"}


def caused(problem: Problem, cause: Exception) -> Problem:
    problem.__cause__ = cause
    return problem


@pytest.mark.parametrize(
    ("error", "level", "text", "traced"),
    [
        (ValueError("no tea"), logging.ERROR, "GET '/tea' failed", True),
        (Problem("state-too-large"), logging.ERROR, "GET '/tea' failed", True),
        # case N10: what lies elsewhere has no traceback that would help
        (
            caused(Problem("origin-unavailable"), OSError("refused")),
            logging.ERROR,
            "GET '/tea' failed: origin-unavailable: The origin does not answer (OSError('refused'))",
            False,
        ),
        (Problem("not-found", "x", for_developers=True), logging.WARNING, "GET '/tea': not-found: x", False),
    ],
)
def test_one_record(
    caplog: pytest.LogCaptureFixture, error: Exception, level: int, text: str, traced: bool
) -> None:
    log_failure(SCOPE, error, error if isinstance(error, Problem) else Problem("internal-error"))
    [record] = caplog.records
    assert (record.levelno, record.getMessage(), record.exc_info is not None) == (level, text, traced)


@pytest.mark.parametrize("error", [NeedsEdge("a thread"), Problem("not-found")])
def test_what_is_no_failure(caplog: pytest.LogCaptureFixture, error: Problem) -> None:
    log_failure(SCOPE, error, error)
    assert caplog.records == []
