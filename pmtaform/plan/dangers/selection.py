"""Which virtual MTA mail is directed to when it is submitted: the source's default, and the rules of its list."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.blocks import Address
from pmtaform.lang.effective import DEFAULT_VMTA, Effective
from pmtaform.lang.effective.model import SourceLine
from pmtaform.lang.values.networks import Network
from pmtaform.lang.values.text import unquoted
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.exits import Both, exits_of
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.kind import DangerKind
from pmtaform.plan.dangers.list_rules import PatternRule, Turn, rules_of, turns
from pmtaform.plan.dangers.loss import MAIL_LOST
from pmtaform.plan.dangers.sections import Sections
from pmtaform.plan.dangers.sides import Sides

ROUTING_CHANGED: Final = DangerKind(
    code="routing-changed",
    rank=190,
    summary="mail takes another route: another virtual MTA, or other hosts",
    explanation=(
        "Messages use another virtual MTA, or go to other hosts, than before. Check that the new route is prepared "
        "for this mail."
    ),
)

_DEFAULT: Final = "default-virtual-mta"
_LIST: Final = "pattern-list"
_EVERYONE: Final = ipaddress.ip_network("0.0.0.0/0")


@dataclass(frozen=True, slots=True)
class SelectionClient:
    """A client that submits mail: a network, or the clients that get a named source from a listener or a login."""

    network: Network
    name: str = ""

    @property
    def shown(self) -> str:
        """The source in words."""
        name = self.name or ("0/0" if self.network == _EVERYONE else str(self.network))
        return f"<source {values.shown(name)}>"

    def is_known(self, effective: Effective) -> bool:
        """Whether some source of a side is written for the client."""
        return effective.sources.knows(self.name or str(self.network))

    @property
    def key(self) -> tuple[Network, *tuple[str, ...]]:
        """As `Sources` is asked."""
        return (self.network, self.name) if self.name else (self.network,)


class Lists:
    """The pattern lists of one side, each read and compared once, however many sources name it."""

    def __init__(self, sections: Sections) -> None:
        self._sections = sections
        self._rules: dict[str, tuple[PatternRule, ...]] = {}
        self._turns: dict[tuple[int, int], tuple[tuple[Turn, ...], tuple[PatternRule, ...]]] = {}

    def rules(self, name: str) -> tuple[PatternRule, ...]:
        """The rules of a list; none without a name."""
        if name not in self._rules:
            self._rules[name] = rules_of(self._sections, name) if name else ()
        return self._rules[name]

    def turns(self, was: tuple[PatternRule, ...], now: tuple[PatternRule, ...]) -> tuple[Turn, ...]:
        """What changes from a list of this side to one of the other."""
        key = id(was), id(now)
        if key not in self._turns:
            self._turns[key] = tuple(turns(was, now)), now
        return self._turns[key][0]


class VirtualMtaChoice:
    """How one side chooses a virtual MTA for a client's mail."""

    def __init__(self, effective: Effective, lists: Lists, client: SelectionClient) -> None:
        self._sources = effective.sources
        self._lists = lists
        self._client = client

    def _text(self, name: str) -> str:
        line = self._sources.line(name, *self._client.key)
        return unquoted(line.value.strip()) if line is not None else ""

    @cached_property
    def default(self) -> str:
        """The virtual MTA or pool that is used when nothing else chooses one."""
        return self._text(_DEFAULT) or DEFAULT_VMTA

    @cached_property
    def pattern_list(self) -> str:
        """The pattern list that looks at its mail."""
        return self._text(_LIST)

    @cached_property
    def rules(self) -> tuple[PatternRule, ...]:
        """The rules that look at its mail."""
        return self._lists.rules(self.pattern_list)

    def turns(self, now: VirtualMtaChoice) -> tuple[Turn, ...]:
        """Mail that the rules of the other side may direct elsewhere."""
        return self._lists.turns(self.rules, now.rules)

    @property
    def lines(self) -> list[SourceLine]:
        """The lines that decide which default and which list are used."""
        lines = (self._sources.line(name, *self._client.key) for name in (_DEFAULT, _LIST))
        return [line for line in lines if line is not None]

    @property
    def may_relay(self) -> bool:
        """Whether the client may send mail to any recipient."""
        return values.parse_bool(self._text("always-allow-relaying")) is True


@dataclass(frozen=True, slots=True)
class _Move:
    """Mail in words, where it goes before and after; moves in the same words are one finding."""

    what: str
    before: str
    after: str
    cause: Address | None


@reports(MAIL_LOST, ROUTING_CHANGED)
def selection_changed(sides: Sides) -> Iterator[DangerFinding]:
    """Mail of a source that is directed to a virtual MTA with other addresses, or to none that exists."""
    if sides.are_same("source", _LIST) and _names(sides.before) == _names(sides.after):
        return
    both = exits_of(sides)
    lists = Lists(sides.sections_before), Lists(sides.sections_after)
    moves: dict[_Move, list[str]] = {}
    for client in clients(sides):
        was, now = VirtualMtaChoice(sides.before, lists[0], client), VirtualMtaChoice(sides.after, lists[1], client)
        is_known = client.is_known(sides.before) and client.is_known(sides.after)
        if is_known or (was.may_relay and now.may_relay):
            for move in (*_defaults(sides, was, now), *_rules(sides, was, now)):
                moves.setdefault(move, []).append(client.shown)
    yield from _rerouted(sides, both, moves)
    for move, sources in moves.items():
        yield from _lost(sides, both, move, sources)


def _names(effective: Effective) -> tuple[object, ...]:
    return effective.reading.virtual_mtas.keys(), effective.reading.pools.keys()


def clients(sides: Sides) -> Iterator[SelectionClient]:
    """Everyone that a source of either side is written for."""
    sources = sides.before.sources, sides.after.sources
    for network in dict.fromkeys(network for side in sources for network in side.networks):
        yield SelectionClient(network)
    for name in dict.fromkeys(name for side in sources for name in side.names):
        yield SelectionClient(_EVERYONE, name)


def _defaults(sides: Sides, was: VirtualMtaChoice, now: VirtualMtaChoice) -> Iterator[_Move]:
    if was.default != now.default or not exits_of(sides).after.exists(now.default):
        cause = sides.cause_of_lines((*now.lines, *was.lines)) if was.default != now.default else None
        yield _Move("that nothing else directs", was.default, now.default, cause)


def _rules(sides: Sides, was: VirtualMtaChoice, now: VirtualMtaChoice) -> Iterator[_Move]:
    exists = exits_of(sides).after.exists
    for turn in was.turns(now):
        lines = [rule.line for rule in (turn.decided_by, turn.rule) if rule is not None and rule.line is not None]
        lists = now.lines + was.lines if was.pattern_list != now.pattern_list else []
        cause = sides.cause_of_lines([*lists, *lines])
        before, after = turn.before or was.default, turn.after or now.default
        yield _Move(f"that matches {turn.rule.shown}", before, after, cause)
    for rule in now.rules:
        if rule.target and not exists(rule.target):
            yield _Move(f"that matches {rule.shown}", rule.target, rule.target, None)


def _lost(sides: Sides, both: Both, move: _Move, sources: list[str]) -> Iterator[DangerFinding]:
    """Mail that is directed to a virtual MTA or pool that does not exist."""
    if not both.after.exists(move.after) and (move.before != move.after or both.before.exists(move.before)):
        detail = _nowhere(sides, _who(sources, move.what), move)
        yield DangerFinding(kind=MAIL_LOST, detail=detail, cause=_cause_of_missing(sides, move))


def _who(sources: list[str], what: str) -> str:
    return f"Mail from {words.several(list(dict.fromkeys(sources)))} {what}"


def _rerouted(sides: Sides, both: Both, moves: dict[_Move, list[str]]) -> Iterator[DangerFinding]:
    """Mail that goes over other addresses; what comes from several virtual MTAs to one is one finding."""
    groups: dict[tuple[str, str, Address | None], tuple[list[str], dict[str, None]]] = {}
    for move, sources in moves.items():
        is_known = both.after.exists(move.after) and both.before.exists(move.before)
        if is_known and not both.is_same_way(move.before, move.after):
            group = groups.setdefault((move.what, move.after, move.cause), ([], {}))
            group[0].extend(sources)
            group[1][move.before] = None
    for (what, after, cause), (sources, former) in groups.items():
        was = words.several([both.before.shown(name) for name in former])
        detail = f"{_who(sources, what)} leaves over {both.after.shown(after)}, and before over {was}"
        yield DangerFinding(kind=ROUTING_CHANGED, detail=f"{detail}{sides.because(cause)}.", cause=cause)


def _nowhere(sides: Sides, who: str, move: _Move) -> str:
    cause = _cause_of_missing(sides, move)
    return (
        f"{who} is directed to {values.shown(move.after)}, which does not exist: it is rejected (5.5.0), unless "
        f"`reject-invalid-virtual-mta no` and a fallback are set{sides.because(cause)}."
    )


def _cause_of_missing(sides: Sides, move: _Move) -> Address | None:
    for kind in ("virtual-mta", "virtual-mta-pool"):
        if Address(kind, move.after) in sides.changed:
            return Address(kind, move.after)
    return move.cause or sides.cause_of_lines(())
