"""Recipients that strangers may send to: `relay-domain`, `relay-address`, and for what goes, `host-name`.

They open their recipients to everyone who may submit mail (guide 3.3.2); clients that may relay do not need them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.catalogue import GLOBAL, catalogue
from pmtaform.lang.effective import Effective
from pmtaform.lang.effective.model import SourceLine
from pmtaform.lang.lint.regex import matches_every_text, split_regex
from pmtaform.lang.values.text import unquoted
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.intake import Intake, is_machine
from pmtaform.plan.dangers.sides import Sides
from pmtaform.plan.dangers.submission_cut_off import SUBMISSION_CUT_OFF
from pmtaform.plan.dangers.submission_opened import OPEN_RELAY, RELAY_OPENED

_DOMAIN: Final = "relay-domain"
_ADDRESS: Final = "relay-address"
# The server takes mail for its own names as if they were relay domains (guide 3.3.1, host-name). One more name is no
# danger: it is the server's own. One that goes may be where bounces come back to.
_NAME: Final = "host-name"
_READS: Final = (_DOMAIN, _ADDRESS, _NAME, "domain-macro", "source", "smtp-listener")
_ANY_ADDRESS: Final = ("@", ".*@.*", ".+@.+")


@reports(OPEN_RELAY, RELAY_OPENED)
def recipients_opened(sides: Sides) -> Iterator[DangerFinding]:
    """Recipients that strangers may newly send to."""
    if not sides.touches(*_READS) or not _strangers_submit(sides, sides.intakes[1]):
        return
    before = _recipients(sides.before, _DOMAIN, _ADDRESS)
    for (name, text), line in _recipients(sides.after, _DOMAIN, _ADDRESS).items():
        if _is_covered(name, text, before):
            continue
        cause = sides.cause_of_lines([line])
        everything = _is_everything(name, text)
        detail = f"`{name} {values.shown(text)}` makes the server accept mail for these recipients from everyone"
        yield DangerFinding(
            kind=OPEN_RELAY if everything else RELAY_OPENED,
            detail=f"{detail}{sides.because(cause)}.",
            cause=cause,
        )


@reports(SUBMISSION_CUT_OFF)
def recipients_refused(sides: Sides) -> Iterator[DangerFinding]:
    """Recipients whose mail the server accepted from strangers, and no longer does."""
    if not sides.touches(*_READS) or not _strangers_submit(sides, sides.intakes[0]):
        return
    after = _recipients(sides.after, _DOMAIN, _ADDRESS, _NAME)
    for (name, text), line in _recipients(sides.before, _DOMAIN, _ADDRESS, _NAME).items():
        if _is_covered(name, text, after) or _is_everything(name, text):
            continue
        cause = sides.cause_of_lines([line])
        yield DangerFinding(
            kind=SUBMISSION_CUT_OFF,
            detail=f"Mail for {values.shown(text)} (`{name}`) is no longer accepted from outside, bounces and "
            f"complaints among it{sides.because(cause)}.",
            cause=cause,
        )


def _strangers_submit(sides: Sides, side: Intake) -> bool:
    """Whether anyone who may not relay may submit mail."""
    return any(
        side.submits(client, door) and not side.relays(client, door)
        for client, *_ in sides.clients
        if not is_machine(client)
        for door in side.doors
    )


def _recipients(effective: Effective, *names: str) -> dict[tuple[str, str], SourceLine]:
    """Every recipient that lines with these names open, macros expanded, with its line."""
    by_value: dict[tuple[str, str], SourceLine] = {}
    for name in names:
        plain = partial(values.normalise, catalogue().directive(GLOBAL, name))
        for line in effective.reading.lines.get(name, ()):
            text = unquoted(line.value)
            for name_of_macro in effective.names.of(text) if name == _DOMAIN and "$" in text else (plain(text),):
                by_value.setdefault((name, name_of_macro), line)
    return by_value


def _is_covered(name: str, text: str, others: dict[tuple[str, str], SourceLine]) -> bool:
    if (name, text) in others or (_DOMAIN, "*") in others:
        return True
    if name == _ADDRESS:
        domain = "" if text.startswith("/") else text.rpartition("@")[2].lower()
        return bool(domain) and _is_covered(_DOMAIN, domain, others)
    exact = not text.startswith(("*", "["))
    if exact and ((_DOMAIN, text) in others or (_NAME, text) in others):
        return True
    bare = text.removeprefix("[*.]").removeprefix("*.")
    if (_DOMAIN, f"[*.]{bare}") in others:
        return True
    parents = bare.split(".")
    above = (".".join(parents[at:]) for at in range(1, len(parents)))
    return any((_DOMAIN, f"{wild}{parent}") in others for parent in above for wild in ("*.", "[*.]"))


def _is_everything(name: str, text: str) -> bool:
    if name == _ADDRESS:
        parts = split_regex(text)
        return parts is not None and not parts[0] and (matches_every_text(parts[1]) or parts[1] in (*_ANY_ADDRESS, ""))
    bare = text.removeprefix("[*.]").removeprefix("*.")
    return text == "*" or (name == _DOMAIN and bare != text and "." not in bare)
