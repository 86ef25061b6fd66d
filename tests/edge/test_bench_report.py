"""The table of the benchmarks: what no clock has seen is not printed as if it had."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench" / "browser"


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module("report")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(-99.999_997, "< 100"), (-3.7e-06, "< 100"), (0, "< 100"), (99.999_997, "100"), (299.9, "300")],
)
def test_the_browsers_clock_is_coarse(report: ModuleType, value: float, shown: str) -> None:
    figures = {"middleware adds, from the page, kit": {"value": value, "unit": "µs"}}
    assert list(report.table(figures))[2] == f"| middleware adds, from the page, µs | {shown} |  |  |  |  |"


@pytest.mark.parametrize(("value", "shown"), [(-4.365, "-4.37"), (0.5, "0.5"), (1234.5, "1,234")])
def test_other_figures_stand_as_they_are(report: ModuleType, value: float, shown: str) -> None:
    assert report.cell("middleware adds, Server-Timing, kit", {"value": value, "unit": "µs"}) == shown
