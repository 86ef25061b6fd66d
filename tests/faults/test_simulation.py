"""Schedules on a virtual clock: many pass, each bug is found by some, a seed always tells the same story."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("simulate.py")
SCHEDULES = 300
PATIENCE = 1200  # seconds


def simulate(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *options],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_nothing_is_found_in_many_schedules():
    done = simulate("--schedules", str(SCHEDULES), "--processes", str(os.cpu_count()))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"{SCHEDULES} schedules, ")


@pytest.mark.parametrize(
    "bug",
    ["early-delete", "second-transaction", "early-reply", "forgotten-key", "fresh-answer", "unchecked-reads"],
)
def test_a_bug_is_found_and_its_seed_finds_it_again(bug):
    done = simulate("--schedules", "40", "--processes", str(os.cpu_count()), "--bug", bug)
    assert done.returncode == 1, done.stdout + done.stderr
    first, again = done.stdout.splitlines()[:2]
    number = first.partition(":")[0].removeprefix("seed ")
    assert again.split()[2:] == ["--seed", number, "--story", "--bug", bug]
    assert simulate("--seed", number, "--story", "--bug", bug).returncode == 1


def test_a_seed_always_tells_the_same_story():
    stories = {simulate("--seed", "5", "--story", PYTHONHASHSEED=str(seed)).stdout for seed in (1, 2)}
    assert len(stories) == 1
