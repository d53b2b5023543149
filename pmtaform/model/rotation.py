"""Keys that are rotated: the settings of a stack, and what is known of each selector's life.

    generated ─▶ published ─▶ verified ─▶ signing ─▶ retiring ─▶ revoked

The nouns only: `pmtaform.dkim.observation` and `pmtaform.dkim.status` hold the logic. Times have their
zone; None is "not known, or not yet".
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

VARIABLE: Final = "selector"  # ${selector} in `private-key` and `path`
_TAIL: Final = re.compile(r"-(?P<date>[0-9]{8})(?:-(?P<number>[0-9]{1,4}))?")


class Stage(StrEnum):
    """The stage of a selector's life."""

    GENERATED = "generated"  # its key is in the store
    PUBLISHED = "published"  # all authoritative servers have its record
    VERIFIED = "verified"  # all servers and resolvers have had it for `publish-for`
    SIGNING = "signing"
    OVERRULED = "overruled"  # it should sign, and another line comes before its own
    RETIRING = "retiring"  # it no longer signs; its file, then its record, stay for mail that it signed
    REVOKED = "revoked"  # its record may be removed


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """The settings under `rotation` of a key.

    A new selector signs `every` so often, once its record has been there for `publish_for`; the old one's record stays
    `retire_after` longer than its key file.
    """

    every: timedelta
    publish_for: timedelta = timedelta(hours=48)
    retire_after: timedelta = timedelta(days=7)

    @property
    def lead(self) -> timedelta:
        """How long before the switch a key is generated: twice `publish_for`, so that publishing may take a while."""
        return min(2 * self.publish_for, self.every)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectorLife:
    """One selector. `public` and `algorithm` are `p=` and `k=` of its record.

    `published` and `verified` are since when, without a break, its record was there: at all authoritative servers, at
    these and all resolvers. `stopped` is when a host was last known to sign with it, `bounce_after` the longest time
    that mail of these hosts may wait, `removed` when its file had left them, `revoked` when its record was seen gone.
    """

    selector: str
    generated: datetime | None = None
    published: datetime | None = None
    verified: datetime | None = None
    signed: datetime | None = None
    stopped: datetime | None = None
    removed: datetime | None = None
    revoked: datetime | None = None
    bounce_after: timedelta | None = None
    public: str = ""
    algorithm: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHistory:
    """What is known of one key's selectors, in the order in which they were made; `current` is the one that signs."""

    current: str | None = None
    lives: tuple[SelectorLife, ...] = ()

    def life(self, selector: str | None) -> SelectorLife | None:
        """The selector with this name."""
        return next((life for life in self.lives if life.selector == selector), None)

    def having(self, life: SelectorLife) -> KeyHistory:
        """With this life, in its own place if it has one, else as the newest."""
        if self.life(life.selector) is None:
            return replace(self, lives=(*self.lives, life))
        return replace(self, lives=tuple(life if life.selector == old.selector else old for old in self.lives))

    @property
    def candidates(self) -> tuple[SelectorLife, ...]:
        """Those that are newer than the one that signs, the oldest first."""
        names = [life.selector for life in self.lives]
        newer = self.lives[names.index(self.current) + 1 :] if self.current in names else self.lives
        return tuple(life for life in newer if life.removed is None and life.revoked is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedSelectors:
    """What hosts should have of one key: `files` on them, `signing` in their `domain-key` line.

    `retired` are selectors whose files may be deleted: no mail can need them. `records` are those that DNS must have,
    as (selector, `p=`, `k=`). `waiting` are those that have not signed yet.
    """

    files: tuple[str, ...] = ()
    signing: str | None = None
    retired: tuple[str, ...] = ()
    records: tuple[tuple[str, str, str], ...] = ()
    waiting: tuple[str, ...] = ()


def selector_for(stem: str, moment: datetime, taken: Collection[str]) -> str:
    """The name of a selector that is made at `moment`: `s-20260131`, or with `-2`, `-3` … when that is taken."""
    name = f"{stem}-{moment.astimezone(UTC):%Y%m%d}"
    number = 2
    selector = name
    while selector in taken:
        selector = f"{name}-{number}"
        number += 1
    return selector


def is_of(stem: str, selector: str) -> bool:
    """Whether a selector is one that rotation of `stem` makes."""
    return selector.startswith(stem) and _TAIL.fullmatch(selector[len(stem) :]) is not None


def age_order(selector: str) -> tuple[str, int]:
    """What sorts selectors of one stem by their names, the oldest first."""
    match = _TAIL.search(selector)
    return (match["date"], int(match["number"] or 1)) if match else ("", 0)
