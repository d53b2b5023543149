"""Checks of the lines of rule lists: patterns, replies, bounce categories, rollups."""

from __future__ import annotations

import re

from pmtaform.diagnostics import did_you_mean
from pmtaform.lang.catalogue import DirectiveSpec
from pmtaform.lang.values.common import DIGITS, cited, first, form, gap, one_of, open_regex
from pmtaform.lang.values.single import check_duration
from pmtaform.lang.values.text import BLANKS, rule_parts, split, words

_FLAGGED = re.compile(r"[A-Za-z]+(?= |$)")


def _regex_rule(spec: DirectiveSpec, text: str, example: str) -> tuple[str, str | None]:
    """The part of a rule after its regular expression, and what is wrong up to there."""
    parts = rule_parts(text)
    if parts is None:
        if "/" in text:
            return "", open_regex(text)
        return "", f"{spec.name} needs a regular expression between slashes, such as {example}."
    before, regex, rest = parts
    expected = 1 if spec.name == "header" else 0
    if len(words(before)) != expected:
        return "", f"{spec.name} accepts {form(spec)}, such as {example}."
    flags = _FLAGGED.match(rest)
    if flags and flags[0] == rest and spec.name == "/REGEX/":
        return rest, None  # a category without a blank before it, as found in the wild
    if flags:
        why = "; these patterns match without regard to case already" if spec.name == "reply" else ""
        return "", f"No flags may follow a regular expression: write {regex} instead of {regex}{flags[0]}{why}."
    if rest and rest[0] not in " \t":
        return "", open_regex(text)
    return rest.strip(BLANKS), None


def check_pattern_rule(spec: DirectiveSpec, text: str) -> str | None:
    """`[NAME] /regex/ RESULT`."""
    named = "X-Tag " if spec.name == "header" else ""
    rest, wrong = _regex_rule(spec, text, f"{spec.name} {named}/@example\\.com$/ virtual-mta=NAME")
    return wrong or check_result(spec, rest)


def check_result(spec: DirectiveSpec, text: str) -> str | None:
    """`virtual-mta=NAME`, `recipient-priority=N`, `call-to: LIST` or a nested list."""
    if text.startswith(("<pattern-list", "call-to:")):
        return None
    for item in split(text):
        key, _, value = item.partition("=")
        if key not in ("virtual-mta", "recipient-priority") or not value:
            return (
                f"{cited(item)} is not a result: write virtual-mta=NAME, recipient-priority=N or call-to: LIST."
                if item
                else f"The rule has no result; write virtual-mta=NAME after the regular expression of {spec.name}."
            )
        if key == "recipient-priority" and not (DIGITS.fullmatch(value) and int(value) <= 100):
            return f"{cited(value)} is not a recipient-priority: it is a number from 0 to 100."
    return None


_QUOTED_RULE = re.compile(r'"[^"]*"[ \t]+(.*)')


def check_reply(spec: DirectiveSpec, text: str) -> str | None:
    """`/regex/ ACTION[,ACTION]` (guide 3.3.15)."""
    rest, wrong = _regex_rule(spec, text, "reply /^421 / mode=backoff")
    if wrong:
        behind = _QUOTED_RULE.fullmatch(text)
        also = first(_action(spec, action) for action in split(behind[1])) if behind else None
        return f"{wrong} {also}" if also else wrong
    if not rest:
        return "The rule has no action; write one after the regular expression, such as mode=backoff."
    actions = split(rest)
    return first(_action(spec, action) for action in actions) or _contradiction(actions)


def _action(spec: DirectiveSpec, action: str) -> str | None:
    key, _, value = action.partition("=")
    if f"{key}=TIME" in spec.enum:
        return check_duration(spec, value)
    if action in spec.enum:
        return None
    if not action:
        return gap(spec)
    if len(words(action)) > 1 and all(_is_action(spec, word) for word in words(action)):
        return f"Actions are separated by commas: write {','.join(words(action))}."
    if key == "mode":
        return f"{cited(action)}: the modes are normal and backoff; for others see defer-queue and bounce-queue."
    if len(words(action)) > 1:
        return f"{cited(action)} is not an action; several actions are separated by commas."
    return f"{cited(action)} is not an action: they are {one_of(spec.enum)}.{did_you_mean(action, spec.enum)}"


def _is_action(spec: DirectiveSpec, word: str) -> bool:
    return word in spec.enum or f"{word.partition('=')[0]}=TIME" in spec.enum


def _contradiction(actions: list[str]) -> str | None:
    """What the guide says may not be together (3.3.15)."""
    keys = [action.partition("=")[0] if "-after=" in action else action for action in actions]
    if {"mode=normal", "mode=backoff"} <= set(keys):
        return "A rule cannot switch to mode=normal and to mode=backoff."
    if {"skip-mx", "bounce-queue"} <= set(keys):
        return "skip-mx and bounce-queue cannot be in one rule."
    for key, after in (("reenable-after", "disable-source-ip"), ("backoff-to-normal-after", "mode=backoff")):
        if keys.count(key) > 1:
            return f"{key} occurs twice in one rule."
        if key in keys and after not in keys[: keys.index(key)]:
            return f"{key} must be after {after} in the same rule."
    return None


def check_category(spec: DirectiveSpec, text: str) -> str | None:
    """A bounce category, with its `/regex/` before it when that is part of the value."""
    if not text.startswith("/"):
        return None
    rest, wrong = _regex_rule(spec, text, "/mailbox full/ quota-issues")
    return wrong or (None if rest else "The rule has no category; write its name after the regular expression.")


def check_mx(spec: DirectiveSpec, text: str) -> str | None:
    """`MX QUEUE.rollup [rollup-by-ip]` (guide 10.17)."""
    parts = words(text)
    if len(parts) < 2 or len(parts) > 3 or parts[2:] not in ([], ["rollup-by-ip"]):
        return f"{spec.name} accepts {form(spec)}."
    if not parts[1].lower().endswith(".rollup"):
        return f"The name of a rollup queue must end in .rollup; write {spec.name} {parts[0]} {parts[1]}.rollup."
    return None


def check_filter(spec: DirectiveSpec, text: str) -> str | None:
    """`PATTERN enable-signals[,subaccount=N]` or `PATTERN disable-signals`."""
    parts = words(text)
    actions = split("".join(parts[1:]))
    if len(parts) < 2 or actions[0] not in ("enable-signals", "disable-signals"):
        return f"{spec.name} accepts {form(spec)}."
    return None
