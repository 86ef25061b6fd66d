"""The build says what a catalog takes, and when it is too much for a host (case H2)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.release.catalog import describe, folder_of


def publish(folder: Path, items: int, size: int) -> None:
    folder.mkdir(exist_ok=True)
    rows = {f"tea-{i}": {"name": f"Tea {i}", "text": "x" * size} for i in range(items)}
    (folder / f"c{items}.json").write_text(json.dumps(rows, indent=2))


def test_an_app_without_a_catalog_hears_nothing(tmp_path: Path) -> None:
    assert describe(tmp_path / "catalog") is None
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "broken.json").write_text("{")
    assert describe(tmp_path / "catalog") is None


@pytest.mark.parametrize(
    ("collections", "said"),
    [
        ([(400, 400)], "about 1 MiB of memory in each host"),
        ([(4_000, 400)], "about 5 MiB of memory in each host"),
        ([(50_000, 200)], "more than the 32 of a browser"),
        ([(10, 1_000_000), (11, 1_000_000)], "more than the 32 of a browser"),
        ([(20, 8_000_000)], "more than the 256 of an edge: set EDGEKIT_CATALOG_MEMORY"),
    ],
    ids=str,
)
def test_it_hears_what_all_collections_take_together(
    tmp_path: Path, collections: list[tuple[int, int]], said: str
) -> None:
    for items, size in collections:
        publish(tmp_path / "catalog", items, size)
    assert said in str(describe(tmp_path / "catalog"))


def test_the_catalog_is_in_the_package_or_beside_the_module(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    assert folder_of(tmp_path, "shop") == tmp_path / "shop" / "catalog"
    assert folder_of(tmp_path, "app") == tmp_path / "catalog"
