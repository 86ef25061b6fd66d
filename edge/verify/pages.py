"""What a browser finds in a page: its links and its forms. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from urllib.parse import urlencode

Attributes = Mapping[str, str]
_TEXTS = frozenset({"", "text", "search", "password", "textarea", "tel"})
_UNSENT = frozenset({"button", "reset", "image", "file"})
_WORDS = ("oolong", "two words", "Ærøskøbing", "<b>&amp;", "4711", "x" * 40, "")


@dataclass(frozen=True, slots=True)
class Control:
    """One field of a form. `kind` is its `type`, or "textarea" or "select"; `options` are a select's."""

    kind: str
    name: str
    value: str = ""
    attributes: Attributes = field(default_factory=dict)
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """A form and its fields; `action` as the page says it ("" is the page itself)."""

    action: str
    method: str
    controls: tuple[Control, ...] = ()

    @property
    def key(self) -> str:
        """The value of the kit's hidden field, or ""."""
        return next((one.value for one in self.controls if one.name == "_key"), "")

    def without_key(self) -> Form:
        """The same form as a page without `form_key()` would have it."""
        return replace(self, controls=tuple(one for one in self.controls if one.name != "_key"))

    def fill(self, chance: random.Random, values: Mapping[str, str]) -> list[tuple[str, str]]:
        """What a user could send: `values` where they are given, what the page says in hidden fields, and
        anything that fits elsewhere, or that hardly does."""
        pairs: list[tuple[str, str]] = []
        buttons = [one for one in self.controls if one.kind == "submit"]
        pressed = chance.choice(buttons) if buttons else None
        radios = {
            name: chance.choice([one for one in self.controls if (one.kind, one.name) == ("radio", name)])
            for name in sorted({one.name for one in self.controls if one.kind == "radio"})
        }
        for one in self.controls:
            if one.name in values or not one.name or one.kind in _UNSENT:
                continue
            if one.kind == "submit" and one is not pressed:
                continue
            if one.kind == "radio" and one is not radios[one.name]:
                continue
            if one.kind == "checkbox" and chance.random() < 0.5:
                continue
            pairs.append((one.name, _value(one, chance)))
        return pairs + list(values.items())


def _value(control: Control, chance: random.Random) -> str:
    if control.kind == "select":
        return chance.choice(control.options) if control.options else ""
    if control.kind in ("number", "range"):
        low, high = _number(control.attributes, "min", 0), _number(control.attributes, "max", 100)
        return str(chance.randint(low, max(low, min(high, low + 9))))
    if control.kind == "email":
        return f"user{chance.randrange(1000)}@example.org"
    if control.kind in _TEXTS and chance.random() < 0.8:
        return chance.choice(_WORDS)
    return control.value


def _number(attributes: Attributes, name: str, default: int) -> int:
    try:
        return int(float(attributes.get(name, default)))
    except ValueError:
        return default


def encode(pairs: Sequence[tuple[str, str]]) -> bytes:
    """The body of a form (application/x-www-form-urlencoded)."""
    return urlencode(pairs).encode()


def scan(text: str) -> tuple[list[str], list[Form]]:
    """The `href` of every link and every form of a page, in its order."""
    parser = _Parser()
    parser.feed(text)
    parser.close()
    return parser.links, parser.forms


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._select: Control | None = None
        self._text: list[str] | None = None  # of an option that has no value of its own
        self._begin: dict[str, Callable[[Attributes], None]] = {
            "a": self._a,
            "form": self._form,
            "input": self._input,
            "button": self._button,
            "textarea": self._textarea,
            "select": self._begin_select,
            "option": self._option,
        }

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._begin:
            self._begin[tag]({name: value or "" for name, value in attrs})

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("option", "select"):
            self._end_option()
        if tag == "select" and self._select is not None:
            self._add(self._select)
            self._select = None
        if tag == "form" and self._open is not None:
            self.forms.append(self._open)
            self._open = None

    def _a(self, attributes: Attributes) -> None:
        if attributes.get("href"):
            self.links.append(attributes["href"])

    def _form(self, attributes: Attributes) -> None:
        self._open = Form(attributes.get("action", ""), attributes.get("method", "get").upper())

    def _input(self, attributes: Attributes) -> None:
        self._add(_control(attributes.get("type", "").lower(), attributes))

    def _button(self, attributes: Attributes) -> None:
        self._add(_control(attributes.get("type", "submit").lower(), attributes))

    def _textarea(self, attributes: Attributes) -> None:
        self._add(_control("textarea", attributes))

    def _begin_select(self, attributes: Attributes) -> None:
        self._select = _control("select", attributes)

    def _option(self, attributes: Attributes) -> None:
        self._end_option()
        if self._select is not None and "value" in attributes:
            self._choice(attributes["value"])
        elif self._select is not None:
            self._text = []

    def _end_option(self) -> None:
        text, self._text = self._text, None
        if text is not None:
            self._choice(" ".join("".join(text).split()))

    def _choice(self, value: str) -> None:
        assert self._select is not None  # noqa: S101 - options are looked at inside of one only
        self._select = replace(self._select, options=(*self._select.options, value))

    def _add(self, control: Control) -> None:
        if self._open is not None and "disabled" not in control.attributes:
            self._open = replace(self._open, controls=(*self._open.controls, control))


def _control(kind: str, attributes: Attributes) -> Control:
    return Control(kind, attributes.get("name", ""), attributes.get("value", ""), attributes)
