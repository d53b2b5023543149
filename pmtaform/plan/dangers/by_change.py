"""Dangers that one change of one block shows by itself, without looking at its effect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pmtaform.lang import values
from pmtaform.lang.blocks import Address, Block, directives_in, spec_of
from pmtaform.lang.catalogue import GLOBAL, Impact
from pmtaform.plan.model import Action, Danger


@dataclass(frozen=True, slots=True)
class Facts:
    """What a danger is decided from. `before` or `after` is None where the block is not there."""

    address: Address
    action: Action
    before: Block | None
    after: Block | None
    impact: Impact

    def values(self, block: Block | None, name: str) -> list[tuple[tuple[str, ...], str]]:
        """Every value of a directive in one side of the change, with the sections around it."""
        if block is None:
            return []
        return [(path, d.value) for _, path, d in directives_in(block) if d.name.lower() == name]

    def gained(self, name: str) -> list[str]:
        """Normalised values that the directive has after the change and had not before."""
        had = {(path, _plain(name, value)) for path, value in self.values(self.before, name)}
        return [v for path, v in self.values(self.after, name) if (path, _plain(name, v)) not in had]

    def lost(self, name: str) -> list[str]:
        """Normalised values that the directive had before the change and has no longer."""
        has = {(path, _plain(name, value)) for path, value in self.values(self.after, name)}
        return [v for path, v in self.values(self.before, name) if (path, _plain(name, v)) not in has]


def dangers_of(facts: Facts) -> tuple[Danger, ...]:
    """Every danger of one change."""
    return tuple(danger for check in _CHECKS for danger in check(facts))


def _plain(name: str, value: str) -> str:
    return values.normalise(spec_of(GLOBAL, name), value)


def _restart(facts: Facts) -> Iterator[Danger]:
    if facts.impact is Impact.RESTART:
        yield Danger(
            "restart",
            f"{facts.address} takes effect only after a restart. A restart ends connections, returns every queue to "
            "normal mode and starts retry lists over; a failed start stops all mail.",
        )


def _signing(facts: Facts) -> Iterator[Danger]:
    if facts.address.kind == "dkim-key":
        return
    for value in facts.lost("domain-key"):
        fields = [field.strip() for field in value.split(",")]
        kept = {v.split(",")[1].strip() for _, v in facts.values(facts.after, "domain-key") if v.count(",") >= 2}
        if len(fields) >= 2 and fields[1] in kept:
            continue  # another selector signs for the same domain: a rotation
        yield Danger(
            "signing-key-removed",
            f"`domain-key {values.shown(value)}` goes, and no other key of {facts.address} signs for that domain: its "
            "mail goes out unsigned.",
        )


_CHECKS: tuple[Callable[[Facts], Iterator[Danger]], ...] = (
    _restart,
    _signing,
)


def many_deletions(deleted: int, total: int, percent: float, free: int) -> tuple[Danger, ...]:
    """The danger that a host loses a large part of its blocks at once."""
    if deleted <= free or total == 0 or deleted * 100 <= percent * total:
        return ()
    return (
        Danger(
            "many-deletions",
            f"{deleted} of {total} blocks would be deleted, more than {percent:g} %. If that is meant, consent to it; "
            "if not, look for a layer, a group or a file that the stack has lost.",
        ),
    )
