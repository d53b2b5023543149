"""Facts that code cites can be opened: docs/powermta/ has the pages, and the pages have the sections."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "powermta").glob("[a-z]*.md")}
CITATION = re.compile(r"docs/powermta/(\w+)\.md (rows?|sections?) (\d+(?:(?:, | to | and )\d+)*)")


def cited() -> list[tuple[str, str, str, str]]:
    """(page, row or section, number, from file) of every citation in code and data."""
    items = []
    for path in sorted((ROOT / "pmtaform").rglob("*")):
        if path.suffix not in (".py", ".json", ".sh"):
            continue
        for page, kind, numbers in CITATION.findall(path.read_text(encoding="utf-8")):
            what = "row" if kind.startswith("row") else "section"
            items += [(page, what, number, path.name) for number in re.findall(r"\d+", numbers)]
    return items


@pytest.mark.parametrize("citation", sorted(set(cited())), ids=lambda c: " ".join(c))
def test_a_citation_leads_somewhere(citation: tuple[str, str, str, str]) -> None:
    page, kind, number, _ = citation
    wanted = rf"^\| {number} \|" if kind == "row" else rf"^## {number}\. "
    assert re.search(wanted, PAGES[page], re.MULTILINE)


def test_there_are_citations() -> None:
    assert len(cited()) > 20


def test_a_citation_names_a_page_of_the_repository() -> None:
    """A page is cited by its path, so that a reader can open it."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "pmtaform").rglob("*.py"))}
    assert [
        path
        for path, text in texts.items()
        if re.search(r"\b(?!README|SECURITY|CHANGELOG|CONTRIBUTING)[A-Z]+\.md\b", text)
    ] == []


@pytest.mark.parametrize("page", ["language", "operations"])
def test_a_fact_has_its_basis(page: str) -> None:
    """Every section names where its facts are from: a guide's section, release notes, an observation, an inference."""
    for section in re.split(r"^## ", PAGES[page], flags=re.MULTILINE)[1:]:
        assert re.search(r"\b(G19|G20|GD|RN45|obs|inf|mem|gap)\b", section), section.partition("\n")[0]
