"""Whether replies that a rule of an `smtp-pattern-list` took still have the same effect under other rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from pmtaform.lang.effective.reply_rules import ReplyRule, takes

_META: Final = re.compile(r"[\[\](){}|*+?^$]")


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
