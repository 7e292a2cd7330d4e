"""Each link of a page leads somewhere: to a file of the project, and to a heading of that page."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.suite.support import ROOT

PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "examples/**/*.md", ".github/**/*.md")
    for path in ROOT.glob(pattern)
)
# Code may hold brackets that are no links.
_CODE = re.compile(r"^ *```.*?^ *```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def _links(page: Path) -> list[str]:
    # A link's own text may be code.
    text = re.sub(r"\[`([^`\]]*)`\]", r"[\1]", page.read_text())
    return [link for link in _LINK.findall(_CODE.sub("", text)) if "://" not in link]


def _anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub names them, and its own anchors."""
    text = page.read_text()
    headings = re.findall(r"^#+ (.*)$", _CODE.sub(lambda code: code[0], text), re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return made | set(re.findall(r'<a (?:id|name)="([^"]+)"', text))


def test_there_are_pages_with_links() -> None:
    assert ROOT / "README.md" in PAGES
    assert len(_links(ROOT / "README.md")) > 15


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_leads_somewhere(page: Path) -> None:
    for link in _links(page):
        name, _, anchor = unquote(link).partition("#")
        target = page if not name else (page.parent / name).resolve()
        assert target.exists(), f"{link}: no such file"
        assert target.is_relative_to(ROOT), f"{link}: not of this project"
        if anchor and target.suffix == ".md":
            assert anchor in _anchors(target), f"{link}: no such heading"
