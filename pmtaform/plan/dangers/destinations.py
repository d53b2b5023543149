"""The destination of the mail of a queue: hosts, a program, a file, or nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.blocks import Address
from pmtaform.lang.effective import Effective, Value
from pmtaform.lang.values.text import lower_domain, split, unquoted
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.loss import MAIL_LOST
from pmtaform.plan.dangers.queues import QueueChange
from pmtaform.plan.dangers.reach import Reach
from pmtaform.plan.dangers.selection import ROUTING_CHANGED
from pmtaform.plan.dangers.sides import Sides

_HOSTS: Final = "smtp-hosts"
_ROUTE: Final = "route"
_PORT: Final = "default-smtp-port"
# The directive that decides where mail of each type goes.
_OF_TYPE: Final = {"pipe": "command", "file": "file-destination", "http-delivery": "http-delivery-url"}
_NAMES: Final = frozenset({"type", _HOSTS, _ROUTE, _PORT, *_OF_TYPE.values()})


@dataclass(frozen=True, slots=True)
class Destination:
    """A destination of mail. `shown` is its description; equal `where` is the same place."""

    type: str
    where: str
    shown: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class _Move:
    before: Destination
    after: Destination
    said: tuple[str, str]
    cause: Address | None
    mx: bool


@reports(MAIL_LOST, ROUTING_CHANGED)
def destinations_changed(sides: Sides) -> Iterator[DangerFinding]:
    """Queues whose mail goes to other hosts, into something else, or is discarded."""
    moves: dict[_Move, Reach] = {}
    for queue in sides.queues:
        move = _move(sides, queue)
        if move is not None:
            moves.setdefault(move, Reach()).add(queue.domain, queue.vmtas)
    for move, reach in moves.items():
        who = f"{words.domains(reach.domains, mx=move.mx)} over {reach.over(sides)}"
        yield _finding(sides, move, who, len(reach.domains) * reach.count())


def _finding(sides: Sides, move: _Move, who: str, weight: float) -> DangerFinding:
    lost = move.after.type == "discard" and move.before.type != "discard"
    went = f", and before {move.before.shown}" if move.before.shown != move.after.shown else ""
    return DangerFinding(
        kind=MAIL_LOST if lost else ROUTING_CHANGED,
        detail=f"{who}: mail {move.after.shown}{went}{sides.because(move.cause)}.",
        cause=move.cause,
        weight=weight,
    )


def _move(sides: Sides, queue: QueueChange) -> _Move | None:
    if not _is_concerned(queue) or _is_of_no_mail(sides, queue):
        return None
    vmta = queue.vmtas[0]
    names = queue.queue_before or _domain_or_all(queue), queue.queue_after or _domain_or_all(queue)
    was, now = sides.before.values(names[0], vmta, _NAMES), sides.after.values(names[1], vmta, _NAMES)
    own = queue.domain if not queue.mx else "*"
    before = destination(was, _resolved(names[0], own), own)
    after = destination(now, _resolved(names[1], own), own)
    if before == after or (queue.mx and _is_own(after, queue.domain) and _is_own(before, queue.domain)):
        return None
    cause = sides.cause(*(value for name in sorted(_NAMES) for value in _pair(was[name], now[name])))
    return _Move(before, after, (before.shown, after.shown), cause, queue.mx)


def _resolved(queue: str, domain: str) -> str:
    """The domain whose MX hosts a queue without hosts uses.

    A shared queue needs `smtp-hosts` unless its name is in DNS (`docs/powermta/`, queue grouping); a name without a dot
    is not, so its destination is not known.
    """
    return queue if "." in queue else domain


def _domain_or_all(queue: QueueChange) -> str:
    return "*" if queue.mx else queue.domain


def _pair(was: Value, now: Value) -> tuple[Value, ...]:
    return (was, now) if was.normal != now.normal else ()


def _is_concerned(queue: QueueChange) -> bool:
    moved = queue.queue_before != queue.queue_after or any(move.name in _NAMES for move in queue.moves)
    return bool(queue.domain) and moved


def _is_of_no_mail(sides: Sides, queue: QueueChange) -> bool:
    """Whether no mail can be in the queue before: it is a new shared queue, or the host is new."""
    if sides.sections_before.is_blank:
        return True
    if queue.mx or queue.domain.startswith(("*", "[")):
        return False
    return queue.domain in _new_queues(sides) and not _is_named(sides.before, queue)


def _new_queues(sides: Sides) -> frozenset[str]:
    """The shared queues that mail is put into after the change."""
    known = sides.memory.get("new queues")
    if not isinstance(known, frozenset):
        moved = [queue for queue in sides.queues if queue.queue_before != queue.queue_after]
        known = frozenset(queue.queue_after for queue in moved if queue.queue_after)
        sides.memory["new queues"] = known
    return known


def _is_named(effective: Effective, queue: QueueChange) -> bool:
    """Whether a section is written for the very name of the queue."""
    return any(queue.domain in index.exact for _, index in effective.layers(queue.vmtas[0]))


def destination(settings: Mapping[str, Value], queue: str, domain: str) -> Destination:
    """The destination of mail for a domain by the settings of its queue."""
    kind = _text(settings, "type").lower() or "smtp"
    if kind == "discard":
        return Destination(kind, "", "is discarded")
    if kind in _OF_TYPE:
        where = _text(settings, _OF_TYPE[kind])
        return Destination(kind, where, f"goes {_INTO[kind]} {values.shown(where) or '(none is named)'}")
    hosts = _text(settings, _HOSTS) or _text(settings, _ROUTE)
    port = _text(settings, _PORT) or "25"
    return _over_smtp(hosts, port, queue, domain)


_INTO: Final = {"pipe": "into the program", "file": "into the file", "http-delivery": "to the address"}


def _over_smtp(hosts: str, port: str, queue: str, domain: str) -> Destination:
    at_port = "" if port == "25" else f" at port {values.shown(port)}"
    own = _looked_up(hosts) or ("" if hosts else queue)
    if own:
        whose = "their own MX hosts" if own == domain else f"the MX hosts of {values.shown(own)}"
        where = "its own" if own == domain else own  # the same for each domain, so that it is one sentence
        return Destination("smtp", f"mx {where} {port}", f"goes to {whose}{at_port}")
    normal = ";".join(",".join(split(lower_domain(level))) for level in split(hosts, ";"))
    return Destination("smtp", f"{normal} {port}", f"goes to {values.shown(hosts)}{at_port}")


def _looked_up(hosts: str) -> str:
    """The domain whose MX hosts are named by a single `lookup-mx:`; empty otherwise."""
    text = lower_domain(hosts.strip())
    alone = text.startswith("lookup-mx:") and not set(",;") & set(text)
    return text.removeprefix("lookup-mx:").strip() if alone else ""


def _is_own(destination: Destination, pattern: str) -> bool:
    """Whether mail for domains with an MX still goes to that MX: what a rollup queue does of itself."""
    return destination.type == "smtp" and (destination.where.startswith("mx ") or pattern in destination.where)


def _text(settings: Mapping[str, Value], name: str) -> str:
    value = settings.get(name)
    return unquoted(value.values[-1].strip()) if value is not None and value.values else ""
