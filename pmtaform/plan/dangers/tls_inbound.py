"""TLS that clients are offered, or must use, when they submit mail or open the web monitor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.blocks import Address
from pmtaform.lang.catalogue import GLOBAL, catalogue
from pmtaform.lang.effective import Effective, Value
from pmtaform.lang.effective.deciding import default_of
from pmtaform.lang.effective.model import Source
from pmtaform.lang.values.networks import Network
from pmtaform.lang.values.text import unquoted
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.intake import ALLOW_AUTH, Intake, classes, in_words, is_machine
from pmtaform.plan.dangers.kind import DangerKind
from pmtaform.plan.dangers.sides import Sides
from pmtaform.plan.dangers.submission_cut_off import doors_that_stay
from pmtaform.plan.dangers.tls import TLS_DROPPED, TLS_REQUIRED

_CERTIFICATE: Final = "smtp-server-tls-certificate"
_HTTPS: Final = "http-redirect-to-https"
_GOOD: Final = ("allow-tlsv1.2", "allow-tlsv1.3")
_OLD: Final = ("allow-tlsv1", "allow-tlsv1.1", "allow-sslv3")
_SERVICES: Final = {"smtp-server-tls-": "who submits mail", "http-tls-": "who uses the web monitor"}
_VERSIONS: Final = tuple(prefix + name for prefix in _SERVICES for name in (*_GOOD, *_OLD))


@dataclass(frozen=True, slots=True)
class _Switch:
    """A switch of sources: what it costs clients when it goes on, or off. None: nothing."""

    name: str
    on: tuple[DangerKind, str] | None
    off: tuple[DangerKind, str] | None
    for_logins: bool = True


_SWITCHES: Final = (
    _Switch(
        "allow-starttls",
        None,
        (TLS_DROPPED, "are offered no TLS: their mail is sent unencrypted, and clients that require TLS are cut off"),
        for_logins=False,
    ),
    _Switch(
        "require-starttls-before-auth",
        (TLS_REQUIRED, "can no longer log in without TLS"),
        (TLS_DROPPED, "may log in without TLS, and others can read the login"),
    ),
    _Switch(
        "allow-unencrypted-plain-auth",
        (TLS_DROPPED, "may send their passwords in clear text"),
        None,
    ),
)


@dataclass(frozen=True, slots=True)
class _Key:
    kind: DangerKind
    consequence: str
    change: str
    cause: Address | None


@reports(TLS_REQUIRED, TLS_DROPPED)
def inbound_tls_changed(sides: Sides) -> Iterator[DangerFinding]:
    """Clients that are offered less TLS, or must use it now."""
    if sides.touches("source", "smtp-listener"):
        yield from _clients(sides)
    if sides.touches(_CERTIFICATE):
        yield from _certificate(sides)
    if sides.touches(_HTTPS, *_VERSIONS):
        yield from _server(sides)


def _clients(sides: Sides) -> Iterator[DangerFinding]:
    by_key: dict[_Key, list[Network]] = {}
    for alike in sides.clients:
        if not is_machine(alike[0]):
            for key in dict.fromkeys(_of_class(sides, alike[0])):
                by_key.setdefault(key, []).extend(alike)
    for key, clients in by_key.items():
        who = in_words(clients).replace("everyone", "clients everywhere")
        detail = f"{who[0].upper()}{who[1:]} {key.consequence}: {key.change}{sides.because(key.cause)}."
        yield DangerFinding(kind=key.kind, detail=detail, cause=key.cause)


def _of_class(sides: Sides, client: Network) -> Iterator[_Key]:
    before, after = sides.intakes
    for was, now in doors_that_stay(sides):
        if not (before.connects(client, was) and after.connects(client, now)):
            continue
        for switch in _SWITCHES:
            if switch.for_logins and not after.is_on(ALLOW_AUTH, client, now):
                continue
            states = before.is_on(switch.name, client, was), after.is_on(switch.name, client, now)
            cost = switch.on if states == (False, True) else switch.off if states == (True, False) else None
            if cost is not None:
                left = before.sources.value(switch.name, client, was)
                right = after.sources.value(switch.name, client, now)
                change = f"{switch.name} {words.value(left)} -> {words.value(right)}"
                yield _Key(*cost, change, sides.cause(left, right))


def _certificate(sides: Sides) -> Iterator[DangerFinding]:
    """The certificate of all listeners without their own."""
    before, after = (effective.reading.lines.get(_CERTIFICATE, []) for effective in (sides.before, sides.after))
    if not before or after or not _offers(sides.intakes[1]):
        return
    cause = sides.cause_of_lines(before)
    yield DangerFinding(
        kind=TLS_DROPPED,
        detail=f"Clients that submit mail are offered no TLS: the server has no certificate without `{_CERTIFICATE}`"
        f"{sides.because(cause)}.",
        cause=cause,
    )


def _offers(side: Intake) -> bool:
    """Whether anybody would be offered TLS, had the server a certificate."""
    return any(listener.immediate_tls for listener in side.listeners) or any(
        side.connects(client, door) and side.is_on("allow-starttls", client, door)
        for client in classes(side)
        for door in side.doors
    )


# -- the server as a whole ---------------------------------------------------------------------------------------------


def _server(sides: Sides) -> Iterator[DangerFinding]:
    for prefix, who in _SERVICES.items():
        for name in _GOOD:
            yield from _moved(sides, prefix + name, False, f"{who} gets an older version of TLS, or none")
        for name in _OLD:
            yield from _moved(sides, prefix + name, True, f"{who} may use an obsolete version of TLS")
    yield from _moved(
        sides, _HTTPS, False, "passwords and keys for the web monitor may cross the network in clear text"
    )


def _moved(sides: Sides, name: str, to: bool, consequence: str) -> Iterator[DangerFinding]:
    """The danger of a switch that goes on (or off), where it is certain that it was not so before."""
    before, after = _value(sides.before, name), _value(sides.after, name)
    if before is None or after is None or _is_on(after) is not to or _is_on(before) is to or _is_doubtful(after):
        return
    cause = sides.cause(before, after)
    change = f"{name} {words.value(before)} -> {words.value(after)}"
    detail = f"{consequence[0].upper()}{consequence[1:]}: {change}{sides.because(cause)}."
    yield DangerFinding(kind=TLS_DROPPED, detail=detail, cause=cause)


def _value(effective: Effective, name: str) -> Value | None:
    spec = catalogue().directive(GLOBAL, name)
    if spec is None:
        return None
    lines = effective.reading.lines.get(name)
    if not lines:
        return default_of(spec, {})
    return Value(name=name, spec=spec, values=(lines[-1].value,), lines=(lines[-1],))


def _is_on(value: Value) -> bool:
    return bool(value.values and values.parse_bool(unquoted(value.values[-1])))


def _is_doubtful(value: Value) -> bool:
    """Whether it is a default that the guides' editions do not agree on."""
    return value.source is Source.DEFAULT and bool(value.assumptions)
