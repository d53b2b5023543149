"""Rules on replies and bounces that take other texts than was meant, or none."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts, Line
from pmtaform.lang.lint.hits import at
from pmtaform.lang.lint.mend import sub_fix
from pmtaform.lang.lint.model import WARNING, Family, Fix, Hit, Rule
from pmtaform.lang.lint.patterns import regex_of, rule_text
from pmtaform.lang.lint.regex import matches_every_text, regex_problem, split_regex

# What receivers say of an address that does not exist: three wordings, so that a rule on one text is told from a rule
# on the code.
_UNKNOWN_USER: Final = (
    "550 5.1.1 <someone@example.com>: Recipient address rejected: User unknown in local recipient table",
    "550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking the address",
    "550 No such user here",
)
_WHOLE_QUEUE: Final = ("mode=backoff", "disable-source-ip", "defer-queue", "bounce-queue")
# What a bounce with a status code says. The words are those of widespread mail servers.
_BOUNCES: Final = (
    ("5.1.1", "<someone@example.com>: Recipient address rejected: User unknown in virtual mailbox table"),
    ("5.1.1", "The email account that you tried to reach does not exist"),
    ("5.1.2", "Host or domain name not found"),
    ("5.2.1", "The account or mailbox is disabled"),
    ("4.2.2", "mailbox full"),
    ("5.2.2", "Mailbox full, over quota"),
    ("5.7.1", "Delivery not authorized, message refused"),
)
_CODE: Final = re.compile(r"\^?(?:\[[245]{1,3}\]|[245]|\\d|\.)\\?\.(?:\d|\\d|\[\d+\])\\?\.(?:\d+|\\d\+?|\[[\d-]+\])")
_GROUP: Final = re.compile(r"(?<!\\)\(([A-Za-z]*[0-9:][\w:.-]*|(?<=\w\()[A-Za-z]+)\)(?![?*+{|])")
_CLASS: Final = re.compile(r"(?<!\\)\[([A-Z]{2,}[0-9]{1,3})\](?![?*+{|])")


@lru_cache(maxsize=4096)
def _compiled(body: str) -> re.Pattern[str] | None:
    """The expression as Python's, which has the same meaning for what is asked here; None where it has none."""
    if regex_problem(body) is not None or len(body) > 1000:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what Python may change in later versions
            return re.compile(body.replace("(?-i)", ""), re.IGNORECASE)
    except (re.error, OverflowError, RecursionError):
        return None


def _takes(body: str, text: str) -> bool:
    found = _compiled(body)
    return found is not None and found.search(text) is not None


def _replies(facts: Facts) -> Iterator[tuple[Line, str, str]]:
    """Every rule on a reply: its line, its regular expression, its actions."""
    for line in facts.named("reply"):
        parts = split_regex(line.value) if line.scope == "smtp-pattern-list" else None
        if parts is not None:
            yield line, parts[1], parts[2].strip()


@Rule(
    code="unknown-users-slow-a-queue",
    severity=WARNING,
    family=Family.ORDER,
    summary="Rule that treats unknown users as a block",
    explanation=(
        "Every list has addresses that no longer exist; each of them slows or stops all other mail of the queue."
    ),
    basis="guide 3.3.15; texts of widespread mail servers",
    wrong="""
        <smtp-pattern-list replies>
          reply /^550 / mode=backoff
        </smtp-pattern-list>
    """,
    right="""
        <smtp-pattern-list replies>
          reply /^550 .*blocked/ mode=backoff
        </smtp-pattern-list>
    """,
)
def unknown_users_slow_a_queue(facts: Facts) -> Iterator[Hit]:
    for line, body, actions in _replies(facts):
        action = next((word for word in _WHOLE_QUEUE if word in actions), None)
        if action is None or matches_every_text(body):
            continue
        if sum(_takes(body, text) for text in _UNKNOWN_USER) > 1:
            detail = (
                f"/{values.shown(body)}/ is also the answer to an address that does not exist, so one bad address "
                f"brings {action} on the whole queue. Write a pattern of the text that a block has, such as "
                "/^550 .*blocked/."
            )
            yield at(line, detail, mark=f"/{body}/")


@Rule(
    code="brackets-in-regex",
    severity=WARNING,
    family=Family.ORDER,
    summary="Unescaped brackets of a reply",
    explanation="In a regular expression brackets are a group or a class: the rule never matches the intended reply.",
    basis="guide 3.2; PCRE",
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
    for line, body, _ in _replies(facts):
        found = _GROUP.search(body) or _CLASS.search(body)
        if found is None or re.search(r"\\[1-9]", body):
            continue
        what = "a group" if found[0].startswith("(") else "one character of these"
        plain = rf"\{found[0][0]}{found[1]}\{found[0][-1]}"
        detail = (
            f"{values.shown(found[0])} is {what} in a regular expression, so a reply that has the brackets is not "
            f"matched. If they are part of the reply, write {values.shown(plain)}."
        )
        yield at(line, detail, mark=found[0])


@Rule(
    code="bounce-rcpt-on-5xx",
    severity=WARNING,
    family=Family.ORDER,
    summary="Action without effect on a reply",
    explanation="bounce-rcpt works on 4xx replies to RCPT only.",
    basis="guide 3.3.15",
    wrong="""
        <smtp-pattern-list replies>
          reply /^550 user unknown/ bounce-rcpt
        </smtp-pattern-list>
    """,
    right="""
        <smtp-pattern-list replies>
          reply /^450 user unknown/ bounce-rcpt
        </smtp-pattern-list>
    """,
)
def bounce_rcpt_on_5xx(facts: Facts) -> Iterator[Hit]:
    for line, body, actions in _replies(facts):
        if "bounce-rcpt" in re.split(r"[,\s]+", actions) and re.match(r"\^?\(?5(?:\d|\\d|\[|\.|\b)", body):
            detail = (
                "bounce-rcpt does something for a 4xx reply to RCPT only; a 5xx reply bounces the recipient by itself. "
                "Remove the rule, or match a 4xx reply."
            )
            yield at(line, detail, mark="bounce-rcpt")


@Rule(
    code="words-above-codes",
    severity=WARNING,
    family=Family.ORDER,
    summary="General word above a code",
    explanation="The first match decides: bounces get another category, and list tools act on the category.",
    basis="guide 10.8; texts of widespread mail servers",
    wrong=r"""
        <bounce-category-patterns>
          /rejected/ policy-related
          /^[45]\.1\.1/ bad-mailbox
        </bounce-category-patterns>
    """,
    right=r"""
        <bounce-category-patterns>
          /^[45]\.1\.1/ bad-mailbox
          /rejected/ policy-related
        </bounce-category-patterns>
    """,
)
def words_above_codes(facts: Facts) -> Iterator[Hit]:
    for part in facts.by_tag.get("bounce-category-patterns", ()):
        words: list[tuple[Line, str, str]] = []
        told: set[int] = set()
        for line in part.named("/REGEX/"):
            body, category = regex_of(line), line.value.strip().lower()
            if body is None:
                continue
            if not re.search(r"\d", body):
                words.append((line, body, category))
                continue
            taken = _taken(body, category, words) if _CODE.fullmatch(body) else None
            if taken is not None and id(taken[0]) not in told:
                told.add(id(taken[0]))
                yield _above(line, body, category, taken)


def _taken(code: str, category: str, words: list[tuple[Line, str, str]]) -> tuple[Line, str, str, str] | None:
    """The rule above that decides on a bounce which a rule on a code is for, in another category."""
    for status, text in _BOUNCES:
        if not _takes(code, f"{status} {text}"):
            continue
        for line, body, other in words:
            if _takes(body, text):
                if other != category and not matches_every_text(body):
                    return line, body, other, text
                break
    return None


def _above(line: Line, code: str, category: str, taken: tuple[Line, str, str, str]) -> Hit:
    above, body, other, text = taken
    detail = (
        f"The first match decides, and /{values.shown(body)}/ is above /{values.shown(code)}/: a bounce with that code "
        f'and "{text}" becomes {values.shown(other)}, not {values.shown(category)}. Put rules on codes above general '
        "words."
    )
    return at(above, detail, mark=f"/{body}/", related=(line.place,))


@Rule(
    code="unescaped-slash",
    severity=WARNING,
    family=Family.ORDER,
    summary="Unescaped slash in a pattern",
    explanation=(
        "It may end the pattern: the rule then matches other texts, or PowerMTA does not load the configuration."
    ),
    basis="guide 3.2; every published configuration escapes it",
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
    slashes = [found.start() for found in re.finditer(r"(?<!\\)/", text[start:])] if start >= 0 else []
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
    for line, body, _ in _replies(facts):
        if re.search(r'(?<!\\)"', body) and not line.value.startswith('"'):
            detail = 'The guide has a backslash before each quote in such a pattern: write \\".'
            yield at(line, detail, mark=f"/{body}/")
