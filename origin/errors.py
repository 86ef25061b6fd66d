"""What keeps the origin from starting. What goes wrong later is an `edge.errors.Problem`."""

from __future__ import annotations


class StartError(Exception):
    """The origin cannot start; the message tells the operator what is wrong and where."""
