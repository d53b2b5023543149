"""SMTP users whose account a change removes, or whose credential it changes. A credential itself is never shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.blocks import Address
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.values.text import unquoted
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.intake import User
from pmtaform.plan.dangers.sides import Sides
from pmtaform.plan.dangers.submission_cut_off import SUBMISSION_CUT_OFF

# The credentials of a login, and the words for a change of each. The value of `password` is a secret.
_CREDENTIALS: Final = ("authentication-method", "password", "tls-certificate")


@reports(SUBMISSION_CUT_OFF)
def accounts_cut_off(sides: Sides) -> Iterator[DangerFinding]:
    """Users that can no longer log in as they did."""
    if not sides.touches("smtp-user"):
        return
    before, after = sides.intakes
    for name, user in before.users.items():
        other = after.users.get(name)
        if other is None:
            cause = sides.cause_of_lines(user.lines.values())
            yield _finding(sides, f"Who logs in as {values.shown(name)} is cut off: the account is removed", cause)
            continue
        for credential in _CREDENTIALS:
            was, now = _credential(user, credential), _credential(other, credential)
            if was is not None and was != now:
                lines = [line for account in (other, user) if (line := account.lines.get(credential)) is not None]
                detail = f"Who logs in as {values.shown(name)} {_change_in_words(credential, was, now)}"
                yield _finding(sides, detail, sides.cause_of_lines(lines))
                break


def _credential(user: User, name: str) -> str | None:
    """A credential in the form that is compared; None where it has no effect."""
    spec = catalogue().directive("smtp-user", name)
    method = _method(user)
    if name == "authentication-method":
        return method
    if (name == "password") != (method == "password"):
        return None
    line = user.lines.get(name)
    return values.normalise(spec, unquoted(line.value)) if line is not None else None


def _method(user: User) -> str:
    line = user.lines.get("authentication-method")
    return unquoted(line.value).lower() if line is not None else "password"


def _change_in_words(name: str, was: str, now: str | None) -> str:
    if name == "authentication-method":
        return f"must log in another way: {name} {values.shown(was)} -> {values.shown(now or 'password')}"
    return f"is cut off until the client has the new {'password' if name == 'password' else 'certificate'}"


def _finding(sides: Sides, detail: str, cause: Address | None) -> DangerFinding:
    return DangerFinding(kind=SUBMISSION_CUT_OFF, detail=f"{detail}{sides.because(cause)}.", cause=cause)
