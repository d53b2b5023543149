"""The rules of a `pattern-list`: the mail that each matches first, and the virtual MTA that it directs it to.

The first rule that matches decides (guide 3.3.14). Nested lists and lists that a rule calls are followed. Whether later
rules see mail that no rule of such a list matches is not documented, and is not assumed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.effective.model import SourceLine
from pmtaform.lang.effective.reply_rules import takes
from pmtaform.lang.values.text import rule_parts, unquoted
from pmtaform.plan.dangers.reply_rules import sample
from pmtaform.plan.dangers.sections import MergedSection, Sections

_TARGET: Final = re.compile(r"(?:^|[\s,])virtual-mta=([^\s,]+)", re.IGNORECASE)
_CALL: Final = re.compile(r"(?:^|[\s,])call-to:\s*([^\s,<]+)", re.IGNORECASE)
_KINDS: Final = ("mail-from", "rcpt-to", "header", "*")
_MOST_CALLS: Final = 8


@dataclass(frozen=True, slots=True)
class PatternRule:
    """One rule. `above` are the conditions of the lists around it; `target` is empty when it names no virtual MTA."""

    kind: str
    pattern: str
    target: str
    above: tuple[str, ...] = ()
    line: SourceLine | None = field(default=None, compare=False, repr=False)

    @property
    def condition(self) -> tuple[str, ...]:
        """The condition under which the rule matches mail."""
        return (*self.above, self.kind, self.pattern)

    @property
    def shown(self) -> str:
        """The condition in words."""
        return values.shown(" ".join((*self.above, self.kind, self.pattern)).strip())

    @property
    def sample(self) -> str | None:
        """A text that it certainly matches; None where that is not clear."""
        regex = rule_parts(self.pattern)
        return sample(regex[1]) if regex is not None and not self.above else None


def rules_of(sections: Sections, name: str, above: tuple[str, ...] = (), depth: int = 0) -> tuple[PatternRule, ...]:
    """The rules of a list in order; none for a list that is not there."""
    body = sections.of("pattern-list").get(name)
    return tuple(_rules(sections, body, above, depth)) if body is not None and depth < _MOST_CALLS else ()


def _rules(sections: Sections, body: MergedSection, above: tuple[str, ...], depth: int) -> Iterator[PatternRule]:
    for entry in body.entries:
        line = entry.line
        if line.name not in _KINDS:
            continue
        parts = rule_parts(line.value)
        pattern, result = ("", line.value) if parts is None else (f"{parts[0]}{parts[1]}".strip(), parts[2])
        conditions = (*above, *entry.above)
        called = _CALL.search(result)
        if called is not None:
            rule = f"{line.name} {pattern}".strip()
            yield from rules_of(sections, unquoted(called[1]), (*conditions, rule), depth + 1)
            continue
        target = _TARGET.search(result)
        yield PatternRule(line.name, pattern, unquoted(target[1]) if target else "", conditions, line)


def may_take(other: PatternRule, rule: PatternRule) -> bool:
    """Whether a rule may take mail that another takes; unclear counts as yes."""
    if other.kind != rule.kind or other.above or rule.above or other.kind == "*":
        return True
    text, regex = rule.sample, rule_parts(other.pattern)
    return text is None or regex is None or takes(regex[1], text)


def surely_takes(other: PatternRule, rule: PatternRule) -> bool:
    """Whether a rule takes the mail that another is written for; unclear counts as no."""
    if other.above or rule.above:
        return False
    regex, text = rule_parts(other.pattern), rule.sample
    if other.kind == "*":
        return True
    return other.kind == rule.kind and text is not None and regex is not None and takes(regex[1], text)


@dataclass(frozen=True, slots=True)
class Turn:
    """Mail that a rule describes, and where it is directed before and after; empty: no rule directs it."""

    rule: PatternRule
    before: str
    after: str
    decided_by: PatternRule | None


def turns(was: Sequence[PatternRule], now: Sequence[PatternRule]) -> Iterator[Turn]:
    """Mail that may be directed elsewhere."""
    yield from _turns_of_rules(was, now)
    yield from _turns_of_newcomers(was, now)


def _turns_of_rules(was: Sequence[PatternRule], now: Sequence[PatternRule]) -> Iterator[Turn]:
    conditions = [rule.condition for rule in now]
    earlier: set[tuple[str, ...]] = set()
    for rule in was:
        if rule.condition not in earlier:
            earlier.add(rule.condition)
            at = conditions.index(rule.condition) if rule.condition in conditions else None
            newcomers = (n for n in now[:at] if n.condition not in earlier and may_take(n, rule))
            first = next((n for n in newcomers if n.target != rule.target), None)
            if first is None:
                first = now[at] if at is not None else next((n for n in now if surely_takes(n, rule)), None)
            if (first.target if first is not None else "") != rule.target:
                yield Turn(rule, rule.target, first.target if first is not None else "", first)


def _turns_of_newcomers(was: Sequence[PatternRule], now: Sequence[PatternRule]) -> Iterator[Turn]:
    known = {rule.condition for rule in was}
    for number, rule in enumerate(now):
        if rule.condition in known or any(surely_takes(other, rule) for other in now[:number]):
            continue
        known.add(rule.condition)
        before = next((other.target for other in was if surely_takes(other, rule)), "")
        if before != rule.target:
            yield Turn(rule, before, rule.target, rule)
