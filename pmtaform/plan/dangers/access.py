"""Access to the web monitor: addresses by the first matching `http-access` line, keys, and old access lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.blocks import Address
from pmtaform.lang.effective import Effective
from pmtaform.lang.effective.model import SourceLine
from pmtaform.lang.values.networks import Network, covers, divided, network
from pmtaform.lang.values.text import unquoted
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.intake import EVERY_V4, EVERY_V6, in_words, is_everyone, is_machine
from pmtaform.plan.dangers.kind import DangerKind
from pmtaform.plan.dangers.sides import Sides

ACCESS_OPENED: Final = DangerKind(
    code="access-opened",
    rank=40,
    summary="the web monitor opens to more addresses",
    explanation=(
        "The web monitor and its interfaces accept more addresses, or with more rights. Limit `http-access` to the "
        "networks of your staff."
    ),
)
ACCESS_CUT_OFF: Final = DangerKind(
    code="access-cut-off",
    rank=270,
    summary="addresses or programs lose the web monitor and its interfaces",
    explanation=(
        "People or programs that use the web monitor or its interfaces are rejected after the change. Keep an "
        "address from which you administer the server."
    ),
)

_ACCESS: Final = "http-access"
_KEY: Final = "http-api-key"
_PORT: Final = "http-mgmt-port"
_CSRF: Final = "http-csrf-protection"
_ALLOWED: Final = "http-mgmt-source"
_DENIED: Final = "no-http-mgmt-source"
_NONE: Final = "none"
_LEVELS: Final = (_NONE, "monitor,deny-logs", "monitor", "operator", "admin")
_MAY: Final = {"admin": ", which can change the configuration and every queue"}


@dataclass(frozen=True, slots=True)
class _Grant:
    """One `http-access` line. `network` is None where its addresses cannot be read."""

    network: Network | None
    level: str
    line: SourceLine


class _Monitor:
    """One side: the access that the web monitor allows."""

    def __init__(self, effective: Effective) -> None:
        self.lines = effective.reading.lines

    @cached_property
    def grants(self) -> list[_Grant]:
        return [_grant(line) for line in self.lines.get(_ACCESS, ())]

    def level(self, client: Network) -> tuple[str, SourceLine | None]:
        """The access of a class of clients, and the line that gives it: the first that takes all of them in."""
        for grant in self.grants:
            mine = grant.network
            if mine is not None and covers(mine, client):
                return grant.level, grant.line
        return _NONE, None

    def texts(self, name: str) -> dict[str, SourceLine]:
        """The values of a setting with their lines."""
        return {unquoted(line.value): line for line in self.lines.get(name, ())}

    @property
    def is_used(self) -> bool:
        """Whether anyone except the machine itself has access."""
        return _KEY in self.lines or _ALLOWED in self.lines or any(grant.level != _NONE for grant in self.grants)


def _grant(line: SourceLine) -> _Grant:
    client, _, level = unquoted(line.value).strip().partition(" ")
    return _Grant(network(client), "".join(level.split()).lower(), line)


def _rank(level: str) -> int:
    """The rank of a level; an unknown level counts as the highest."""
    return _LEVELS.index(level) if level in _LEVELS else len(_LEVELS)


@dataclass(frozen=True, slots=True)
class _Key:
    before: str
    after: str
    cause: Address | None


@reports(ACCESS_OPENED, ACCESS_CUT_OFF)
def access_changed(sides: Sides) -> Iterator[DangerFinding]:
    """Addresses and programs that gain rights on the web monitor, or lose all access."""
    if not sides.touches(_ACCESS, _KEY, _PORT, _CSRF, _ALLOWED, _DENIED):
        return
    before, after = _Monitor(sides.before), _Monitor(sides.after)
    yield from _levels(sides, before, after)
    yield from _keys(sides, before, after)
    yield from _old_lists(sides, before, after)
    yield from _port(sides, before, after)
    if _is_on(before, _CSRF) and not _is_on(after, _CSRF):
        cause = _cause(sides, after.lines.get(_CSRF, ()), before.lines.get(_CSRF, ()))
        yield _finding(
            sides, ACCESS_OPENED, "Other web pages may act in an operator's name: http-csrf-protection is off", cause
        )


def _levels(sides: Sides, before: _Monitor, after: _Monitor) -> Iterator[DangerFinding]:
    opened: dict[_Key, list[Network]] = {}
    closed: dict[_Key, list[Network]] = {}
    for client in _classes(before, after):
        (was, old), (now, new) = before.level(client), after.level(client)
        key = _Key(was, now, _cause(sides, [new] if new else (), [old] if old else ()))
        if _rank(now) > _rank(was) and not is_machine(client):
            opened.setdefault(key, []).append(client)
        elif now == _NONE != was and not (after.grants and is_everyone(client)):
            # Closing the monitor to the world is meant while others keep their access; without a line, all lose it.
            closed.setdefault(key, []).append(client)
    for key, clients in opened.items():
        who = in_words(clients)
        detail = f"{who[0].upper()}{who[1:]} may use the web monitor: {_change(key)}{_MAY.get(key.after, '')}"
        size = max(2.0**-client.prefixlen for client in clients)
        yield _finding(sides, ACCESS_OPENED, detail, key.cause, _rank(key.after) + size)
    for key, clients in closed.items():
        who = in_words(clients)
        detail = f"{who[0].upper()}{who[1:]} may no longer use the web monitor and its interfaces: {_change(key)}"
        yield _finding(sides, ACCESS_CUT_OFF, detail, key.cause)


def _classes(*sides: _Monitor) -> list[Network]:
    """The addresses that lines tell apart: those of each network that no narrower one names."""
    named = dict.fromkeys(grant.network for side in sides for grant in side.grants if grant.network is not None)
    six = any(client.version == 6 for client in named)
    every = dict.fromkeys((EVERY_V4, *([EVERY_V6] if six else ()), *named))
    split = divided(every)
    return [client for client in every if client not in split]


def _change(key: _Key) -> str:
    return f"{_ACCESS} {values.shown(key.before)} -> {values.shown(key.after)}"


def _keys(sides: Sides, before: _Monitor, after: _Monitor) -> Iterator[DangerFinding]:
    """API keys that come or go. They are secrets, so only their number is reported."""
    had, has = before.texts(_KEY), after.texts(_KEY)
    gone, new = had.keys() - has.keys(), has.keys() - had.keys()
    cause = _cause(sides, has.values(), had.values())
    if gone:
        which = f"{_number(len(gone))} of {len(had)} API keys" if has.keys() & had.keys() else "the former API key"
        which += "s" * (len(had) == len(gone) > 1)
        yield _finding(sides, ACCESS_CUT_OFF, f"Programs that use {which} are refused (`{_KEY}`)", cause)
    if len(new) > len(gone):
        count = len(new) - len(gone)
        detail = f"{_number(count).capitalize()} more API key{'s' * (count > 1)} (`{_KEY}`) may do everything on the "
        yield _finding(sides, ACCESS_OPENED, detail + "web monitor, from any address", cause)


def _number(count: int) -> str:
    return "one" if count == 1 else str(count)


def _old_lists(sides: Sides, before: _Monitor, after: _Monitor) -> Iterator[DangerFinding]:
    """The access lists of older releases. How they go together with `http-access` is not documented."""
    for name, opens in ((_ALLOWED, True), (_DENIED, False)):
        had, has = before.texts(name), after.texts(name)
        for text in [*(has.keys() - had.keys()), *(had.keys() - has.keys())]:
            client = network(text)
            added = text in has
            kind = ACCESS_OPENED if added is opens else ACCESS_CUT_OFF
            if kind is ACCESS_OPENED and client is not None and is_machine(client):
                continue
            cause = _cause(sides, has.values(), had.values())
            may = "may" if kind is ACCESS_OPENED else "may no longer"
            verb = "is added" if added else "is removed"
            yield _finding(sides, kind, f"{values.shown(text)} {may} use the web monitor: `{name}` {verb}", cause)


def _port(sides: Sides, before: _Monitor, after: _Monitor) -> Iterator[DangerFinding]:
    was, now = (_last(side, _PORT, "8080") for side in (before, after))
    if was != now and before.is_used:
        cause = _cause(sides, after.lines.get(_PORT, ()), before.lines.get(_PORT, ()))
        detail = f"Who uses the web monitor and its interfaces at port {values.shown(was)} must go to "
        yield _finding(sides, ACCESS_CUT_OFF, detail + values.shown(now), cause)


def _last(side: _Monitor, name: str, default: str) -> str:
    lines = side.lines.get(name)
    return unquoted(lines[-1].value) if lines else default


def _is_on(side: _Monitor, name: str) -> bool:
    """A switch that is on by default."""
    return values.parse_bool(_last(side, name, "true")) is not False


def _cause(sides: Sides, after: Iterable[SourceLine], before: Iterable[SourceLine]) -> Address | None:
    return sides.cause_of_lines([*after, *before])


def _finding(sides: Sides, kind: DangerKind, detail: str, cause: Address | None, weight: float = 1.0) -> DangerFinding:
    return DangerFinding(kind=kind, detail=f"{detail}{sides.because(cause)}.", cause=cause, weight=weight)
