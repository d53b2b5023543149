"""The regular expressions of rules: broken ones, those that match everything, those that are none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts, Line
from pmtaform.lang.lint.hits import at
from pmtaform.lang.lint.model import ERROR, INFO, WARNING, Family, Hit, Rule
from pmtaform.lang.lint.reads import BLOCK
from pmtaform.lang.lint.regex import is_glob, matches_every_text, matches_everything, regex_problem, split_regex

RULE_NAMES: Final = ("/REGEX/", "reply", "mail-from", "rcpt-to", "header")


def rule_text(line: Line) -> str:
    """A rule from its pattern on; of other rules, what follows their name."""
    return f"{line.node.name} {line.value}" if line.name == "/REGEX/" else line.value


def regex_of(line: Line) -> str | None:
    """The regular expression of a rule, without its slashes."""
    text = line.node.name if line.name == "/REGEX/" and line.node.name.endswith("/") else rule_text(line)
    parts = split_regex(text)
    return None if parts is None else parts[1]


@Rule(
    code="catch-all-reply",
    severity=WARNING,
    family=Family.ORDER,
    summary="Rule that matches every reply",
    explanation="Every queue that uses the list backs off, bounces or is deferred at the first reply.",
    basis="guide 3.3.15",
    reads=BLOCK,
    wrong="""
        <smtp-pattern-list replies>
          reply // bounce-queue
        </smtp-pattern-list>
    """,
    right="""
        <smtp-pattern-list replies>
          reply /^550 blocked/ bounce-queue
        </smtp-pattern-list>
    """,
)
def catch_all_reply(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("reply"):
        body = regex_of(line)
        if line.scope == "smtp-pattern-list" and body is not None and matches_every_text(body):
            parts = split_regex(line.value)
            actions = values.shown(parts[2].strip()) if parts else ""
            detail = (
                f"/{values.shown(body)}/ matches every reply, so {actions} "
                "happens to every queue that uses the list. Write a pattern for the intended replies."
            )
            yield at(line, detail, mark=f"/{body}/")


@Rule(
    code="glob-in-regex",
    severity=WARNING,
    family=Family.ORDER,
    summary="File pattern as a regular expression",
    explanation=(
        "Patterns are regular expressions: `@*` is any number of at-signs, also none, so it matches everything."
    ),
    basis="guide 3.2",
    reads=BLOCK,
    wrong="""
        <pattern-list senders>
          mail-from /@*/ virtual-mta=mta-a
        </pattern-list>
    """,
    right=r"""
        <pattern-list senders>
          mail-from /@news\.example\.com$/ virtual-mta=mta-a
        </pattern-list>
    """,
)
def glob_in_regex(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("mail-from", "rcpt-to", "header"):
        body = regex_of(line) if line.scope == "pattern-list" else None
        if body is None or regex_problem(body) or not (is_glob(body) or _odd_everything(body)):
            continue
        everything = " It matches everything." if matches_everything(body) else ""
        detail = (
            f"/{values.shown(body)}/ is a regular expression, not a file pattern: a * repeats the character before it."
            rf"{everything} For any address of a domain, write /@example\.com$/."
        )
        yield at(line, detail, mark=f"/{body}/")


def _odd_everything(body: str) -> bool:
    return body not in ("", "^", "$") and matches_everything(body) and body.strip("^$").replace(".*", "") != ""


@Rule(
    code="invalid-regex",
    severity=ERROR,
    family=Family.ORDER,
    summary="Invalid regular expression",
    explanation="No PCRE accepts it.",
    basis="guide 3.2; PCRE",
    malformed=True,
    reads=BLOCK,
    wrong="""
        <smtp-pattern-list replies>
          reply /(blocked/ bounce-rcpt
        </smtp-pattern-list>
    """,
    right="""
        <smtp-pattern-list replies>
          reply /(blocked)/ bounce-rcpt
        </smtp-pattern-list>
    """,
)
def invalid_regex(facts: Facts) -> Iterator[Hit]:
    for line in facts.named(*RULE_NAMES, "relay-address", "address"):
        body = regex_of(line) if "/" in line.value or line.name == "/REGEX/" else None
        if body is None or (line.name in ("relay-address", "address") and not line.value.startswith("/")):
            continue
        problem = regex_problem(body)
        if problem is not None:
            detail = f"In /{values.shown(body)}/ {problem}. The pattern matches nothing, or the line stops a load."
            yield at(line, detail, mark=f"/{body}/")


@Rule(
    code="unescaped-dot",
    severity=INFO,
    family=Family.ORDER,
    summary="Dot that matches any character",
    explanation="The pattern matches more than intended, though seldom in practice.",
    basis="guide 3.2",
    optional=True,
    reads=BLOCK,
    wrong="""
        <pattern-list senders>
          mail-from /@example.com$/ virtual-mta=mta-a
        </pattern-list>
    """,
    right=r"""
        <pattern-list senders>
          mail-from /@example\.com$/ virtual-mta=mta-a
        </pattern-list>
    """,
)
def unescaped_dot(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("mail-from", "rcpt-to"):
        body = regex_of(line) if line.scope == "pattern-list" else None
        if body is not None and re.search(r"@[A-Za-z0-9-]+\.[A-Za-z]", body):
            detail = r"A dot matches any character: write \. for a dot. /@example.com$/ matches user@examplescom, too."
            yield at(line, detail, mark=f"/{body}/")
