"""Limits of the whole server: connections in total, to an MX, to a network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang.catalogue import GLOBAL, DirectiveSpec, catalogue
from pmtaform.lang.effective import Effective, Value
from pmtaform.lang.effective.model import Source
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.levels import factor_of
from pmtaform.plan.dangers.limits import RATE_RAISED
from pmtaform.plan.dangers.sides import Sides

_NAMES: Final = ("total-max-smtp-out", "mx-connection-limit", "ip-connection-limit")


@reports(RATE_RAISED)
def server_limits_raised(sides: Sides) -> Iterator[DangerFinding]:
    """Limits at top level that allow more than `rate_factor` times as much as before."""
    for name in _NAMES:
        spec = catalogue().directive(GLOBAL, name)
        if spec is None:
            continue
        before, after = _value(sides.before, spec), _value(sides.after, spec)
        factor = factor_of(before, after)
        if factor is not None and factor > sides.rate_factor:
            cause = sides.cause(before, after)
            shown = f"{words.value(before)} -> {words.value(after)}"
            yield DangerFinding(
                kind=RATE_RAISED,
                detail=f"The server as a whole: {name} {shown}{sides.because(cause)}.",
                cause=cause,
                weight=factor,
            )


def _value(effective: Effective, spec: DirectiveSpec) -> Value:
    lines = effective.reading.lines.get(spec.name, [])
    if not lines:
        # The first number is the larger: what the standard licence allows is less (guide 3.3.1.1).
        first = (spec.default or "unlimited").split(None, 1)[0]
        return Value(name=spec.name, spec=spec, source=Source.DEFAULT, values=(first,))
    used = lines if spec.accumulates else lines[-1:]
    return Value(name=spec.name, spec=spec, values=tuple(line.value for line in used), lines=tuple(used))
