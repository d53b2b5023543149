"""Whether anything signs with the DKIM keys that a stack declares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.lang.effective import Effective
from pmtaform.lang.effective.signing import KeyLine, signing_keys
from pmtaform.lang.includes import Configuration
from pmtaform.model.desired import Desired

NOT_SIGNING: Final = "dkim-not-signing"
SAID_TOO: Final = {"key-without-dkim-sign": NOT_SIGNING}  # lint's findings that say the same, less exactly
_PERHAPS: Final = (
    " Only what the stack declares was looked at: if a domain that the host has besides signs, nothing is wrong."
)


def not_signing(desired: Desired, configuration: Configuration, *, whole: bool = True) -> Iterator[Diagnostic]:
    """A warning for each declared key that no mail is signed with, in `configuration`.

    `whole` says that `configuration` is all that the host has. A key that no line gives to anything is not meant to
    sign (yet, or any more), and nothing is said of it.
    """
    if not desired.keys:
        return
    found = signing_keys(Effective(configuration))
    for key in desired.keys:
        if found.get(KeyLine(key.selector, key.domain.lower(), key.path)) is False:
            name = f"{key.domain}/{key.selector}"
            detail = (
                f"{name} signs nothing: no <domain> has `dkim-sign yes` for the virtual MTAs that the key is given to, "
                "and the default is no, so mail goes out unsigned. Write `domain: {'*': {dkim-sign: yes}}`, or "
                "`dkim-sign: yes` into the domains whose mail is to be signed."
            )
            yield Diagnostic(
                code=NOT_SIGNING,
                summary="A DKIM key signs nothing",
                detail=detail if whole else detail + _PERHAPS,
                severity=Severity.WARNING,
                place=key.place,
            )
