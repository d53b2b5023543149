"""Rules on replies and bounces that take other texts than was intended, or none."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts, Line
from pmtaform.lang.lint.hits import at
from pmtaform.lang.lint.model import WARNING, Family, Hit, Rule
from pmtaform.lang.lint.patterns import regex_of
from pmtaform.lang.lint.reads import BLOCK
from pmtaform.lang.lint.regex import matches_every_text, regex_problem, split_regex

# Replies of receivers to an address that does not exist: three wordings, so that a rule on one text differs from a rule
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
    pattern = _compiled(body)
    return pattern is not None and pattern.search(text) is not None


def reply_rules(facts: Facts) -> Iterator[tuple[Line, str, str]]:
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
    reads=BLOCK,
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
    for line, body, actions in reply_rules(facts):
        action = next((word for word in _WHOLE_QUEUE if word in actions), None)
        if action is None or matches_every_text(body):
            continue
        if sum(_takes(body, text) for text in _UNKNOWN_USER) > 1:
            detail = (
                f"/{values.shown(body)}/ is also the answer to an address that does not exist, so one bad address "
                f"brings {action} on the whole queue. Write a pattern for the text of a block, such as /^550 "
                ".*blocked/."
            )
            yield at(line, detail, mark=f"/{body}/")


@Rule(
    code="bounce-rcpt-on-5xx",
    severity=WARNING,
    family=Family.ORDER,
    summary="Action without effect on a reply",
    explanation="bounce-rcpt works on 4xx replies to RCPT only.",
    basis="guide 3.3.15",
    reads=BLOCK,
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
    for line, body, actions in reply_rules(facts):
        if "bounce-rcpt" in re.split(r"[,\s]+", actions) and re.match(r"\^?\(?5(?:\d|\\d|\[|\.|\b)", body):
            detail = (
                "bounce-rcpt has an effect on a 4xx reply to RCPT only. A 5xx reply bounces the recipient by itself. "
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
    reads=BLOCK,
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
        reported: set[int] = set()
        for line in part.named("/REGEX/"):
            body, category = regex_of(line), line.value.strip().lower()
            if body is None:
                continue
            if not re.search(r"\d", body):
                words.append((line, body, category))
                continue
            taken = _taken(body, category, words) if _CODE.fullmatch(body) else None
            if taken is not None and id(taken[0]) not in reported:
                reported.add(id(taken[0]))
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
