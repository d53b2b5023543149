"""Clients that may newly connect, log in, relay or choose a virtual MTA.

The cause may be a line that allows it, or one that is removed (`smtp-service no`, the whole source of 0/0,
`require-auth`, the last listener). More rights after a login are not a danger: accounts belong to known people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from pmtaform.lang.blocks import SETTING, Address
from pmtaform.lang.effective.model import SourceLine
from pmtaform.lang.values.networks import Network
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.intake import (
    ALLOW_AUTH,
    RELAYING,
    REQUIRE_AUTH,
    SERVICE,
    Intake,
    furthest,
    in_words,
    is_everyone,
    is_machine,
)
from pmtaform.plan.dangers.kind import DangerKind
from pmtaform.plan.dangers.levels import factor_of
from pmtaform.plan.dangers.listeners import Exposure
from pmtaform.plan.dangers.sides import Sides

OPEN_RELAY: Final = DangerKind(
    code="open-relay",
    rank=10,
    summary="anyone may relay through the server",
    explanation=(
        "Anyone can send any mail through the server, and its addresses end up on block lists. Limit "
        "`always-allow-relaying`, `relay-domain` and `relay-address` to networks and domains that you know."
    ),
)
RELAY_OPENED: Final = DangerKind(
    code="relay-opened",
    rank=20,
    summary="more clients or recipients may relay through the server",
    explanation=(
        "After the change the server relays for clients, or accepts recipients, that it rejected before. Check that "
        "the networks and domains in the sentence are yours."
    ),
)
SUBMISSION_OPENED: Final = DangerKind(
    code="submission-opened",
    rank=30,
    summary="more clients may connect, log in, submit mail or choose its virtual MTA",
    explanation=(
        "More clients reach the server, or one of the conditions that they must meet is gone. Check the source and "
        "the listener that the sentence names."
    ),
)

READS: Final = ("source", "smtp-listener", "smtp-user", "smtp-ip", "smtp-port", RELAYING)
_FAILURES: Final = "smtp-max-auth-failure-rate"
_NOTHING: Final = (Exposure.NONE, "")


@dataclass(frozen=True, slots=True)
class _Right:
    """Something that clients may do. `consequence` completes "…: everyone", `decided_by` are the directives behind it.

    `for_strangers`: it is a danger only where everyone gets it; feeders are intended to have it.
    """

    holds: Callable[[Intake, Network, str], bool]
    consequence: str
    decided_by: tuple[str, ...]
    for_strangers: bool = False


def _submits_with(name: str) -> Callable[[Intake, Network, str], bool]:
    return lambda side, client, door: side.submits(client, door) and side.is_on(name, client, door)


_RELAY: Final = _Right(
    Intake.may_relay, "may relay to any recipient without a login", (RELAYING, REQUIRE_AUTH, SERVICE)
)
_CONNECT: Final = _Right(Intake.connects, "may connect and submit mail", (SERVICE,))
_SUBMIT: Final = _Right(Intake.submits, "may submit mail without a login", (REQUIRE_AUTH, SERVICE))
_LOGIN: Final = _Right(
    lambda side, client, door: side.connects(client, door) and side.is_on(ALLOW_AUTH, client, door),
    "may log in",
    (ALLOW_AUTH, SERVICE),
)
# Of these, a class gets the first that it gains: each includes the following ones.
_NESTED: Final = (_RELAY, _CONNECT, _SUBMIT)
_OTHERS: Final = (
    _Right(
        _submits_with("process-x-virtual-mta"),
        "may choose the virtual MTA, and so the address that mail leaves from, in a header",
        ("process-x-virtual-mta", REQUIRE_AUTH),
        for_strangers=True,
    ),
    _Right(
        _submits_with("process-x-dkim-key"),
        "may choose the signing key, in a header",
        ("process-x-dkim-key", REQUIRE_AUTH),
        for_strangers=True,
    ),
    _Right(
        _submits_with("always-allow-api-submission"),
        "may use all features of the submission APIs, including mail merge",
        ("always-allow-api-submission", REQUIRE_AUTH),
    ),
)


@dataclass(frozen=True, slots=True)
class _Key:
    """Gains that are one sentence."""

    kind: DangerKind
    consequence: str
    change: str
    cause: Address | None


@dataclass(slots=True)
class _Gains:
    """What is gained by whom; `clients` are those that are looked at, which are all alike."""

    by_key: dict[_Key, list[Network]] = field(default_factory=dict)
    clients: tuple[Network, ...] = ()

    def add(self, key: _Key) -> None:
        self.by_key.setdefault(key, []).extend(self.clients)


@reports(OPEN_RELAY, RELAY_OPENED, SUBMISSION_OPENED)
def submission_opened(sides: Sides) -> Iterator[DangerFinding]:
    """The rights that clients gain."""
    if not sides.touches(*READS):
        return
    gains = _Gains()
    for alike in sides.clients:
        if not is_machine(alike[0]):
            gains.clients = alike
            _of_class(sides, alike[0], gains)
    for key, clients in gains.by_key.items():
        who = in_words(clients)
        detail = f"{who[0].upper()}{who[1:]} {key.consequence}: {key.change}{sides.because(key.cause)}.{_more(key)}"
        size = max(2.0**-client.prefixlen for client in clients)
        yield DangerFinding(kind=key.kind, detail=detail, cause=key.cause, weight=size)


def _more(key: _Key) -> str:
    if key.kind != OPEN_RELAY:
        return ""
    if key.cause == Address(SETTING, RELAYING):
        return " The guide documents this line at top level; if it counts there, the server is an open relay."
    return " An open relay is found within the hour, and its addresses are blocked for weeks."


def _of_class(sides: Sides, client: Network, gains: _Gains) -> None:
    for right in _NESTED:
        if _gained(sides, right, client, gains):
            break
    else:
        if sides.intakes[1].users:
            _gained(sides, _LOGIN, client, gains)
            _guessing(sides, client, gains)
    for right in _OTHERS:
        if is_everyone(client) or not right.for_strangers:
            _gained(sides, right, client, gains)


def _gained(sides: Sides, right: _Right, client: Network, gains: _Gains) -> bool:
    before, after = sides.intakes
    (was, door_before), (now, door_after) = (_reach(side, right, client) for side in sides.intakes)
    if now <= max(was, Exposure.MACHINE):
        return False
    changed = [
        name
        for name in right.decided_by
        if _value(before, name, client, door_before or door_after) != _value(after, name, client, door_after)
    ]
    lines = [line for name in changed if (line := after.sources.line(name, client, door_after)) is not None]
    lines += [line for name in changed if (line := before.sources.line(name, client, door_after)) is not None]
    change = [
        f"{name} {_value(before, name, client, door_before or door_after)} -> {_value(after, name, client, door_after)}"
        for name in changed[:1]
    ]
    if was is not Exposure.NONE or not changed:
        lines = [*_listener_lines(after, door_after, now), *lines, *_listener_lines(before, door_before, was)]
        change = [_where(before, after)]
    if right is _RELAY:
        lines += after.effective.reading.lines.get(RELAYING, [])
    kind = _kind(right, client, now)
    gains.add(_Key(kind, right.consequence, "; ".join(change), sides.cause_of_lines(lines)))
    return True


def _kind(right: _Right, client: Network, reach: Exposure) -> DangerKind:
    if right is not _RELAY:
        return SUBMISSION_OPENED
    return OPEN_RELAY if is_everyone(client) and reach >= Exposure.PUBLIC else RELAY_OPENED


def _reach(side: Intake, right: _Right, client: Network) -> tuple[Exposure, str]:
    """From how far a class has a right at most, and through which named source."""
    doors = [(furthest(client, reach), door) for door, reach in side.doors.items() if right.holds(side, client, door)]
    return max(doors, default=_NOTHING)


def _value(side: Intake, name: str, client: Network, door: str) -> str:
    return words.value(side.sources.value(name, client, door))


def _listener_lines(side: Intake, door: str, reach: Exposure) -> list[SourceLine]:
    return [
        listener.line
        for listener in side.listeners
        if listener.line is not None and listener.source == door and listener.reach >= reach
    ]


def _where(before: Intake, after: Intake) -> str:
    left, right = (words.several([listener.name for listener in side.listeners]) for side in (before, after))
    return (
        f"the server listens on {right}, and not only on {left}" if left != right else f"the server listens on {right}"
    )


def _guessing(sides: Sides, client: Network, gains: _Gains) -> None:
    """Passwords that may be guessed faster. Without `require-auth` the limit has no effect (guide 3.3.7.7)."""
    before, after = sides.intakes
    for door in after.doors:
        if door not in before.doors or not before.is_on(REQUIRE_AUTH, client, door):
            continue
        was, now = (side.sources.value(_FAILURES, client, door) for side in sides.intakes)
        factor = factor_of(was, now) if _LOGIN.holds(after, client, door) else None
        if factor is not None and factor > sides.rate_factor:
            change = f"{_FAILURES} {words.value(was)} -> {words.value(now)}"
            gains.add(_Key(SUBMISSION_OPENED, "may guess passwords faster", change, sides.cause(was, now)))
            return
