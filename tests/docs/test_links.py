"""Links between the pages lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|src=\"([^\"]+)\"")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def _anchors(text: str) -> set[str]:
    """The anchors that a Markdown renderer gives the headings."""
    kept = (re.sub(r"[^\w\- ]", "", title.lower()) for title in HEADING.findall(CODE.sub("", text)))
    return {title.strip().replace(" ", "-") for title in kept}


def _pages(root: Path) -> list[Path]:
    return [root / "README.md", root / "CONTRIBUTING.md", *root.glob("docs/**/*.md"), *root.glob("domain/*/README.md")]


def test_every_relative_link_leads_to_a_file_and_a_heading(project_root: Path) -> None:
    dead = []
    for page in _pages(project_root):
        for markdown, image in LINK.findall(CODE.sub("", page.read_text())):
            target = markdown or image
            if target.startswith(("http://", "https://", "mailto:")):
                continue
            name, _, anchor = target.partition("#")
            file = page.parent / name if name else page
            if not file.exists() or (anchor and anchor not in _anchors(file.read_text())):
                dead.append(f"{page.relative_to(project_root)}: {target}")
    assert dead == []


def test_every_context_has_a_page_of_about_a_screen(project_root: Path) -> None:
    contexts = [folder for folder in (project_root / "domain").iterdir() if (folder / "__init__.py").exists()]
    assert len(contexts) > 5
    for context in contexts:
        page = context / "README.md"
        assert page.exists(), f"{context.name} has no README.md"
        assert 15 <= len(page.read_text().splitlines()) <= 90, f"{page} is not about a screen"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/operations.md"])
def test_modules_named_in_the_pages_exist(project_root: Path, page: str) -> None:
    named = re.findall(r"`((?:domain|tasks|cli|infrastructure|graphql_api|rest_api|migrations|tests)/[\w./-]+)`",
                       (project_root / page).read_text())  # fmt: skip
    assert [path for path in named if not (project_root / path).exists()] == []
