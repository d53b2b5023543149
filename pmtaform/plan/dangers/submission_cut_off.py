"""Who submits mail before a change, and no longer can after it: feeders whose mail stops.

Closing an open relay is not a danger: where everyone may relay and a line now forbids it, the change is intended. Where
only a default takes over, no one decided it, and feeders may have relied on the removed line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.blocks import Address
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
    in_words,
    is_everyone,
)
from pmtaform.plan.dangers.kind import DangerKind
from pmtaform.plan.dangers.listeners import Exposure, Listener
from pmtaform.plan.dangers.sides import Sides

SUBMISSION_CUT_OFF: Final = DangerKind(
    code="submission-cut-off",
    rank=70,
    summary="clients or accounts can no longer submit mail",
    explanation=(
        "Programs that submit mail now are rejected after the change. Move them first, or keep the source, listener "
        "or account that the sentence names."
    ),
)

READS: Final = ("source", "smtp-listener", "smtp-user", "smtp-ip", "smtp-port")
_LOGS_IN: Final = "who logs in as"
_OWN_SOURCES: Final = ("{pickup}", "{transmissions-api}")  # of mail that comes by no listener

# What submitted mail may make use of, and what becomes of it without.
_FEATURES: Final = {
    "process-x-virtual-mta": "mail that chooses its virtual MTA in a header leaves by the default one",
    "process-x-dkim-options": "DKIM options that mail brings in a header have no effect",
    "process-x-dkim-key": "mail that brings its key in a header is not signed with it",
    "process-x-job": "mail that names its job in a header is not recorded under that job",
    "process-x-envid": "mail that brings its envelope ID in a header is recorded without it",
    "allow-mailmerge": "mail merge submissions are refused",
}
_ALSO_BY: Final = {"allow-mailmerge": "always-allow-api-submission"}


@dataclass(frozen=True, slots=True)
class _Key:
    """Losses that are one sentence."""

    who: str  # empty: the clients themselves; for those who log in, their names follow
    consequence: str
    change: str
    cause: Address | None


@dataclass(slots=True)
class _Reach:
    """Who loses it: classes of clients, and of those who log in, as which users."""

    clients: dict[Network, None] = field(default_factory=dict)
    users: dict[str, None] = field(default_factory=dict)

    def add(self, clients: Iterable[Network], users: Iterable[str]) -> None:
        self.clients |= dict.fromkeys(clients)
        self.users |= dict.fromkeys(users)

    def shown(self, who: str) -> str:
        """A description of them; `who` is the part that is known already."""
        if self.users:
            who = f"{who} {words.several([values.shown(user) for user in self.users])}"
        if not self.clients:
            return who
        return f"{who}, from {in_words(self.clients)}," if who else in_words(self.clients)


@reports(SUBMISSION_CUT_OFF)
def submission_cut_off(sides: Sides) -> Iterator[DangerFinding]:
    """Listeners and rights that those who submit mail lose."""
    if not sides.touches(*READS) or not sides.intakes[0].is_described:
        return
    yield from _listeners(sides)
    if is_said_the_same(sides, SERVICE, RELAYING, REQUIRE_AUTH, ALLOW_AUTH, *_FEATURES, *_ALSO_BY.values()):
        return
    lost: dict[_Key, _Reach] = {}
    for alike in sides.clients:
        for key, users in _lost_by(sides, alike[0]):
            lost.setdefault(key, _Reach()).add(alike, users)
    for name in _OWN_SOURCES:
        for key in _features(sides, None, [(name, name)]):
            lost.setdefault(key, _Reach())
    for key, reach in lost.items():
        who = reach.shown(key.who)
        detail = f"{who[0].upper()}{who[1:]} {key.consequence}: {key.change}{sides.because(key.cause)}."
        yield DangerFinding(kind=SUBMISSION_CUT_OFF, detail=detail, cause=key.cause)


def is_said_the_same(sides: Sides, *names: str) -> bool:
    """Whether the same sources, by the same listeners and logins, say the same of these directives."""
    before, after = sides.intakes
    was, now = before.sources, after.sources
    if any(door != other for door, other in doors_that_stay(sides)) or (was.networks, was.names) != (
        now.networks,
        now.names,
    ):
        return False
    if any(name in after.users and after.users[name].source != user.source for name, user in before.users.items()):
        return False
    return all(was.written(name) == now.written(name) for name in names)


# -- listeners ---------------------------------------------------------------------------------------------------------


def _listeners(sides: Sides) -> Iterator[DangerFinding]:
    before, after = sides.intakes
    for listener in before.listeners:
        if not any(before.connects(alike[0], listener.source) for alike in sides.clients):
            continue
        other = _taking_over(after, listener)
        if other is None:
            left = words.several([one.name for one in after.listeners])
            cause = sides.cause_of_lines(_lines(listener, *after.listeners))
            yield DangerFinding(
                kind=SUBMISSION_CUT_OFF,
                detail=f"Who submits mail to {listener.name} is cut off: the server listens on {left} only"
                f"{sides.because(cause)}.",
                cause=cause,
            )
        elif other.immediate_tls != listener.immediate_tls:
            cause = sides.cause_of_lines(_lines(other, listener))
            speaks = "speak TLS from the start" if other.immediate_tls else "start without TLS"
            yield DangerFinding(
                kind=SUBMISSION_CUT_OFF,
                detail=f"Who submits mail to {listener.name} is cut off: clients must {speaks} there"
                f"{sides.because(cause)}.",
                cause=cause,
            )


def _taking_over(after: Intake, listener: Listener) -> Listener | None:
    """The listener that clients of `listener` reach after the change: the closest."""
    fitting = [candidate for candidate in after.listeners if candidate.covers(listener)]
    return max(fitting, key=lambda candidate: candidate.network.prefixlen if candidate.network else 0, default=None)


def _lines(*listeners: Listener) -> list[SourceLine]:
    return [listener.line for listener in listeners if listener.line is not None]


def doors_that_stay(sides: Sides) -> list[tuple[str, str]]:
    """The named sources that clients get before and after at the listeners that stay."""
    before, after = sides.intakes
    pairs = ((listener.source, _taking_over(after, listener)) for listener in before.listeners)
    return list(dict.fromkeys((source, other.source) for source, other in pairs if other is not None))


# -- rights ------------------------------------------------------------------------------------------------------------


def _lost_by(sides: Sides, client: Network) -> Iterator[tuple[_Key, list[str]]]:
    """What a class of clients loses, and as which users where they log in."""
    doors = doors_that_stay(sides)
    for pair in doors:
        yield from ((key, []) for key in _anonymous(sides, client, pair))
        yield from _logged_in(sides, client, pair)
    yield from ((key, []) for key in _features(sides, client, doors))


def _anonymous(sides: Sides, client: Network, doors: tuple[str, str]) -> Iterator[_Key]:
    before, after = sides.intakes
    if before.relays(client, doors[0]) and not after.relays(client, doors[1]):
        blocker = _blocker(after, client, doors[1], REQUIRE_AUTH)
        if not _is_closing(sides, client, doors, blocker):
            consequence = "must log in to submit mail" if blocker == REQUIRE_AUTH else "may no longer relay"
            yield _key(sides, "", consequence, blocker, client, doors)
    elif _reads_mail(before) and before.submits(client, doors[0]) and not after.submits(client, doors[1]):
        blocker = _blocker(after, client, doors[1], REQUIRE_AUTH)
        consequence = (
            "can no longer submit mail for the domains that the server accepts (bounces and complaints included)"
        )
        yield _key(sides, "", consequence, blocker, client, doors)


def _is_closing(sides: Sides, client: Network, doors: tuple[str, str], blocker: str) -> bool:
    """Whether an open relay is closed on purpose."""
    before, after = sides.intakes
    explicit = after.sources.line(blocker, client, doors[1]) is not None
    return explicit and is_everyone(client) and before.doors[doors[0]] >= Exposure.PUBLIC


def _reads_mail(side: Intake) -> bool:
    return any(name in side.effective.reading.lines for name in ("relay-domain", "relay-address"))


def _logged_in(sides: Sides, client: Network, doors: tuple[str, str]) -> Iterator[tuple[_Key, list[str]]]:
    before, after = sides.intakes
    by_sources: dict[tuple[str, str], list[str]] = {}
    for name in before.users:
        if name in after.users:
            by_sources.setdefault((before.users[name].source, after.users[name].source), []).append(name)
    for sources, names in by_sources.items():
        if not before.relays_as(sources[0], client, doors[0]) or after.relays_as(sources[1], client, doors[1]):
            continue
        blocker = _blocker(after, client, doors[1], ALLOW_AUTH)
        if sources[0] != sources[1]:
            lines = [side.users[names[0]].lines.get("source") for side in (after, before)]
            cause = sides.cause_of_lines(line for line in lines if line is not None)
            yield _Key(_LOGS_IN, "may no longer relay", f"source {sources[0]} -> {sources[1]}", cause), names
        elif blocker in (SERVICE, ALLOW_AUTH):
            yield _key(sides, _LOGS_IN, "can no longer log in", blocker, client, doors), names
        else:
            named = (doors[0], sources[0]), (doors[1], sources[1])
            name = RELAYING if not after.is_on(RELAYING, client, *named[1]) else SERVICE
            change, cause = _change(sides, name, client, *named)
            yield _Key(_LOGS_IN, "may no longer relay", change, cause), names


def _blocker(side: Intake, client: Network, door: str, login: str) -> str:
    """The directive that keeps a client from relaying; `login` is the one about logins that counts here."""
    if not side.connects(client, door):
        return SERVICE
    return login if side.is_on(login, client, door) is (login == REQUIRE_AUTH) else RELAYING


def _key(sides: Sides, who: str, consequence: str, name: str, client: Network, doors: tuple[str, str]) -> _Key:
    change, cause = _change(sides, name, client, (doors[0],), (doors[1],))
    return _Key(who, consequence, change, cause)


def _change(
    sides: Sides, name: str, client: Network | None, was: tuple[str, ...], now: tuple[str, ...]
) -> tuple[str, Address | None]:
    """How a directive changes for a client, and the block that brings it about."""
    before, after = sides.intakes
    left, right = before.sources.value(name, client, *was), after.sources.value(name, client, *now)
    listeners = [
        listener
        for side, named in ((after, now), (before, was))
        for listener in side.listeners
        if listener.source in named
    ]
    lines = [*right.lines, *left.lines, *_lines(*(listener for listener in listeners if listener.source))]
    return f"{name} {words.value(left)} -> {words.value(right)}", sides.cause_of_lines(lines)


# -- what mail may make use of -----------------------------------------------------------------------------------------


def _features(sides: Sides, client: Network | None, doors: list[tuple[str, str]]) -> Iterator[_Key]:
    before, after = sides.intakes
    sources = {(user.source, after.users[name].source) for name, user in before.users.items() if name in after.users}
    for name, consequence in _FEATURES.items():
        for was, now in doors:
            if is_feeder(before, client, was) and is_feeder(after, client, now):
                yield from _lost_feature(sides, name, consequence, client, (was,), (now,))
            for left, right in sorted(sources if client is not None else ()):
                lost = list(_lost_feature(sides, name, consequence, client, (was, left), (now, right)))
                if lost and before.relays_as(left, client, was) and after.relays_as(right, client, now):
                    yield from lost


def is_feeder(side: Intake, client: Network | None, door: str) -> bool:
    """Whether clients of a class are feeders: strangers who may not relay are none."""
    return side.relays(client, door) if client is not None and is_everyone(client) else side.submits(client, door)


def _lost_feature(
    sides: Sides, name: str, consequence: str, client: Network | None, was: tuple[str, ...], now: tuple[str, ...]
) -> Iterator[_Key]:
    before, after = sides.intakes
    if not _has(before, name, client, was) or _has(after, name, client, now):
        return
    directive = name if before.is_on(name, client, *was) else _ALSO_BY[name]
    change, cause = _change(sides, directive, client, was, now)
    who = f"mail by the source {now[-1]}" if client is None else ""
    yield _Key(who, f"may no longer use `{directive}`, and {consequence}", change, cause)


def _has(side: Intake, name: str, client: Network | None, named: tuple[str, ...]) -> bool:
    return any(side.is_on(right, client, *named) for right in (name, _ALSO_BY.get(name, name)))
