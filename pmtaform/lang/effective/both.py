"""A configuration before and after a change, each read once, and what changes for queues, worked out once for all."""

from __future__ import annotations

from functools import cached_property

from pmtaform.lang.effective.changes import changed_pairs, same_effect
from pmtaform.lang.effective.moves import PairChange
from pmtaform.lang.effective.settings import KEY, Effective
from pmtaform.lang.includes import Configuration


class EffectiveChange:
    """Both sides of a change. `defaults` is the vendor's config-defaults, the same on both sides."""

    def __init__(self, before: Configuration, after: Configuration, defaults: Configuration | None = None) -> None:
        self.before = Effective(before, defaults)
        self.after = Effective(after, defaults, self.before)

    @cached_property
    def pairs(self) -> tuple[PairChange, ...]:
        """Every pair whose effective values change.

        The keys of virtual MTAs are left out: thousands may have one each, and which of them signs is looked at
        elsewhere.
        """
        return tuple(changed_pairs(self.before, self.after, most=None, without=(KEY,)))

    @cached_property
    def is_same(self) -> bool | None:
        """Whether no queue and no virtual MTA is changed; None where that is not known (`same_effect`)."""
        return False if self.pairs else same_effect(self.before, self.after)
