"""Accounting records and logs that are no longer written, no longer kept, or no longer where they were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.blocks import Address
from pmtaform.lang.effective import Effective
from pmtaform.lang.values.text import unquoted
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.kind import DangerKind
from pmtaform.plan.dangers.queues import QueueChange
from pmtaform.plan.dangers.reach import Effect, findings_of
from pmtaform.plan.dangers.record_files import TAG, TYPES, RecordFile, lost_fields, record_files, types_of
from pmtaform.plan.dangers.sides import Sides

LOG_FILE_REMOVED: Final = DangerKind(
    code="log-file-removed",
    rank=60,
    summary="PowerMTA does not start again without a log file",
    explanation=(
        "A reload succeeds without a log file, and the next start of PowerMTA fails. Keep `log-file` in the "
        "configuration."
    ),
)
RECORDS_LOST: Final = DangerKind(
    code="records-lost",
    rank=250,
    summary="accounting records, logs or copies are no longer written or kept, or move",
    explanation=(
        "Programs that read accounting files, logs or copies miss data, or data is deleted earlier. Change such "
        "programs first."
    ),
)

_LOG: Final = "log-file"
_KEPT: Final = "log-rotate"
_DISABLED: Final = "disable-acct-records"


@reports(RECORDS_LOST)
def records_lost(sides: Sides) -> Iterator[DangerFinding]:
    """Accounting files that go or record less, and queues whose records are switched off."""
    if not sides.are_same(TAG):
        was, now = record_files(sides.sections_before), record_files(sides.sections_after)
        for path, file in was.items():
            yield from _removed(sides, file, now) if path not in now else _less(sides, file, now[path])
    yield from findings_of(sides, _disabled(sides))


def _removed(sides: Sides, file: RecordFile, now: Mapping[str, RecordFile]) -> Iterator[DangerFinding]:
    cause = sides.cause_named(TAG, file.name)
    moved = [other.shown for other in now.values() if set(file.types) <= set(other.types) and not other.filters]
    if moved:
        what = f"{_types(file.types)} are no longer written to {file.shown}, only to {words.several(moved)}"
    else:
        elsewhere = {kind for other in now.values() for kind in other.types if not other.filters}
        lost = [kind for kind in file.types if kind not in elsewhere]
        what = f"{_types(file.types)} are no longer written to {file.shown}"
        what += f"; nothing else records all {_types(lost)}" if lost else ""
    yield DangerFinding(kind=RECORDS_LOST, detail=f"{_capital(what)}{sides.because(cause)}.", cause=cause, weight=10.0)


def _less(sides: Sides, was: RecordFile, now: RecordFile) -> Iterator[DangerFinding]:
    cause = sides.cause_named(TAG, was.name)
    for what in _losses(was, now):
        detail = f"Accounting file {was.shown}: {what}"
        yield DangerFinding(kind=RECORDS_LOST, detail=f"{detail}{sides.because(cause)}.", cause=cause)


def _losses(was: RecordFile, now: RecordFile) -> Iterator[str]:
    lost = [kind for kind in was.types if kind not in now.types]
    if lost:
        yield f"{_types(lost)} are no longer written"
    for kind in was.types:
        fields = lost_fields(was, now, kind) if kind in now.types else ()
        if fields:
            yield f"{TYPES[kind]} records no longer have {words.several([values.shown(field) for field in fields])}"
    if now.is_narrower_than(was):
        yield f"only records of queues that match {words.several([values.shown(f) for f in now.filters])} are written"
    if was.place != now.place:
        yield f"{now.goes}, and before {was.goes}"
    if now.kept < was.kept:
        yield f"files are deleted {_age(now.kept)}, and before {_age(was.kept)}"
    if was.privacy == "retain" != now.privacy:
        yield f"records no longer name recipients in clear text (`privacy-policy {values.shown(now.privacy)}`)"


def _age(seconds: float) -> str:
    return "never" if seconds == float("inf") else f"after {seconds / 86400:g} days"


def _types(types: tuple[str, ...] | list[str]) -> str:
    return f"{words.several([TYPES[kind] for kind in types])} records"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _disabled(sides: Sides) -> Iterator[tuple[QueueChange, Effect]]:
    for queue in sides.queues:
        move = queue.move(_DISABLED) if queue.domain else None
        if move is None:
            continue
        was, now = (types_of(value.text) if value and value.values else () for value in (move.before, move.after))
        more = [kind for kind in now if kind not in was]
        if more and not sides.sections_before.is_blank:
            yield (
                queue,
                Effect(RECORDS_LOST, f"{_types(more)} are no longer written", sides.cause(move.before, move.after)),
            )


@reports(LOG_FILE_REMOVED, RECORDS_LOST)
def logs_lost(sides: Sides) -> Iterator[DangerFinding]:
    """A log file that is removed, moves, or is kept for a shorter time."""
    was, now = _setting(sides.before, _LOG), _setting(sides.after, _LOG)
    cause = sides.cause_named("setting", _LOG) if was != now else None
    if was and not now:
        detail = "PowerMTA does not start without a `log-file`: a reload may pass, and the next start stops all mail"
        yield DangerFinding(kind=LOG_FILE_REMOVED, detail=f"{detail}{sides.because(cause)}.", cause=cause)
    elif was != now and was:
        detail = f"The log is written to {values.shown(now)}, and before to {values.shown(was)}"
        yield DangerFinding(kind=RECORDS_LOST, detail=f"{detail}{sides.because(cause)}.", cause=cause)
    yield from _fewer_logs(sides)


def _fewer_logs(sides: Sides) -> Iterator[DangerFinding]:
    was, now = _setting(sides.before, _KEPT) or "8", _setting(sides.after, _KEPT) or "8"
    if was.isdigit() and now.isdigit() and int(now) < int(was):
        cause: Address | None = sides.cause_named("setting", _KEPT)
        detail = f"{now} rotated log files are kept, and before {was}; the others are deleted"
        yield DangerFinding(kind=RECORDS_LOST, detail=f"{detail}{sides.because(cause)}.", cause=cause)


def _setting(effective: Effective, name: str) -> str:
    lines = effective.reading.lines.get(name)
    return unquoted(lines[-1].value.strip()) if lines else ""
