"""A program whose wall clock is wrong."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

PROGRAM = "import sys, time; print(time.time(), *sys.argv)"


def test_only_the_wall_clock_is_wrong(tmp_path, monkeypatch):
    (tmp_path / "program.py").write_text(PROGRAM)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    command = [sys.executable, "-m", "edge.verify.skewed", "-1000", "program", "--an", "option"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert float(said[0]) == pytest.approx(time.time() - 1000, abs=60)
    assert said[1].endswith("program.py")
    assert said[2:] == ["--an", "option"]
