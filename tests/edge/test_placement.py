"""Which routes may be answered in the browser, for Python and as data for JavaScript."""

from __future__ import annotations

import re

import pytest

from edge.placement import Placement

PATTERNS = ["/", "/products/{sku}", "/files/{name:path}", "/orders/{number:int}", "/tea.txt", "/a-b c"]


def holds(patterns: list[str], path: str) -> bool:
    """What a service worker makes of the table."""
    regexes = [entry["regex"].replace("(?<", "(?P<") for entry in Placement(patterns).to_manifest()]
    return any(re.search(regex.replace("$", r"\Z"), path) for regex in regexes)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/products/tea",
        "/products/grüner tee",
        "/files/a/b/c",
        "/files/",
        "/orders/12",
        "/tea.txt",
        "/a-b c",
    ],
)
def test_named_routes_are_anywhere(path: str) -> None:
    assert holds(PATTERNS, path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "//",
        "/products",
        "/products/",
        "/products/a/b",
        "/tea.txt\n",
        "/x/products/tea",
        "/orders/-1",
        "/orders/twelve",
        "/orders/12/",
        "/teaXtxt",
        "/checkout",
    ],
)
def test_everything_else_stays_at_the_edge(path: str) -> None:
    assert not holds(PATTERNS, path)


def test_nothing_is_anywhere_by_default() -> None:
    assert not holds([], "/")


@pytest.mark.parametrize("pattern", ["products", "", "{host}/x", "*"])
def test_pattern_without_a_slash_in_front_is_a_mistake(pattern: str) -> None:
    with pytest.raises(ValueError, match="slash"):
        Placement([pattern])


@pytest.mark.parametrize("pattern", ["/{a:unknown}", "/{a}/{a}"])
def test_pattern_that_a_router_would_refuse_is_refused(pattern: str) -> None:
    with pytest.raises((AssertionError, ValueError)):
        Placement([pattern])


def test_manifest_has_the_syntax_of_javascript() -> None:
    (entry,) = Placement(["/products/{sku}"]).to_manifest()
    assert entry == {"pattern": "/products/{sku}", "regex": "^/products/(?<sku>[^/]+)$"}


def test_manifest_keeps_the_order_and_escapes_what_is_literal() -> None:
    manifest = Placement(PATTERNS).to_manifest()
    assert [entry["pattern"] for entry in manifest] == PATTERNS
    literal = next(entry["regex"] for entry in manifest if entry["pattern"] == "/tea.txt")
    assert re.fullmatch(literal, "/tea.txt")
    assert not re.fullmatch(literal, "/teaXtxt")
