"""Differences between a saved plan and the same plan made again, host by host.

It compares everything that a reader of the saved plan relied on: changes with their values, reasons, impacts and
dangers, differences that stay, warnings. It ignores places, which move with files that are compared anyway, and values
that only time changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.diagnostics.codes.hosts import HOST_BUSY
from pmtaform.diagnostics.codes.plans import FROZEN, HOST_NOT_PLANNED, PLAN_DIFFERS, TARGET_CHANGED
from pmtaform.diagnostics.codes.tls import CERTIFICATE_EXPIRES
from pmtaform.plan.model import Change, Danger, HostPlan, Plan, ValueChange

_MOST: Final = 12  # lines of one host
_BY_TIME: Final = frozenset({FROZEN.code, HOST_BUSY.code, CERTIFICATE_EXPIRES.code})
_NOT_THERE: Final = "(nothing)"


def plan_differences(saved: Plan, now: Plan) -> list[Diagnostic]:
    """One diagnostic for each host whose plan differs from the saved one, and one for the run as a whole."""
    before = {host.host: host for host in saved.hosts}
    differences = [changed for host in now.hosts if host.host in before and (changed := _host(before[host.host], host))]
    unplanned = [host.host for host in now.hosts if host.host not in before]
    if unplanned:
        detail = f"{', '.join(unplanned)} could not be inspected when the plan was made, and can be now. Plan again."
        differences.append(HOST_NOT_PLANNED.diagnostic(detail))
    lines = [*_sets("warning", _warnings(saved.notes), _warnings(now.notes))]
    if lines:
        differences.append(_differs(saved, lines))
    return differences


def _host(before: HostPlan, now: HostPlan) -> Diagnostic | None:
    lines = [*_changes(before, now), *_rest(before, now)]
    moved = _unequal(before.basis, now.basis)
    if moved:
        return TARGET_CHANGED.diagnostic(
            _detail([f"Changed on the host since the plan was made: {', '.join(moved)}.", *lines]), host=now.host
        )
    written = _unequal(before.result, now.result)
    if written and not lines:
        lines = [f"other content would be written to {', '.join(written)}: a secret has changed"]
    return _differs(now, lines) if lines else None


def _differs(what: Plan | HostPlan, lines: list[str]) -> Diagnostic:
    return PLAN_DIFFERS.diagnostic(_detail(lines), host=what.host if isinstance(what, HostPlan) else None)


def _detail(lines: list[str]) -> str:
    more = [f"and {len(lines) - _MOST} more"] if len(lines) > _MOST else []
    return "\n".join([*lines[:_MOST], *more, "Nothing was changed on any host. Plan again."])


def _unequal(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return sorted(path for path in {*before, *now} if before.get(path) != now.get(path))


# -- changes -----------------------------------------------------------------------------------------------------------


def _changes(before: HostPlan, now: HostPlan) -> Iterator[str]:
    old = {change.address: change for change in before.changes}
    new = {change.address: change for change in now.changes}
    for address, change in old.items():
        if address not in new:
            yield f"only in the saved plan: {change.action.verb} {address}"
        else:
            yield from _change(change, new[address])
    yield from (f"only in the plan made now: {new[name].action.verb} {name}" for name in new if name not in old)
    if old.keys() == new.keys() and list(old) != list(new):
        yield "the order of the changes differs"


def _change(before: Change, now: Change) -> Iterator[str]:
    address = before.address
    for what, old, new in (
        ("action", before.action.verb, now.action.verb),
        ("reason", str(before.reason), str(now.reason)),
        ("impact", _impact(before), _impact(now)),
        ("file", before.file, now.file),
    ):
        if old != new:
            yield f"{address}: {what}: {old} in the saved plan, {new} now"
    yield from _values(before, now)
    yield from _sets(f"{address}: danger", _dangers(before.dangers), _dangers(now.dangers))


def _impact(change: Change) -> str:
    return f"{change.impact} ({change.impact_note})" if change.impact_note else str(change.impact)


def _values(before: Change, now: Change) -> Iterator[str]:
    old, new = _by_name(before.values), _by_name(now.values)
    for key in dict.fromkeys((*old, *new)):
        if old.get(key) != new.get(key):
            name = " ".join((*key[0], key[1])).strip()
            was, will = _told(old.get(key)), _told(new.get(key))
            yield f"{before.address}: {name}: {was} in the saved plan, {will} now"


def _by_name(values: Iterable[ValueChange]) -> dict[tuple[tuple[str, ...], str], list[ValueChange]]:
    by_name: dict[tuple[tuple[str, ...], str], list[ValueChange]] = {}
    for value in values:
        by_name.setdefault((value.path, value.name), []).append(replace(value, place=None))
    return by_name


def _told(values: list[ValueChange] | None) -> str:
    return "no change" if values is None else "; ".join(map(_value, values))


def _value(value: ValueChange) -> str:
    because = f" ({value.cause})" if value.cause is not None else ""
    left = f", left as {_listed(value.applied)}" if value.applied else ""
    return f"{_listed(value.before)} -> {_listed(value.after)}{because}{left}"


def _listed(values: tuple[str, ...]) -> str:
    more = f" and {len(values) - 3} more" if len(values) > 3 else ""
    return (", ".join(values[:3]) or _NOT_THERE) + more


# -- the rest of a host ------------------------------------------------------------------------------------------------


def _rest(before: HostPlan, now: HostPlan) -> Iterator[str]:
    yield from _sets("danger", _dangers(before.dangers), _dangers(now.dangers))
    yield from _sets("left different", _left(before), _left(now))
    yield from _sets("becomes pmtaform's", dict.fromkeys(before.adopted, ""), dict.fromkeys(now.adopted, ""))
    yield from _sets("is forgotten", dict.fromkeys(before.forgotten, ""), dict.fromkeys(now.forgotten, ""))
    yield from _sets("warning", _warnings(before.notes), _warnings(now.notes))
    if before.unmanaged != now.unmanaged:
        yield f"not declared and unchanged: {before.unmanaged} in the saved plan, {now.unmanaged} now"
    if before.version != now.version:
        yield f"PowerMTA: {before.version or 'none'} when the plan was made, {now.version or 'none'} now"


def _sets(what: str, before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """The entries that are in only one of two sets, or whose values differ."""
    yield from (f"{what} only in the saved plan: {_with(name, before[name])}" for name in before if name not in now)
    yield from (f"{what} only in the plan made now: {_with(name, now[name])}" for name in now if name not in before)
    for name in before:
        if name in now and before[name] != now[name]:
            yield f"{what} {name}: {before[name]} in the saved plan; now: {now[name]}"


def _with(name: str, detail: str) -> str:
    return f"{name} ({detail})" if detail else name


def _dangers(dangers: Iterable[Danger]) -> dict[str, str]:
    by_code: dict[str, list[str]] = {}
    for danger in dangers:
        by_code.setdefault(danger.code, []).append(danger.detail)
    return {code: " ".join(details) for code, details in by_code.items()}


def _left(host: HostPlan) -> dict[str, str]:
    return {left.address: f"{left.action.verb}, {left.by}" for left in host.left}


def _warnings(notes: Iterable[Diagnostic]) -> dict[str, str]:
    warnings = (note for note in notes if note.severity is not Severity.INFO and note.code not in _BY_TIME)
    return {" ".join(filter(None, (note.severity.value, note.code, note.address))): "" for note in warnings}
