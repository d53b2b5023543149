"""The documentation matches the repository: links lead somewhere, commands exist, every package is described."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmtaform.cli import run

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "emulator").glob("*.md"), *ROOT.glob("tests/*/*.md")]
)
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:`|^(?: {4}|\$ ))pmtaform((?: [a-z][a-z-]*)+)", re.MULTILINE)
TARGET = re.compile(r"(?:`|^ {4})make ([a-z]+)", re.MULTILINE)
FILE = re.compile(r"`((?:pmtaform|tests|docs|emulator|benchmarks|stacks)/[\w./-]+)`")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_link_leads_to_a_page_and_a_heading(page: Path) -> None:
    for link in LINK.findall(FENCE.sub("", text_of(page))):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=lambda page: page.name)
def test_every_file_that_is_named_exists(page: Path) -> None:
    named = [path for path in FILE.findall(text_of(page)) if not path.rpartition("/")[2].isupper()]  # stacks/NAME
    missing = [path for path in named if not (ROOT / path).exists()]
    assert missing == []


def named_commands() -> Iterator[str]:
    """The commands of pmtaform that the docs name: at most two words, the second only where there are such."""
    from pmtaform.cli.app import COMMANDS

    for page in PAGES:
        for words in COMMAND.findall(text_of(page)):
            first, *rest = words.split()
            yield " ".join([first, *rest[:1]]) if f"{first} {' '.join(rest[:1])}" in COMMANDS else first


def test_every_command_that_is_named_exists(capsys: pytest.CaptureFixture[str]) -> None:
    commands = sorted(set(named_commands()))
    assert len(commands) > 15
    for command in commands:
        assert run([*command.split(), "--help"]) == 0, command
        assert "Usage" in capsys.readouterr().out, command


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    named = {name for page in PAGES for name in TARGET.findall(text_of(page))}
    assert named >= {"test", "demo", "faults"}
    assert named <= targets


def test_every_package_and_module_is_in_the_architecture() -> None:
    text = text_of(ROOT / "docs/architecture.md")
    package = ROOT / "pmtaform"
    names = [f"{path.parent.name}/" for path in package.glob("*/__init__.py")]
    names += [path.name for path in package.glob("*.py") if not path.name.startswith("__")]
    assert [name for name in names if f"`{name}`" not in text] == []


def test_every_decision_is_in_the_list() -> None:
    listed = LINK.findall(text_of(ROOT / "docs/decisions/README.md"))
    records = sorted(path.name for path in (ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert listed == records
    assert [int(name[:4]) for name in records] == list(range(1, len(records) + 1))
