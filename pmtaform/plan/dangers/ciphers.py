"""TLS ciphers that a change newly allows: without encryption, without authentication, or broken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.effective import Effective, Value
from pmtaform.lang.values.text import unquoted
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.queues import QueueChange
from pmtaform.plan.dangers.reach import Effect, findings_of
from pmtaform.plan.dangers.sides import Sides
from pmtaform.plan.dangers.tls import TLS_DROPPED

_OUT: Final = "smtp-tls-ciphers"
_IN: Final = {"smtp-server-tls-ciphers": "who submits mail", "http-tls-ciphers": "who uses the web monitor"}
# Words of OpenSSL's cipher lists (ciphers(1)): no encryption, no one authenticated, or broken.
_WEAK: Final = frozenset(
    ("enull", "null", "anull", "adh", "aecdh", "exp", "export", "low", "rc4", "des", "md5", "complementofall")
)
_BETWEEN: Final = re.compile(r"[:, ]+")


@reports(TLS_DROPPED)
def ciphers_weakened(sides: Sides) -> Iterator[DangerFinding]:
    """Lists of ciphers that newly name weak ones."""
    yield from findings_of(sides, _queues(sides))
    for name, who in _IN.items():
        was, now = _setting(sides.before, name), _setting(sides.after, name)
        gained = _weak(now) - _weak(was)
        if gained:
            cause = sides.cause_named("setting", name)
            detail = f"{who[0].upper()}{who[1:]} may use {_shown(gained)}, and others can read the traffic (`{name}`)"
            yield DangerFinding(kind=TLS_DROPPED, detail=f"{detail}{sides.because(cause)}.", cause=cause)


def _queues(sides: Sides) -> Iterator[tuple[QueueChange, Effect]]:
    for queue in sides.queues:
        move = queue.move(_OUT) if queue.domain else None
        if move is None:
            continue
        gained = _weak(_text(move.after)) - _weak(_text(move.before))
        if gained:
            what = f"mail may go out with {_shown(gained)}, and others can read it (`{_OUT}`)"
            yield queue, Effect(TLS_DROPPED, what, sides.cause(move.before, move.after))


def _weak(text: str) -> set[str]:
    """The weak words that a list adds; one with `!` or `-` takes away."""
    return {word for word in _BETWEEN.split(text.lower()) if word in _WEAK}


def _shown(ciphers: set[str]) -> str:
    return f"weak ciphers ({words.several([values.shown(cipher.upper()) for cipher in sorted(ciphers)])})"


def _text(value: Value | None) -> str:
    return unquoted(value.values[-1].strip()) if value is not None and value.values else ""


def _setting(effective: Effective, name: str) -> str:
    lines = effective.reading.lines.get(name)
    return unquoted(lines[-1].value.strip()) if lines else ""
