"""Mail of queues that bounces sooner than before, or for a new reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.effective import Value, ValueMove
from pmtaform.lang.values.text import unquoted
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.kind import DangerKind
from pmtaform.plan.dangers.queues import QueueChange
from pmtaform.plan.dangers.reach import Effect, findings_of
from pmtaform.plan.dangers.sides import Sides

MAIL_LOST: Final = DangerKind(
    code="mail-lost",
    rank=150,
    summary="mail that was delivered before is discarded, bounced or rejected",
    explanation=(
        "Mail that PowerMTA delivers now is discarded, bounced or rejected after the change. The sentence names the "
        "directive and the queues."
    ),
)

_AFTER: Final = "bounce-after"
_LOGIN: Final = ("auth-username", "auth-password")
_NO_MX: Final = "bounce-upon-no-mx"
# Switches that cost mail when they are on.
_SWITCHES: Final = {
    "bounce-upon-5xx-greeting": "all mail in the queue bounces when the host greets with a 5xx reply",
    "bounce-upon-transfer-failure": "a message whose transfer is interrupted bounces instead of being retried",
    "bounce-upon-pix-transfer-failure": "a message whose transfer to a PIX firewall is interrupted bounces",
    "check-spf-outbound": "mail for which SPF does not pass for this server is not delivered",
    "assume-delivery-upon-data-termination-timeout": (
        "a message counts as delivered although the host never confirmed it"
    ),
    "discard-as-bounce": "mail that is discarded is recorded as bounced, and not as delivered",
}


@reports(MAIL_LOST)
def mail_bounced(sides: Sides) -> Iterator[DangerFinding]:
    """Queues whose mail bounces or is discarded where it was kept before."""
    return findings_of(sides, _effects(sides))


def _effects(sides: Sides) -> Iterator[tuple[QueueChange, Effect]]:
    for queue in sides.queues:
        for move in queue.moves if queue.domain else ():
            what = _what(sides, queue, move)
            if what and not sides.sections_before.is_blank:
                yield queue, Effect(MAIL_LOST, what, sides.cause(move.before, move.after), _weight(move))


def _what(sides: Sides, queue: QueueChange, move: ValueMove) -> str:
    if move.name == _AFTER:
        return _sooner(move)
    if move.name == _NO_MX:
        return _without_mx(move)
    if move.name in _LOGIN:
        return _login(move)
    if move.name in _SWITCHES and _is_on(move.after) and not _is_on(move.before):
        if move.name == "discard-as-bounce" and not _is_discarded(sides, queue):
            return ""
        return f"{_SWITCHES[move.name]} (`{move.name}`)"
    return ""


def _is_discarded(sides: Sides, queue: QueueChange) -> bool:
    name = queue.queue_after or ("*" if queue.mx else queue.domain)
    return _text(sides.after.settings(name, queue.vmtas[0]).values["type"]) == "discard"


def _login(move: ValueMove) -> str:
    """Another login at the hosts that take the mail, or none; the values are secrets."""
    if not _text(move.before):
        return ""
    if not _text(move.after):
        return (
            f"mail goes to its hosts without a login (`{move.name}` is removed), and those that require one reject it"
        )
    return f"mail goes to its hosts with another login (`{move.name}`), and is rejected until they know it"


def _sooner(move: ValueMove) -> str:
    was, now = _seconds(move.before), _seconds(move.after)
    if was is None or now is None or now >= was:
        return ""
    return (
        f"bounce-after {words.value(move.before)} -> {words.value(move.after)}; queued mail that is "
        "older bounces at the next try"
    )


def _without_mx(move: ValueMove) -> str:
    was, now = _patience(move.before), _patience(move.after)
    if now >= was:
        return ""
    return f"{_NO_MX} {words.value(move.before)} -> {words.value(move.after)}; mail for domains without MX bounces"


def _patience(value: Value | None) -> float:
    """Seconds until mail for a domain without MX bounces; infinite: it does not."""
    text = _text(value)
    if values.parse_bool(text) is True:
        return 0.0
    seconds = values.parse_duration(text)
    return float("inf") if seconds is None else float(seconds)


def _weight(move: ValueMove) -> float:
    was, now = _seconds(move.before), _seconds(move.after)
    return was / now if move.name == _AFTER and was and now else 1.0


def _seconds(value: Value | None) -> float | None:
    seconds = values.parse_duration(_text(value))
    return None if seconds is None else float(seconds)


def _is_on(value: Value | None) -> bool:
    return values.parse_bool(_text(value)) is True


def _text(value: Value | None) -> str:
    return unquoted(value.values[-1].strip()).lower() if value is not None and value.values else ""
