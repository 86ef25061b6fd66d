"""The one exception of the build, and how its subprocesses are run."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class BuildError(Exception):
    """An expected failure: `str(error)` is a sentence that says what to do.

    `detail` holds what a person may want to read before it, such as the end of a traceback.
    """

    def __init__(self, sentence: str, detail: str = "") -> None:
        super().__init__(sentence)
        self.detail = detail


def run(
    command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str], timeout: float = 600
) -> subprocess.CompletedProcess[str]:
    """Run a tool and return its status and output, whatever they are; `timeout` in seconds.

    Raises `BuildError` when the tool cannot be started or does not end.
    """
    words = [str(word) for word in command]
    try:
        return subprocess.run(  # noqa: S603 - the words are ours, and there is no shell
            words,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except OSError as error:
        raise BuildError(f"{words[0]} cannot be started: {error.strerror or error}.") from error
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"{Path(words[0]).name} did not end within {timeout:.0f} s.") from error
