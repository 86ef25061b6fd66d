"""Links between the pages of this repository lead somewhere."""

from __future__ import annotations

import re
import subprocess

import pytest

from .reader import ROOT

PAGES = subprocess.run(
    ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
).stdout.splitlines()
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]+))?\)")


def anchors(page: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", (ROOT / page).read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    broken = []
    for target, anchor in LINK.findall((ROOT / page).read_text("utf-8")):
        there = ((ROOT / page).parent / target).resolve() if target else ROOT / page
        if not there.exists() or (anchor and anchor not in anchors(str(there.relative_to(ROOT)))):
            broken.append(f"{target}#{anchor}")
    assert broken == []
