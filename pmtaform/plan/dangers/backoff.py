"""Back-off that queues no longer enter, or no longer leave.

A queue enters back-off by a rule with `mode=backoff` of the list that its domain names, or where all its sources are
disabled (`docs/powermta/`, back-off). It leaves by `backoff-to-normal-after`, by a delivery, by a rule with
`mode=normal`, by hand, or by a restart: by default never.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.blocks import Address
from pmtaform.lang.effective import Effective, Value
from pmtaform.lang.effective.model import SourceLine
from pmtaform.lang.effective.reading import Nodes, SectionLines
from pmtaform.lang.effective.reply_rules import ReplyRule, rules_of
from pmtaform.lang.values.text import unquoted
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.kind import DangerKind
from pmtaform.plan.dangers.reach import Reach
from pmtaform.plan.dangers.reply_rules import still_disables, still_slows
from pmtaform.plan.dangers.sides import Sides

BACKOFF_DISABLED: Final = DangerKind(
    code="backoff-disabled",
    rank=230,
    summary="queues no longer slow down when a receiver rejects mail",
    explanation=(
        "PowerMTA continues at full rate although the receiver rejects mail. Keep the list of replies that "
        "starts back-off."
    ),
)
BACKOFF_UNENDING: Final = DangerKind(
    code="backoff-unending",
    rank=240,
    summary="queues in back-off do not return to normal mode",
    explanation=(
        "A queue that entered back-off stays in it. Set `backoff-to-normal-after`, or a rule that returns to normal "
        "mode."
    ),
)

_LIST: Final = "smtp-pattern-list"
_AT_LAST: Final = "backoff-upon-all-sources-disabled"
_AFTER: Final = "backoff-to-normal-after"
_DELIVERY: Final = "backoff-to-normal-after-delivery"
_REENABLE: Final = "reenable-source-ip-after"


@dataclass(frozen=True, slots=True)
class _Behaviour:
    """The way in which one queue enters and leaves back-off."""

    rules: tuple[ReplyRule, ...]
    at_last: bool
    after: float  # seconds; infinite: never
    upon_delivery: bool
    reenables: float  # seconds until an address that a reply disabled is used again; infinite: never
    lists: Value

    @property
    def enters(self) -> bool:
        return self.at_last or any(rule.backs_off for rule in self.rules)

    @property
    def leaves(self) -> float:
        """Seconds until the queue is in normal mode again at the latest; infinite when nothing is sure to end it."""
        if self.upon_delivery or any(rule.ends for rule in self.rules):
            return 0.0
        own = [rule.returns_after for rule in self.rules if rule.backs_off]
        if own and None not in own:
            return max(seconds for seconds in own if seconds is not None)
        return self.after


class _Lists:
    """The rules of each list of one side, read once."""

    def __init__(self, effective: Effective) -> None:
        self._effective = effective
        self._known: dict[str, tuple[ReplyRule, ...]] = {}

    def of(self, name: str) -> tuple[ReplyRule, ...]:
        if name not in self._known:
            nodes: list[Nodes] = self._effective.reading.pattern_lists.get(name, [])
            self._known[name] = rules_of(nodes)
        return self._known[name]

    def behaviour(self, settings: Mapping[str, Value]) -> _Behaviour:
        named = settings[_LIST]
        return _Behaviour(
            rules=self.of(unquoted(named.values[0])) if named.values else (),
            at_last=values.parse_bool(_text(settings[_AT_LAST])) is True,
            after=_seconds(_text(settings[_AFTER])),
            reenables=_seconds(_text(settings[_REENABLE])),
            upon_delivery=values.parse_bool(_text(settings[_DELIVERY])) is True,
            lists=named,
        )


def _seconds(text: str) -> float:
    """A time; infinite for `never`."""
    seconds = values.parse_duration(text)
    return float("inf") if seconds is None else float(seconds)


def _text(value: Value) -> str:
    return unquoted(value.values[-1]) if value.values else ""


class _Destinations:
    """The destinations whose back-off may differ: those whose settings change, and those of a list that changes."""

    def __init__(self, sides: Sides) -> None:
        self._sides = sides
        self.before, self.after = _Lists(sides.before), _Lists(sides.after)
        self._lost: dict[tuple[int, int], tuple[ReplyRule, ...]] = {}

    def lost(self, was: tuple[ReplyRule, ...], now: tuple[ReplyRule, ...]) -> tuple[ReplyRule, ...]:
        """The rules of a list before, as `_Lists` has it, whose replies no longer lead to back-off."""
        key = id(was), id(now)
        if key not in self._lost:
            self._lost[key] = tuple(rule for rule in was if rule.backs_off and not still_slows(rule, was, now))
        return self._lost[key]

    @cached_property
    def _changed_lists(self) -> frozenset[str]:
        was, now = self._sides.before.reading.pattern_lists, self._sides.after.reading.pattern_lists
        differing = (name for name in dict.fromkeys((*was, *now)) if not _is_same_text(was.get(name), now.get(name)))
        return frozenset(name for name in differing if self.before.of(name) != self.after.of(name))

    def pairs(self) -> Iterator[tuple[str, tuple[str, ...], str, str]]:
        """(domain, virtual MTAs) in groups that behave alike on both sides, and the queues before and after."""
        seen: set[tuple[str, tuple[str, ...]]] = set()
        for queue in self._sides.queues:
            if queue.domain and not queue.mx and any(move.name in _NAMES for move in queue.moves):
                seen.add((queue.domain, queue.vmtas))
                was, now = queue.queue_before or queue.domain, queue.queue_after or queue.domain
                yield queue.domain, queue.vmtas, was, now
        if self._changed_lists:
            yield from ((*pair, pair[0], pair[0]) for pair in self._users() if pair not in seen)

    def _users(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The destinations that name a changed list on both sides."""
        alike = self._sides.alike
        named = dict.fromkeys(self._sides.before.top.asked_for_by(_names_a_list))
        for domain in named:
            together = alike.together(domain)
            if together and self._is_concerned(domain, together[0]):
                yield domain, together
        for group, taken in alike.taking(named):
            own = (index for layer, index in self._sides.before.layers(group.vmtas[0]) if layer)
            domains = dict.fromkeys(name for index in own for name in index.asked_for_by(_names_a_list))
            for domain in {**domains, **dict.fromkeys(taken)}:
                if self._is_concerned(domain, group.vmtas[0]):
                    yield domain, group.vmtas

    def _is_concerned(self, domain: str, vmta: str) -> bool:
        """Whether a queue is under the same list on both sides, and it is one that changes."""
        was, now = (_list_of(side, domain, vmta) for side in (self._sides.before, self._sides.after))
        return was == now and was in self._changed_lists


def _is_same_text(was: list[Nodes] | None, now: list[Nodes] | None) -> bool:
    texts = [[nodes.text for nodes in side or ()] for side in (was, now)]
    return None not in texts[0] and texts[0] == texts[1]


def _names_a_list(body: SectionLines) -> bool:
    return _LIST in body.lines


def _list_of(effective: Effective, domain: str, vmta: str) -> str:
    named = effective.meaning(domain, vmta, (_LIST,)).get(_LIST, ())
    return unquoted(named[0]) if named else ""


_NAMES: Final = frozenset({_LIST, _AT_LAST, _AFTER, _DELIVERY, _REENABLE, "queue-to"})


@dataclass(frozen=True, slots=True)
class _Loss:
    """The loss of a destination, in words; losses with the same words are one finding."""

    kind: DangerKind
    what: str
    cause: Address | None


@reports(BACKOFF_DISABLED, BACKOFF_UNENDING)
def backoff_lost(sides: Sides) -> Iterator[DangerFinding]:
    """Queues that no longer enter back-off for replies that slowed them before, or no longer leave it."""
    destinations = _Destinations(sides)
    losses: dict[_Loss, Reach] = {}
    for domain, vmtas, left, right in destinations.pairs():
        was = destinations.before.behaviour(sides.before.values(left, vmtas[0], _NAMES))
        now = destinations.after.behaviour(sides.after.values(right, vmtas[0], _NAMES))
        for loss in _losses(sides, destinations, was, now):
            losses.setdefault(loss, Reach()).add(domain, vmtas)
    for loss, reach in losses.items():
        who = f"{words.domains(reach.domains)} over {reach.over(sides)}"
        yield DangerFinding(kind=loss.kind, detail=f"{who}: {loss.what}{sides.because(loss.cause)}.", cause=loss.cause)


def _losses(sides: Sides, destinations: _Destinations, was: _Behaviour, now: _Behaviour) -> Iterator[_Loss]:
    if was.enters:
        yield from _no_longer_entered(sides, destinations, was, now)
    yield from _disabled_shorter(sides, was, now)
    if now.enters and was.enters and now.leaves > max(was.leaves, 1.0) * sides.rate_factor:
        cause = sides.cause_of_lines(rule.line for rule in was.rules) if was.rules != now.rules else None
        yield _Loss(BACKOFF_UNENDING, _ending(was, now), cause or _cause(sides, was, now))


def _no_longer_entered(sides: Sides, destinations: _Destinations, was: _Behaviour, now: _Behaviour) -> Iterator[_Loss]:
    if not now.enters:
        yield _Loss(BACKOFF_DISABLED, "no reply leads to back-off any more", _cause(sides, was, now))
        return
    lost = destinations.lost(was.rules, now.rules)
    if lost:
        shown = words.several([values.shown(rule.pattern) for rule in lost])
        yield _Loss(BACKOFF_DISABLED, f"replies that match {shown} no longer lead to back-off", _cause(sides, was, now))
    if was.at_last and not now.at_last:
        yield _Loss(
            BACKOFF_DISABLED,
            "queues no longer enter back-off when all source addresses are disabled",
            _cause(sides, was, now),
        )
    if _is_much_sooner(sides, was.leaves, now.leaves):
        yield _Loss(BACKOFF_DISABLED, _ending(was, now), _cause(sides, was, now))


def _is_much_sooner(sides: Sides, was: float, now: float) -> bool:
    """Whether a pause ends much sooner. A pause that had no end, or that a reply ends, gets an end on purpose."""
    return was != float("inf") and now > 0 and was > now * sides.rate_factor


def _disabled_shorter(sides: Sides, was: _Behaviour, now: _Behaviour) -> Iterator[_Loss]:
    """Source addresses that replies no longer disable, or disable for a much shorter time."""
    lost = [rule for rule in was.rules if rule.disables and not still_disables(rule, now.rules)]
    if lost:
        shown = words.several([values.shown(rule.pattern) for rule in lost])
        what = f"an address that gets a reply that matches {shown} is no longer disabled, and sends on"
        yield _Loss(BACKOFF_DISABLED, what, _cause(sides, was, now))
    elif any(rule.disables for rule in now.rules) and _is_much_sooner(sides, was.reenables, now.reenables):
        what = f"an address that a reply disabled sends again after {_length(now.reenables)}, and before after "
        cause = next((a for a in sides.changed if a.kind == "domain"), None)
        yield _Loss(
            BACKOFF_DISABLED,
            what + _length(was.reenables),
            cause if was.rules == now.rules else _cause(sides, was, now),
        )


def _ending(was: _Behaviour, now: _Behaviour) -> str:
    if now.leaves == float("inf"):
        return "a queue that is in back-off stays in it until an operator ends it or PowerMTA restarts"
    return f"back-off lasts {_length(now.leaves)}, and ended {_before(was.leaves)} before"


def _before(seconds: float) -> str:
    return "at the next delivery" if not seconds else f"after {_length(seconds)}"


def _length(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


def _cause(sides: Sides, was: _Behaviour, now: _Behaviour) -> Address | None:
    lines: list[SourceLine] = [rule.line for rule in (*now.rules, *was.rules)]
    cause = sides.cause(was.lists, now.lists)
    named = [address for address in sides.changed if address.kind == _LIST]
    if was.lists.normal == now.lists.normal and named:
        return sides.cause_of_lines(lines) if lines else named[0]
    return cause
