"""Mail that the server as a whole would lose: what waits in a spool, what a processor or a test listener discards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.blocks import Address
from pmtaform.lang.effective import Effective
from pmtaform.lang.values.text import unquoted
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.loss import MAIL_LOST
from pmtaform.plan.dangers.sections import MergedSection, Sections
from pmtaform.plan.dangers.sides import Sides

_SPOOL: Final = "spool"
_PROCESSORS: Final = {"bounce-processor": "a bounce", "feedback-loop-processor": "a feedback report"}
_LOOPBACK: Final = ("127.", "::1", "[::1]")


@reports(MAIL_LOST)
def mail_not_kept(sides: Sides) -> Iterator[DangerFinding]:
    """Spools that go, and switches of the server that cost mail."""
    yield from _spools(sides)
    yield from _switches(sides)
    yield from _processors(sides)
    yield from _test_listener(sides)


def _spools(sides: Sides) -> Iterator[DangerFinding]:
    was = _paths(sides.before, sides.sections_before)
    now = _paths(sides.after, sides.sections_after)
    gone = [path for path in was if path not in now]
    if gone:
        cause = next((a for path in gone if (a := Address(_SPOOL, path)) in sides.changed), None)
        cause = cause or sides.cause_named("setting", _SPOOL)
        left = f"the spools are {_named(now)}" if now else "no spool is left"
        detail = f"Mail that waits in spool {_named(gone)} is not delivered after the next restart: {left}"
        yield DangerFinding(kind=MAIL_LOST, detail=f"{detail}{sides.because(cause)}.", cause=cause, weight=100.0)
    drained = [path for path, body in now.items() if body is not None and body.is_on("deliver-only")]
    if now and len(drained) == len(now) and was.keys() == now.keys() and not _all_drain(was):
        cause = next((a for path in now if (a := Address(_SPOOL, path)) in sides.changed), None)
        detail = f"No spool accepts new mail: {_named(now)} only deliver what they hold (`deliver-only`)"
        yield DangerFinding(kind=MAIL_LOST, detail=f"{detail}{sides.because(cause)}.", cause=cause)


def _all_drain(spools: dict[str, MergedSection | None]) -> bool:
    return all(body is not None and body.is_on("deliver-only") for body in spools.values())


def _paths(effective: Effective, sections: Sections) -> dict[str, MergedSection | None]:
    paths: dict[str, MergedSection | None] = {_path(name): body for name, body in sections.of(_SPOOL).items()}
    for line in effective.reading.lines.get(_SPOOL, ()):
        paths.setdefault(_path(line.value), None)
    return paths


def _path(text: str) -> str:
    return unquoted(text.strip()).rstrip("/") or "/"


def _named(names: Iterable[str]) -> str:
    return words.several([values.shown(name) for name in names])


def _switches(sides: Sides) -> Iterator[DangerFinding]:
    for name, costly, what in (
        (
            "sync-msg-create",
            False,
            "accepted mail may be lost when the machine crashes, since it is not synced to disk",
        ),
        ("spool-delete-corrupted", True, "unreadable spool files are deleted, with the mail in them"),
    ):
        was, now = _switch(sides.before, name), _switch(sides.after, name)
        if now is costly and was is not costly:
            cause = sides.cause_named("setting", name)
            yield DangerFinding(
                kind=MAIL_LOST, detail=f"The server as a whole: {what} (`{name}`){sides.because(cause)}.", cause=cause
            )


def _switch(effective: Effective, name: str) -> bool | None:
    lines = effective.reading.lines.get(name)
    return values.parse_bool(unquoted(lines[-1].value.strip())) if lines else None


def _processors(sides: Sides) -> Iterator[DangerFinding]:
    for tag, kind in _PROCESSORS.items():
        was, now = sides.sections_before.of(tag).get(""), sides.sections_after.of(tag).get("")
        if now is not None and _discards(now) and (was is None or not _discards(was)):
            cause = sides.cause_named(tag)
            detail = f"<{tag}>: mail that is not recognised as {kind} is discarded (`deliver-unmatched-email no`)"
            yield DangerFinding(kind=MAIL_LOST, detail=f"{detail}{sides.because(cause)}.", cause=cause)


def _discards(processor: MergedSection) -> bool:
    """Whether mail that it does not recognise is lost; the editions of the guide differ where it is forwarded."""
    return values.parse_bool(processor.value("deliver-unmatched-email")) is False and not processor.value(
        "forward-unmatched-to"
    )


def _test_listener(sides: Sides) -> Iterator[DangerFinding]:
    was, now = _sink(sides.before), _sink(sides.after)
    if now and now != was and not now.startswith(_LOOPBACK):
        cause = sides.cause_named("setting", "dummy-smtp-port")
        detail = f"Mail that is submitted to {values.shown(now)} is accepted and discarded (`dummy-smtp-port`)"
        yield DangerFinding(kind=MAIL_LOST, detail=f"{detail}{sides.because(cause)}.", cause=cause)


def _sink(effective: Effective) -> str:
    """Where the test listener accepts mail; empty when it is off."""
    lines = effective.reading.lines
    port = unquoted(lines["dummy-smtp-port"][-1].value.strip()) if "dummy-smtp-port" in lines else "0"
    address = unquoted(lines["dummy-smtp-ip"][-1].value.strip()) if "dummy-smtp-ip" in lines else "every address"
    return f"{address} port {port}" if port not in ("", "0") else ""
