"""Characters in patterns of replies that need a backslash."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts, Line
from pmtaform.lang.lint.hits import at
from pmtaform.lang.lint.line_fixes import sub_fix
from pmtaform.lang.lint.model import WARNING, Family, Fix, Hit, Rule
from pmtaform.lang.lint.patterns import rule_text
from pmtaform.lang.lint.reads import BLOCK
from pmtaform.lang.lint.regex import split_regex
from pmtaform.lang.lint.replies import reply_rules

_GROUP: Final = re.compile(r"(?<!\\)\(([A-Za-z]*[0-9:][\w:.-]*|(?<=\w\()[A-Za-z]+)\)(?![?*+{|])")


_CLASS: Final = re.compile(r"(?<!\\)\[([A-Z]{2,}[0-9]{1,3})\](?![?*+{|])")


@Rule(
    code="brackets-in-regex",
    severity=WARNING,
    family=Family.ORDER,
    summary="Unescaped brackets of a reply",
    explanation="In a regular expression brackets are a group or a class: the rule never matches the intended reply.",
    basis="guide 3.2; PCRE",
    reads=BLOCK,
    wrong="""
        <smtp-pattern-list replies>
          reply /421 4.7.0 [TSS04] Messages temporarily deferred/ mode=backoff
        </smtp-pattern-list>
    """,
    right=r"""
        <smtp-pattern-list replies>
          reply /421 4.7.0 \[TSS04\] Messages temporarily deferred/ mode=backoff
        </smtp-pattern-list>
    """,
)
def brackets_in_regex(facts: Facts) -> Iterator[Hit]:
    for line, body, _ in reply_rules(facts):
        match = _GROUP.search(body) or _CLASS.search(body)
        if match is None or re.search(r"\\[1-9]", body):
            continue
        what = "a group" if match[0].startswith("(") else "one character of these"
        plain = rf"\{match[0][0]}{match[1]}\{match[0][-1]}"
        detail = (
            f"{values.shown(match[0])} is {what} in a regular expression, so a reply that has the brackets is not "
            f"matched. If they are part of the reply, write {values.shown(plain)}."
        )
        yield at(line, detail, mark=match[0])


@Rule(
    code="unescaped-slash",
    severity=WARNING,
    family=Family.ORDER,
    summary="Unescaped slash in a pattern",
    explanation=(
        "It may end the pattern: the rule then matches other texts, or PowerMTA does not load the configuration."
    ),
    basis="guide 3.2; every published configuration escapes it",
    reads=BLOCK,
    wrong="""
        <smtp-pattern-list replies>
          reply /see http://example.com for help/ mode=backoff
        </smtp-pattern-list>
    """,
    right=r"""
        <smtp-pattern-list replies>
          reply /see http:\/\/example\.com for help/ mode=backoff
        </smtp-pattern-list>
    """,
)
def unescaped_slash(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("/REGEX/", "reply", "mail-from", "rcpt-to", "header"):
        text = _written(line)
        inner = _inner_slash(text)
        if inner is not None and line.node.span == 1:
            detail = (
                rf"A slash in a pattern is written \/. What one without the backslash does is not documented: "
                rf"it may end the pattern after {values.shown(inner)}."
            )
            yield at(line, detail, mark=inner, fix=_escape_fix(line, text))


def _written(line: Line) -> str:
    """A rule as it is written, from its pattern on: a name that is half of a pattern would hide what follows it."""
    if line.name != "/REGEX/":
        return rule_text(line)
    return line.tree.lines[line.node.line - 1].split("#", 1)[0].strip()


def _inner_slash(text: str) -> str | None:
    """The pattern up to an unescaped slash in it; None where there is none, or another rule speaks of the line."""
    start = text.find("/")
    slashes = [match.start() for match in re.finditer(r"(?<!\\)/", text[start:])] if start >= 0 else []
    if len(slashes) < 3 or text[start + slashes[1] + 1 : start + slashes[1] + 2].isspace():
        return None
    if not re.fullmatch(r"/(?:\s[^/]*)?", text[start + slashes[-1] :]):
        return None
    return text[start : start + slashes[1] + 1]


def _escape_fix(line: Line, text: str) -> tuple[Fix, ...] | None:
    parts = split_regex(text)
    if parts is None:
        return None
    escaped = re.sub(r"(?<!\\)/", r"\\/", parts[1])
    return sub_fix(line.tree, line.node.line, re.escape(f"/{parts[1]}/"), _verbatim(f"/{escaped}/"))


def _verbatim(text: str) -> str:
    """A replacement in which no backslash means anything."""
    return text.replace("\\", "\\\\")


@Rule(
    code="unescaped-quote",
    severity=WARNING,
    family=Family.ORDER,
    summary="Unescaped quote in a pattern",
    explanation=(
        "The guide requires escaped quotes in patterns of replies; the meaning of an unescaped one is not documented."
    ),
    basis="guide 3.3.15",
    reads=BLOCK,
    wrong="""
        <smtp-pattern-list replies>
          reply /status "blocked"/ mode=backoff
        </smtp-pattern-list>
    """,
    right=r"""
        <smtp-pattern-list replies>
          reply /status \"blocked\"/ mode=backoff
        </smtp-pattern-list>
    """,
)
def unescaped_quote(facts: Facts) -> Iterator[Hit]:
    for line, body, _ in reply_rules(facts):
        if re.search(r'(?<!\\)"', body) and not line.value.startswith('"'):
            detail = 'The guide has a backslash before each quote in such a pattern: write \\".'
            yield at(line, detail, mark=f"/{body}/")
