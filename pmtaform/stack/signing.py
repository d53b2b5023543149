"""Whether anything signs with the DKIM keys that a stack declares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.keys import DKIM_NOT_SIGNING
from pmtaform.lang.effective import Effective
from pmtaform.lang.effective.signing import KeyLine, signing_keys
from pmtaform.lang.includes import Configuration
from pmtaform.lang.lint.dkim import key_without_dkim_sign
from pmtaform.model.desired import Desired

_PERHAPS: Final = (
    " Only what the stack declares was looked at: if a domain that the host has besides signs, nothing is wrong."
)


def without_doubles(linted: Iterable[Diagnostic], notes: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Lint's findings, without those that say less exactly what a note on a key says."""
    is_noted = any(DKIM_NOT_SIGNING.describes(note) for note in notes)
    return [finding for finding in linted if not (is_noted and key_without_dkim_sign.describes(finding))]


def not_signing(desired: Desired, configuration: Configuration, *, whole: bool = True) -> Iterator[Diagnostic]:
    """A warning for each declared key that no mail is signed with, in `configuration`.

    `whole`: `configuration` is all that the host has. A key that no line uses is not meant to sign (yet, or any more),
    and causes no warning.
    """
    if not desired.keys:
        return
    signs = signing_keys(Effective(configuration))
    for key in desired.keys:
        if signs.get(KeyLine(key.selector, key.domain.lower(), key.path)) is False:
            name = f"{key.domain}/{key.selector}"
            detail = (
                f"{name} signs nothing: no <domain> has `dkim-sign yes` for the virtual MTAs that the key is given to, "
                "and the default is no, so mail goes out unsigned. Write `domain: {'*': {dkim-sign: yes}}`, or "
                "`dkim-sign: yes` into the domains whose mail is to be signed."
            )
            yield DKIM_NOT_SIGNING.diagnostic(detail if whole else detail + _PERHAPS, key.place)
