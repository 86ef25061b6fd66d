"""Static files by the tag of their content: case P35."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from edge.hosts.tagged_files import TaggedFiles

TAG = f'"{hashlib.sha256(b"green").hexdigest()[:32]}"'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tea.txt").write_text("green")
    return tmp_path


def test_the_tag_is_of_the_content_whenever_the_file_was_put_there(folder: Path) -> None:
    client = TestClient(TaggedFiles(folder))
    first = client.get("/tea.txt")
    os.utime(folder / "tea.txt", (7, 7))
    second = client.get("/tea.txt")
    assert [answer.headers["etag"] for answer in (first, second)] == [TAG, TAG]
    assert "last-modified" not in first.headers


def test_another_content_of_the_same_length_has_another_tag(folder: Path) -> None:
    client = TestClient(TaggedFiles(folder))
    client.get("/tea.txt")
    (folder / "tea.txt").write_text("black")
    os.utime(folder / "tea.txt", (7, 7))
    assert client.get("/tea.txt").headers["etag"] != TAG


def test_whoever_has_it_gets_no_body_and_part_of_it_by_its_tag(folder: Path) -> None:
    client = TestClient(TaggedFiles(folder))
    assert client.get("/tea.txt", headers={"if-none-match": TAG}).status_code == 304
    part = client.get("/tea.txt", headers={"if-range": TAG, "range": "bytes=1-2"})
    assert (part.status_code, part.content) == (206, b"re")
