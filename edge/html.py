"""Markup that needs no escaping any more."""

from __future__ import annotations


class Html(str):
    """Markup that template engines take as it is (the `__html__` convention)."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)
