"""A folder of JSON files becomes the catalog, or the operator learns which file is wrong and why."""

from __future__ import annotations

import json

import pytest

from origin.catalog import load_catalog
from origin.errors import StartError


def test_each_file_is_a_collection(tmp_path):
    (tmp_path / "teas.json").write_text('{"b": {"name": "Būrå"}, "a": {}}', encoding="utf-8")
    (tmp_path / "cups.json").write_text("{}")
    (tmp_path / "notes.txt").write_text("not ours")
    cups, teas = load_catalog(tmp_path)
    assert (cups.name, teas.name) == ("cups", "teas")
    document = json.loads(teas.body)
    assert document == {
        "collection": "teas",
        "version": teas.version,
        "items": {"b": {"name": "Būrå"}, "a": {}},
    }
    assert list(document["items"]) == ["b", "a"]


def test_the_version_follows_the_content_and_not_the_spelling(tmp_path):
    def version(text):
        (tmp_path / "teas.json").write_text(text)
        (teas,) = load_catalog(tmp_path)
        return teas.version

    assert version('{"a":{"n":1},"b":{}}') == version('{ "a": {"n": 1}, "\\u0062": {} }\n')
    assert version('{"a":{"n":1},"b":{}}') != version('{"a":{"n":2},"b":{}}')
    assert version('{"a":{"n":1},"b":{}}') != version('{"b":{},"a":{"n":1}}')


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[]", "not an object"),
        (b'{"a": 1}', "the item 'a' is not an object"),
        (b'{"a": {}, "a": {}}', "'a' occurs twice"),
        (b'{"a": {"n": 1, "n": 2}}', "'n' occurs twice"),
        (b'{"a": {"n": NaN}}', "NaN is not JSON"),
        (b'{"a": ', "line 1 column 7"),
        (b'{"a": {"n": "\xff"}}', "can't decode byte 0xff"),
        (b'{"a": {"n": "\\ud800"}}', "surrogates not allowed"),
        (b"[" * 100_000, "recursion"),
    ],
)
def test_a_bad_file_is_named(tmp_path, content, reason):
    (tmp_path / "teas.json").write_bytes(content)
    with pytest.raises(StartError, match=r"teas\.json: .*" + reason):
        load_catalog(tmp_path)


def test_bad_places_are_named(tmp_path):
    with pytest.raises(StartError, match="nowhere is not a folder"):
        load_catalog(tmp_path / "nowhere")
    (tmp_path / "green teas.json").write_text("{}")
    with pytest.raises(StartError, match="'green teas' cannot name a collection"):
        load_catalog(tmp_path)
