"""What the log says of a request that failed."""

from __future__ import annotations

import logging
from typing import Any

from .errors import NeedsEdge, Problem

logger = logging.getLogger("edgekit")


def log_failure(scope: dict[str, Any], error: Exception, problem: Problem) -> None:
    """A failure of the app with its traceback; one of what it depends on in one line.

    `error` is what was raised, `problem` what it is for the client.
    """
    if isinstance(error, NeedsEdge):
        return
    if problem.status == 500:
        logger.error("%s %r failed", scope["method"], scope["path"], exc_info=error)
    elif problem.status > 500:
        why = f"{problem} ({error.__cause__!r})" if error.__cause__ else problem
        logger.error("%s %r failed: %s", scope["method"], scope["path"], why)
    elif problem.for_developers:
        logger.warning("%s %r: %s", scope["method"], scope["path"], problem)
