"""What people read when something goes wrong (case N11)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge.errors import PROBLEMS, Problem
from edge.page_words import WORDS, for_people

# Words that only make sense to somebody who knows how the site is built.
JARGON = re.compile(
    r"\b(edge|host|origin|token|record|commit|header|json|http|request|response|server|key|cache|catalog"
    r"|state|kit|utf|handler|proof|idempot\w*|sub?mit\w*|403|404|4\d\d|5\d\d)s?\b",
    re.IGNORECASE,
)


def test_there_are_words_for_every_code_and_no_others() -> None:
    assert set(WORDS) == set(PROBLEMS)


@pytest.mark.parametrize("code", PROBLEMS)
def test_words_are_for_people(code: str) -> None:
    title, text = for_people(Problem(code, "127.0.0.1:8001 said 65536 bytes", for_developers=True))
    assert JARGON.findall(f"{title} {text}") == []
    assert title
    assert title[0].isupper()
    assert text == "" or text.endswith(".")


@pytest.mark.parametrize("code", ["not-found", "forbidden"])
def test_a_detail_for_people_is_shown(code: str) -> None:
    assert for_people(Problem(code, "There is no such tea."))[1] == "There is no such tea."


def test_a_technical_detail_is_not() -> None:
    assert "Content-Length" not in for_people(Problem("malformed-header", "Content-Length is no number"))[1]


@pytest.mark.parametrize(("limit", "shown"), [(999, "999 bytes"), (1_500, "1.5 kB"), (10_485_760, "10.5 MB")])
def test_sizes_are_in_units_that_people_know(limit: int, shown: str) -> None:
    assert f"The most is {shown}." in for_people(Problem("body-too-large", limit=limit))[1]


def test_a_host_that_starts_again_says_so_in_the_same_words() -> None:
    """Its JavaScript does, while there is no Python."""
    script = (Path(__file__).parents[2] / "browser" / "node" / "refusals.js").read_text("utf-8")
    title, text = for_people(Problem("host-starting"))
    assert f'"{title}"' in script
    assert f"<p>{text}</p>" in script
