"""The rules of an `smtp-pattern-list`: which replies they take, and what they do with them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.effective.model import SourceLine
from pmtaform.lang.effective.reading import Nodes
from pmtaform.lang.tree import Directive

_RULE: Final = re.compile(r"\s*(/(?:[^/\\]|\\.)*/)\s*(.*)", re.DOTALL)
_META: Final = re.compile(r"[\[\](){}|*+?^$]")


@dataclass(frozen=True, slots=True)
class ReplyRule:
    """One `reply` rule. `returns_after`: seconds of its own `backoff-to-normal-after=`, if it has one."""

    pattern: str
    actions: tuple[str, ...]
    line: SourceLine = field(compare=False, repr=False)

    @property
    def backs_off(self) -> bool:
        """Whether it puts the queue into back-off."""
        return "mode=backoff" in self.actions

    @property
    def ends(self) -> bool:
        """Whether it puts the queue back into normal mode."""
        return "mode=normal" in self.actions

    @property
    def disables(self) -> bool:
        """Whether it takes the source address out of use for the queue."""
        return any(action.partition("=")[0] == "disable-source-ip" for action in self.actions)

    @property
    def sets_mode(self) -> bool:
        """Whether it has to do with the queue's mode at all; of conflicting rules the first holds."""
        return self.backs_off or self.ends

    @property
    def returns_after(self) -> float | None:
        """Seconds until the queue is back in normal mode by the rule itself; None: the rule does not say."""
        for action in self.actions:
            name, _, text = action.partition("=")
            seconds = values.parse_duration(text) if name == "backoff-to-normal-after" else None
            if seconds is not None:
                return float(seconds)
        return None


def rules_of(contents: Iterable[Nodes]) -> tuple[ReplyRule, ...]:
    """The rules of all sections of one list, in order, includes followed."""
    rules = []
    for nodes in contents:
        for tree, node in nodes.walk():
            if isinstance(node, Directive) and node.name.lower() == "reply":
                match = _RULE.fullmatch(node.value)
                pattern, actions = (match[1], match[2]) if match else (node.value, "")
                line = SourceLine("reply", node.value, node.line, "", tree)
                rules.append(ReplyRule(pattern, tuple(_actions(actions)), line))
    return tuple(rules)


def _actions(text: str) -> Iterable[str]:
    return (action.strip().lower() for action in text.split(",") if action.strip())


def still_slows(rule: ReplyRule, before: Sequence[ReplyRule], after: Sequence[ReplyRule]) -> bool:
    """Whether the replies that a rule took still lead to back-off.

    A rule with the same pattern that is reached as before does, and so does one that takes a plain text which only the
    old pattern could have been written for. Where that is not clear the answer is no.
    """
    modes = [other for other in after if other.sets_mode]
    same = next((n for n, other in enumerate(modes) if other.pattern == rule.pattern), None)
    if same is not None:
        blockers = {other.pattern for other in before if other.ends}
        return modes[same].backs_off and all(
            other.backs_off or other.pattern in blockers or not may_take(other, rule) for other in modes[:same]
        )
    text = sample(rule.pattern)
    first = next((other for other in modes if text is not None and takes(other.pattern, text)), None)
    return first is not None and first.backs_off


def still_disables(rule: ReplyRule, after: Sequence[ReplyRule]) -> bool:
    """Whether the replies for which a rule disabled the source address still do that, or lead to back-off."""
    text = sample(rule.pattern)
    return any(
        (other.disables or other.backs_off) and (other.pattern == rule.pattern or (text and takes(other.pattern, text)))
        for other in after
    )


def may_take(other: ReplyRule, rule: ReplyRule) -> bool:
    """Whether a rule may take replies that another is for; unclear counts as yes."""
    text = sample(rule.pattern)
    return text is None or takes(other.pattern, text)


@lru_cache(4096)
def sample(pattern: str) -> str | None:
    """A reply that a simple pattern takes; None for patterns with more than anchors and wildcards in them."""
    text = pattern[1:-1].removeprefix("^").removesuffix("$").replace(".*", " ").replace(".+", " ")
    text = re.sub(r"\\([^0-9A-Za-z])", r"\1", text) if not _META.search(re.sub(r"\\.", "", text)) else ""
    return text or None


@lru_cache(16384)
def takes(pattern: str, text: str) -> bool:
    """Whether a pattern takes a reply; patterns match anywhere and without regard to case (guide 3.3.15)."""
    try:
        return re.search(pattern[1:-1], text, re.IGNORECASE) is not None
    except re.error:
        return False
