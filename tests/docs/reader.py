"""Somebody who does what a page of docs/ says: from an empty folder, in a shell without our environment."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from .blocks import blocks, edited

ROOT = Path(__file__).parents[2]
START_LIMIT = 300  # seconds; the first build of a machine fetches and compiles packages


class Reader:
    """`folder` is where they work; `instead` maps what the page says to what they do (a port that is free);
    commands run behind `prefix`, such as one that enters a namespace."""

    def __init__(
        self, folder: Path, *, instead: Mapping[str, str] | None = None, prefix: Sequence[str] = ()
    ) -> None:
        self.folder = folder
        self._instead = dict(instead or {})
        self._prefix = [*prefix, "bash", "-euo", "pipefail", "-c"]
        path = [part for part in os.environ["PATH"].split(os.pathsep) if not part.startswith(str(ROOT))]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EDGEKIT_")}
        self._environment = {**kept, "PATH": os.pathsep.join(path), "CHECKOUT": str(ROOT)}
        self._background: list[subprocess.Popen[str]] = []

    def follow(self, page: str, *sections: str) -> None:
        """Do what these sections of docs/`page` say, in their order; raises AssertionError at what fails."""
        for block in blocks(ROOT / "docs" / page):
            if block.section not in sections:
                continue
            text = self._said(block.text)
            match block.what:
                case "file":
                    file = self.folder / block.argument
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_text(text)
                case "edit":
                    file = self.folder / block.argument
                    file.write_text(edited(file.read_text(), text))
                case "background":
                    self._start(text, self._said(block.argument))
                case "run":
                    self.run(text)

    def run(self, text: str) -> str:
        """Run commands; returns what they print, raises AssertionError if one fails."""
        done = subprocess.run(
            [*self._prefix, text],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def end(self) -> None:
        """End what still runs."""
        for process in self._background:
            process.terminate()
        for process in self._background:
            process.communicate()

    def _said(self, text: str) -> str:
        for word, other in self._instead.items():
            text = text.replace(word, other)
        return text

    def _start(self, text: str, ready: str) -> None:
        process = subprocess.Popen(
            [*self._prefix, f"exec {text}"],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._background.append(process)
        limit = threading.Timer(START_LIMIT, process.terminate)
        limit.start()
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        limit.cancel()
        assert line == ready, f"{text}{line!r}"
