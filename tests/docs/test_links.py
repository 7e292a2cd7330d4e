"""Every link of a page leads to what is there: a file, a folder, or a heading of a page."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.suite.support import ROOT

_GIT = shutil.which("git") or "git"


def _pages() -> list[Path]:
    """The pages of the repository, those that nobody has committed yet included."""
    listed = subprocess.run(
        [_GIT, "ls-files", "-co", "--exclude-standard", "-z", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [
        ROOT / name for name in sorted(filter(None, listed.split("\0"))) if (ROOT / name).exists()
    ]


PAGES = _pages()


def _prose(text: str) -> str:
    """A page without its blocks of code; what code in a line says is no link either."""
    blocks = re.compile(r"^[ ]*(```+|~~~+)[^\n]*\n.*?^[ ]*\1[ ]*$", re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "code", blocks.sub("", text))


def links(text: str) -> list[str]:
    """Where a page's links and images lead, but for those to other places of the web."""
    prose = _prose(text)
    inline = re.findall(r"\]\(\s*<?([^()\s<>]+)>?(?:\s+\"[^\"]*\")?\s*\)", prose)
    defined = re.findall(r"^[ ]{0,3}\[[^\]]+\]:\s*(\S+)", prose, re.MULTILINE)
    return [
        target
        for target in (*inline, *defined)
        if not re.match(r"[a-z][a-z0-9+.-]*:", target, re.IGNORECASE)
    ]


@cache
def _anchors(page: Path) -> frozenset[str]:
    return frozenset(anchors(page.read_text(encoding="utf-8")))


def anchors(text: str) -> list[str]:
    """The anchors that GitHub gives to a page's headings, and those that it makes itself."""
    without_code = re.sub(
        r"^[ ]*(```+|~~~+)[^\n]*\n.*?^[ ]*\1[ ]*$", "", text, flags=re.DOTALL | re.MULTILINE
    )
    found: list[str] = re.findall(r"<a (?:id|name)=\"([^\"]+)\"", without_code)
    for heading in re.findall(r"^#{1,6}\s+(.*?)\s*#*\s*$", without_code, re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        earlier = sum(
            one == name or re.fullmatch(rf"{re.escape(name)}-\d+", one) is not None for one in found
        )
        found.append(f"{name}-{earlier}" if earlier else name)
    return found


def dead(page: Path, text: str) -> list[str]:
    """The links of a page that lead nowhere, or out of the repository."""
    wrong = []
    for target in links(text):
        path, _, anchor = unquote(target).partition("#")
        there = (page.parent / path).resolve() if path else page
        if (
            not there.is_relative_to(ROOT)
            or not there.exists()
            or (anchor and (there.suffix != ".md" or anchor not in _anchors(there)))
        ):
            wrong.append(target)
    return wrong


def test_all_pages_are_looked_at() -> None:
    names = {str(page.relative_to(ROOT)) for page in PAGES}
    assert {"README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/runbook.md"} <= names
    assert {"docs/security.md", "docs/architecture.md", "examples/ci/README.md"} <= names
    assert sum(len(links(page.read_text(encoding="utf-8"))) for page in PAGES) >= 30


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert dead(page, page.read_text(encoding="utf-8")) == []


def test_what_leads_nowhere_is_noticed() -> None:
    text = """# Title
[there](docs/runbook.md) [also](docs/runbook.md#costs) [here](#title-1) <https://example.com>
![a picture](docs/none.png) [gone](docs/none.md "why") [no heading](docs/runbook.md#nothing)
[out](../elsewhere.md) [folder](docs/) [none here](#nothing) [web](https://example.com/a#b)
[defined] `[code](docs/code.md)` [`named`](docs/none-either.md)

[defined]: docs/not-there.md

```sh
[block](docs/block.md)
```

# Title
"""
    page = ROOT / "README.md"
    assert dead(page, text) == [
        "#title-1",  # README has no such heading; it is asked of the page as it is
        "docs/none.png",
        "docs/none.md",
        "docs/runbook.md#nothing",
        "../elsewhere.md",
        "#nothing",
        "docs/none-either.md",
        "docs/not-there.md",
    ]


def test_anchors_are_githubs() -> None:
    text = (
        '# A `code` title, really!\n## Two words\n## Two words\n## [Linked](x.md) (x)\n<a id="own">'
    )
    assert anchors(text) == ["own", "a-code-title-really", "two-words", "two-words-1", "linked-x"]
