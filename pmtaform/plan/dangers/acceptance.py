"""Mail that the server newly rejects at submission: too large, relayed too often, unverified."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from pmtaform.lang.blocks import Address
from pmtaform.lang.effective import Value
from pmtaform.lang.values.networks import Network
from pmtaform.lang.values.text import unquoted
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.intake import Intake, in_words
from pmtaform.plan.dangers.levels import bytes_of
from pmtaform.plan.dangers.loss import MAIL_LOST
from pmtaform.plan.dangers.sides import Sides
from pmtaform.plan.dangers.submission_cut_off import doors_that_stay, is_feeder, is_said_the_same

_Names = tuple[str, ...]  # the named sources that hold: of the listener, of the user


def _size(text: str) -> float | None:
    return float("inf") if text in ("", "0", "unlimited") else bytes_of(text)


def _hops(text: str) -> float | None:
    return float(text) if text.isdigit() else None


_LIMITS: Final[dict[str, tuple[str, Callable[[str], float | None]]]] = {
    "max-message-size": ("that is larger", _size),
    "max-message-hops": ("that was relayed more often", _hops),
}
# Checks of a client, with the results for which mail is rejected unless that is switched off.
_CHECKS: Final = {
    "check-spf-inbound": ("for which SPF does not pass", "reject-spf-check"),
    "check-iprev-inbound": ("for which the client's reverse DNS does not match", "reject-iprev-check"),
}
_RESULTS: Final = ("fail", "permerror", "temperror")
_REJECTS: Final = tuple(f"{prefix}-{result}" for _, prefix in _CHECKS.values() for result in _RESULTS)


@dataclass(frozen=True, slots=True)
class _Key:
    """A reason for a rejection; the same one for several clients is one sentence."""

    what: str
    change: str
    cause: Address | None


@dataclass(slots=True)
class _Reach:
    clients: dict[Network, None] = field(default_factory=dict)
    users: dict[str, None] = field(default_factory=dict)


@reports(MAIL_LOST)
def mail_refused(sides: Sides) -> Iterator[DangerFinding]:
    """Mail of permitted clients that is newly rejected because of a property of the message."""
    if not sides.touches("source", "smtp-listener", "smtp-user"):
        return
    if is_said_the_same(sides, *_LIMITS, *_CHECKS, *_REJECTS):
        return
    reach_by_key: dict[_Key, _Reach] = {}
    for alike in sides.clients:
        for was, now, users in _ways(sides, alike[0]):
            for key in _of_way(sides, alike[0], was, now):
                reach = reach_by_key.setdefault(key, _Reach())
                reach.clients |= dict.fromkeys(() if users else alike)
                reach.users |= dict.fromkeys(users)
    for key, reach in reach_by_key.items():
        who = [in_words(reach.clients)] if reach.clients else []
        who += [f"who logs in as {words.several(list(reach.users))}"] if reach.users else []
        detail = f"Mail from {' and from '.join(who)} is rejected {key.what}: {key.change}{sides.because(key.cause)}."
        yield DangerFinding(kind=MAIL_LOST, detail=detail, cause=key.cause)


def _ways(sides: Sides, client: Network) -> Iterator[tuple[_Names, _Names, list[str]]]:
    """The ways in which a class of clients submits mail on both sides: without a login, and by each user's source."""
    before, after = sides.intakes
    by_sources: dict[tuple[str, str], list[str]] = {}
    for name in before.users.keys() & after.users.keys():
        by_sources.setdefault((before.users[name].source, after.users[name].source), []).append(name)
    for was, now in doors_that_stay(sides):
        if is_feeder(before, client, was) and is_feeder(after, client, now):
            yield (was,), (now,), []
        for (left, right), names in by_sources.items():
            if before.relays_as(left, client, was) and after.relays_as(right, client, now):
                yield (was, left), (now, right), sorted(names)


def _of_way(sides: Sides, client: Network, was: _Names, now: _Names) -> Iterator[_Key]:
    before, after = sides.intakes
    for name, (what, level) in _LIMITS.items():
        left, right = before.sources.value(name, client, *was), after.sources.value(name, client, *now)
        old, new = level(_text(left)), level(_text(right))
        if old is not None and new is not None and new < old:
            yield _Key(what, _change(name, left, right), sides.cause(left, right))
    for name, (what, rejects) in _CHECKS.items():
        if _rejects(after, name, rejects, client, now) - _rejects(before, name, rejects, client, was):
            left, right = before.sources.value(name, client, *was), after.sources.value(name, client, *now)
            yield _Key(what, _change(name, left, right), sides.cause(left, right))


def _rejects(side: Intake, check: str, prefix: str, client: Network, named: _Names) -> set[str]:
    """The results of a check for which mail is rejected."""
    if not side.is_on(check, client, *named):
        return set()
    return {result for result in _RESULTS if side.is_on(f"{prefix}-{result}", client, *named)}


def _change(name: str, left: Value, right: Value) -> str:
    return f"{name} {words.value(left)} -> {words.value(right)}"


def _text(value: Value) -> str:
    return unquoted(value.values[-1].strip()).lower() if value.values else ""
