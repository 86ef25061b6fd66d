"""Markup, as template engines take it."""

from __future__ import annotations

from jinja2 import Environment

from edge.html import Html


def test_markup_is_not_escaped_once_more() -> None:
    assert Html("<b>").__html__() == "<b>"
    made = Environment(autoescape=True).from_string("{{ it }}{{ text }}").render(it=Html("<b>"), text="<b>")
    assert made == "<b>&lt;b&gt;"
