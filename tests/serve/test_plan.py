"""The commands of a running `edgekit serve`."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.serve.plan import Plan
from edge.serve.sources import Sources


def plan(folder: Path, *, reload: bool = True) -> Plan:
    sources = Sources(folder / "tea", None)
    return Plan(
        "tea.app:app",
        folder,
        folder / "data",
        reload,
        sources,
        ("https://a.example",),
        None,
        ("--include=x",),
    )


@pytest.mark.parametrize("reload", [True, False])
def test_the_build_is_the_users(tmp_path, reload):
    """Case P19: what `serve` was asked to include, too."""
    command = plan(tmp_path, reload=reload).build_command()
    assert command[1:6] == ["-m", "edge.cli", "build", "tea.app:app", "-o"]
    assert {"--edge=https://a.example", "--include=x"} <= set(command)
    assert ("--development" in command) is reload


def test_a_catalog_is_checked_if_there_is_one(tmp_path):
    """Case H7."""
    assert plan(tmp_path).check_command() == []
    assert "--catalog" not in plan(tmp_path).origin_command(7)
    (tmp_path / "tea" / "catalog").mkdir(parents=True)
    assert plan(tmp_path).check_command()[1:] == ["-m", "origin.catalog", str(tmp_path / "tea" / "catalog")]
    command = plan(tmp_path).origin_command(7)
    assert command[command.index("--fd") + 1] == "7"
    assert command[-2:] == ["--catalog", str(tmp_path / "tea" / "catalog")]
