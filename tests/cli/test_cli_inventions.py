"""A made-up word in YAML is answered with the genuine one, as in native text; no likeness is a suggestion."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from projects import ProjectFolder

from pmtaform.diagnostics import Exit
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.inventions import Invention, inventions


def words(table: Mapping[str, Invention]) -> dict[str, Invention]:
    """The words that may be keys of YAML, and that are not also the name of something genuine."""
    known = catalogue()
    return {
        word: item
        for word, item in table.items()
        if word.replace("-", "").replace("_", "").isalnum() and not known.anywhere(word) and not known.section(word)
    }


DIRECTIVES, SECTIONS = words(inventions().directives), words(inventions().sections)


@pytest.mark.parametrize("scope", ["", "domain", "virtual-mta", "source"])
def test_every_invented_directive_is_named_with_its_genuine_form(one: ProjectFolder, scope: str) -> None:
    lines = [f"{word}: 1" for word in DIRECTIVES]
    body = "{" + ", ".join(lines) + "}"
    one.config("\n".join(lines) if not scope else f"{scope}: {{a: {body}}}")
    result = one.run("validate", "--format", "json").ended(Exit.INVALID)
    details = {d["detail"] for d in result.json()["diagnostics"]}
    for word, known in DIRECTIVES.items():
        assert f"`{word}`: PowerMTA has no such directive. {known.remedy}" in details


def test_every_invented_section_is_named_with_its_genuine_form(one: ProjectFolder) -> None:
    one.config("\n".join(f"{word}: {{a: {{b: 1}}}}" for word in SECTIONS))
    result = one.run("validate", "--format", "json").ended(Exit.INVALID)
    details = {d["detail"] for d in result.json()["diagnostics"]}
    for word, known in SECTIONS.items():
        assert f"`{word}`: PowerMTA has no such section. {known.remedy}" in details


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("domain: {a.example: {max-conn: 5}}", "max-smtp-out"),
        ("domain: {a.example: {max_conn: 5}}", "max-smtp-out"),
        ("domain: {a.example: {max-smpt-out: 5}}", 'Did you mean "max-smtp-out"?'),
        ("domain: {a.example: {max_smtp_out: 5}}", 'Did you mean "max-smtp-out"?'),
        ("virtual-mtaa: {v: {}}", 'Did you mean "virtual-mta"?'),
        ("domain:\n  a.example: |\n    max-conn 5", "max-smtp-out"),
    ],
)
def test_what_was_meant(one: ProjectFolder, config: str, says: str) -> None:
    one.config(config)
    assert says in one.run("validate").ended(Exit.INVALID).words


@pytest.mark.parametrize("word", ["min-smtp-out", "max-frobnication", "smtp-in"])
def test_what_merely_looks_alike_is_not_suggested(one: ProjectFolder, word: str) -> None:
    assert not catalogue().anywhere(word)
    one.config(f"domain: {{a.example: {{{word}: 5}}}}")
    result = one.run("validate").ended(Exit.INVALID)
    assert f"`{word}`" in result.words
    assert "Did you mean" not in result.words
