"""Update the history of a rotation with what is seen. Pure, and idempotent for the same facts.

What is not known counts as seen just now: a lost history, or a clock that was set back, makes everything last longer
and nothing happen sooner.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from pmtaform.model.rotation import KeyHistory, Rotation, SelectorLife, age_order

_TIMES: Final = ("generated", "published", "verified", "signed", "stopped", "removed", "revoked")
_REMEMBERED: Final = 10  # revoked selectors, whose names are not taken again


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStatus:
    """The record of one selector in DNS. None: not every server could be asked, and none says otherwise.

    `published`: all authoritative servers have it and it fits the key; `verified`: the configured resolvers, too;
    `gone`: no server has it, or it is revoked. `why` names what is missing, in words.
    """

    published: bool | None = None
    verified: bool | None = None
    gone: bool | None = None
    why: str = "DNS was not asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFacts:
    """What is seen of one key.

    `hosts` have the key by the stack. `live` are the selectors that surveyed hosts sign with; `kept` are those whose
    file a host has, as far as the state knows; `overruled` names, for selectors whose lines PowerMTA never
    takes what signs instead. `longest` is the longest time that mail may wait on a host.
    `publics` are (`p=`, `k=`) of the private keys that are available; `missing` has the reasons for the others.
    """

    hosts: tuple[str, ...] = ()
    live: Mapping[str, frozenset[str]] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    longest: timedelta = timedelta()
    records: Mapping[str, RecordStatus] = field(default_factory=dict)
    overruled: Mapping[str, str] = field(default_factory=dict)
    publics: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def signing(self) -> frozenset[str]:
        """Every selector that some host was seen to sign with."""
        return frozenset(selector for selectors in self.live.values() for selector in selectors)

    @property
    def all_seen(self) -> bool:
        """Whether every host that has the key was looked at."""
        return set(self.hosts) <= set(self.live)


def observe(history: KeyHistory, rotation: Rotation, facts: KeyFacts, now: datetime) -> KeyHistory:
    """Return the history with what is seen now."""
    at = _stamp(history, now)
    lives_seen = _discovered(history, facts)
    current = _current(history, lives_seen, facts)
    before = {life.selector for life in lives_seen[: _place(lives_seen, current)]}
    lives = []
    for life in lives_seen:
        new = history.life(life.selector) is None
        seen = _in_dns(_with_public(life, facts), facts.records.get(life.selector, RecordStatus()), at)
        if life.selector == current:
            seen = replace(seen, signed=seen.signed or at, stopped=None, removed=None, revoked=None)
        elif life.selector in facts.signing or (
            life.stopped is None and (life.signed is not None or (new and life.selector in before))
        ):
            seen = replace(seen, stopped=at, removed=None, revoked=None)
        lives.append(_ended(seen, current, before, rotation, facts, now))
    return KeyHistory(current=current, lives=_remembered(lives))


def switched(history: KeyHistory, selector: str, now: datetime) -> KeyHistory:
    """Return the history after all hosts switched to `selector` now."""
    now = _stamp(history, now)
    old, new = history.life(history.current), history.life(selector)
    if new is None or history.current == selector:
        return history
    if old is not None:
        history = history.having(replace(old, stopped=now, removed=None, revoked=None))
    return replace(history.having(replace(new, signed=now, stopped=None)), current=selector)


def file_due(life: SelectorLife, longest: timedelta) -> datetime | None:
    """When no mail that waits can need its key any more; None while it signs."""
    return None if life.stopped is None else life.stopped + max(longest, life.bounce_after or timedelta())


def _stamp(history: KeyHistory, now: datetime) -> datetime:
    """The time to record as now: never earlier than a time in the history.

    Once a clock that was set back goes right again, nothing has lasted longer than it did.
    """
    times = (getattr(life, name) for life in history.lives for name in _TIMES)
    return max((at for at in times if at is not None and at > now), default=now)


def _discovered(history: KeyHistory, facts: KeyFacts) -> list[SelectorLife]:
    """All lives, those included that hosts have and the history does not know."""
    known = {life.selector for life in history.lives}
    new = sorted((facts.kept | facts.signing) - known, key=age_order)
    since = age_order(history.current or "")
    older = [SelectorLife(selector=name) for name in new if history.current and age_order(name) < since]
    newer = [SelectorLife(selector=name) for name in new if not history.current or age_order(name) >= since]
    return [*older, *history.lives, *newer]


def _current(history: KeyHistory, lives: list[SelectorLife], facts: KeyFacts) -> str | None:
    names = [life.selector for life in lives]
    everywhere = set(facts.live.values()) if facts.all_seen and facts.live else set()
    if history.current in names:
        only = next(iter(everywhere)) if len(everywhere) == 1 else frozenset()
        forward = next(iter(only)) if len(only) == 1 else None
        # All hosts switched in a run that ended before it wrote the history. An older selector is a rollback instead.
        newer = forward is not None and names.index(forward) > names.index(history.current)
        return forward if newer else history.current
    votes = Counter(selector for selectors in facts.live.values() for selector in selectors)
    if votes:
        return max(votes, key=lambda name: (votes[name], names.index(name)))
    unknown = [name for name in names if name in facts.kept and history.life(name) is None]
    return unknown[-1] if unknown and not (facts.live and facts.all_seen) else None


def _place(lives: list[SelectorLife], selector: str | None) -> int:
    return next((at for at, life in enumerate(lives) if life.selector == selector), 0)


def _with_public(life: SelectorLife, facts: KeyFacts) -> SelectorLife:
    public, algorithm = facts.publics.get(life.selector, (life.public, life.algorithm))
    if life.public and (life.public, life.algorithm) != (public, algorithm):
        # Another key than the one that was looked for in DNS.
        life = replace(life, published=None, verified=None)
    return replace(life, public=public, algorithm=algorithm)


def _in_dns(life: SelectorLife, look: RecordStatus, now: datetime) -> SelectorLife:
    published, verified = life.published, life.verified
    if look.published is not None:
        published = (published or now) if look.published else None
    if look.verified is not None:
        verified = (verified or now) if look.verified else None
    return replace(life, published=published, verified=verified if published else None)


def _ended(
    life: SelectorLife, current: str | None, before: set[str], rotation: Rotation, facts: KeyFacts, now: datetime
) -> SelectorLife:
    """The life with its last steps: how long its key is needed, and what is gone already."""
    used = life.selector == current or life.stopped is not None
    if used and life.removed is None:
        life = replace(life, bounce_after=max(life.bounce_after or timedelta(), facts.longest))
    if life.selector == current or life.selector in facts.signing:
        return life
    due = file_due(life, facts.longest)
    over = life.selector in before and (due is None or now >= due)
    if over and life.removed is None and life.selector not in facts.kept:
        life = replace(life, removed=now)
    look = facts.records.get(life.selector, RecordStatus())
    if life.removed is not None and life.revoked is None and look.gone and now >= record_due(life, rotation, now):
        life = replace(life, revoked=now)
    return life


def record_due(life: SelectorLife, rotation: Rotation, now: datetime) -> datetime:
    """When its record may go: `retire_after` after its file went, at once if it never signed."""
    return (life.removed or now) + (rotation.retire_after if life.stopped is not None else timedelta())


def _remembered(lives: list[SelectorLife]) -> tuple[SelectorLife, ...]:
    gone = [life for life in lives if life.revoked is not None][:-_REMEMBERED]
    return tuple(life for life in lives if life not in gone)
