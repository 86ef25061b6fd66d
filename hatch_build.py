"""Puts `browser/` into the wheel as `edge/_browser`; an editable install reads the checkout instead.

A plain `force-include` in pyproject.toml would copy the files for editable installs too, where the
copy goes stale and its folder hides the package `edge`.
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BrowserFiles(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "editable":
            build_data["force_include"]["browser"] = "edge/_browser"
