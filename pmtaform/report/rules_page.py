"""The page of all lint rules, `docs/rules.md`, made from their declarations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pmtaform.lang.lint import Rule, families
from pmtaform.lang.lint.model import Given

_HEAD: Final = """\
# Lint rules

`pmtaform lint` checks configurations and stacks with these rules; `plan` and `validate` use the same ones.
This page is made from the declarations in `pmtaform/lang/lint/` by `pmtaform.report.rules_page.rules_page`.

To ignore a finding, write a comment on its line, or alone on the line above:

    max-msg-rate 100/s  # pmtaform: ignore implausible-rate because a partner receives this mail

To select rules:

    pmtaform lint --only open-relay PATH
    pmtaform lint --disable unused-definition PATH
    pmtaform lint --enable unescaped-dot PATH

A rule checks one of these:

- **Fragments**: any file or part of a configuration. This is the usual case.
- **Complete configurations**: everything that PowerMTA would read. Only then is something missing or unused.

The basis names the source of the fact. "guide 3.3.10" is a section of the 5.0 guide of 2019;
the pages of [docs/powermta/](powermta/README.md) have the facts in our words.
"""
_MOST_LINES: Final = 12  # of an example
_PAGE: Final = re.compile(r"docs/(powermta/\w+\.md)")
_LINK: Final = r"[docs/\1](\1)"


def rules_page() -> str:
    """All rules as a Markdown page, by family."""
    return "\n".join([_HEAD, *_contents(), *(line for _, rules in families().items() for line in _family(rules))])


def _contents() -> Iterator[str]:
    yield "| rule | severity | finds |"
    yield "| --- | --- | --- |"
    for rules in families().values():
        yield from (f"| [`{rule.code}`](#{rule.code}) | {rule.severity} | {_cell(rule.summary)} |" for rule in rules)
    yield ""


def _family(rules: tuple[Rule, ...]) -> Iterator[str]:
    yield f"## {rules[0].family}"
    yield ""
    for rule in rules:
        yield from _rule(rule)


def _rule(rule: Rule) -> Iterator[str]:
    wrong, right = rule.examples
    yield f"### {rule.code}"
    yield ""
    yield f"**{rule.summary}** ({', '.join(_properties(rule))})"
    yield ""
    yield rule.explanation
    yield ""
    yield from _example("Wrong", wrong)
    yield from _example("Right", right)
    yield from (f"{line}\n" for line in _given(rule.given))
    yield f"Basis: {_PAGE.sub(_LINK, rule.basis)}"
    yield ""


def _properties(rule: Rule) -> Iterator[str]:
    yield rule.severity.value
    if rule.security:
        yield "security"
    if rule.whole:
        yield "complete configurations only"
    if rule.optional:
        yield "only with `--enable`"


def _example(title: str, text: str) -> Iterator[str]:
    lines = text.splitlines()
    shown = lines if len(lines) <= _MOST_LINES else [*lines[:_MOST_LINES], f"... ({len(lines)} lines)"]
    yield f"{title}:"
    yield ""
    yield from (f"    {_visible(line)}" for line in shown)
    yield ""


def _given(given: Given) -> Iterator[str]:
    if given.version is not None:
        yield f"In this example PowerMTA has version {given.version}."
    if given.in_stack:
        yield "In this example the text is in a stack."
    for path, facts in (given.files or {}).items():
        mode = "" if facts.mode is None else f" has mode {facts.mode:04o}"
        yield f"In this example `{path}`{mode if facts.exists else ' does not exist'}."
    for path, why in given.unread.items():
        yield f"In this example `{path}` was not read: {why}."
    for path, text in given.included.items():
        yield f"In this example `{path}` has the line `{text}`."


def _visible(line: str) -> str:
    """A line with each character that an editor does not show as its code point."""
    return "".join(char if char.isprintable() else f"<U+{ord(char):04X}>" for char in line)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
