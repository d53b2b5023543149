"""The rules of an `smtp-pattern-list`: which replies they take, and what they do with them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.effective.model import SourceLine
from pmtaform.lang.effective.reading import Nodes
from pmtaform.lang.tree import Directive

_RULE: Final = re.compile(r"\s*(/(?:[^/\\]|\\.)*/)\s*(.*)", re.DOTALL)
_POSIX: Final = re.compile(r"\[\^?\]?[^\]]*\[:\^?[a-z]+:\]")  # `re` reads it without complaint as something else


@dataclass(frozen=True, slots=True)
class ReplyRule:
    """One `reply` rule. `returns_after`: seconds of the `backoff-to-normal-after=`, if it has one."""

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


@lru_cache(4096)
def compiled(pattern: str) -> re.Pattern[str] | None:
    """The pattern between its slashes as Python reads it; None where only PCRE can read it, or it is broken."""
    if _POSIX.search(pattern):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(pattern[1:-1], re.IGNORECASE)
    except (re.error, OverflowError, RecursionError):
        return None


@lru_cache(16384)
def takes(pattern: str, text: str) -> bool:
    """Whether a pattern takes a reply; patterns match anywhere and without regard to case (guide 3.3.15)."""
    expression = compiled(pattern)
    return expression is not None and expression.search(text) is not None
