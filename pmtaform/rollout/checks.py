"""A stack's own checks: the request for each, and the judgement of its answer. Callers send the requests.

Each judgement is a sentence on the problem, or the empty text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pmtaform.host import Answer, Question
from pmtaform.model.operations import Check, CheckKind
from pmtaform.rollout.figures import NoFigures, field, figures, form, queues, shares

_FEW = 20  # with fewer queues, this many more must be in trouble before a share means something
_FEW_MORE = 3


def question(check: Check, release: int) -> Question:
    """The request to the host for a check."""
    seconds = max(1, round(check.within))
    words: tuple[str, ...]
    match check.kind:
        case CheckKind.COMMAND:
            return Question("command", seconds, check.argv)
        case CheckKind.TCP | CheckKind.SMTP:
            return Question("greeting", seconds, (check.address, str(check.port)))
        case CheckKind.HTTP:
            return Question("http", seconds, ("yes" if check.verify else "no", check.url))
        case CheckKind.BACKOFF:
            words = (form(release), "show", "queues", "--mode=backoff", "--maxitems=100000", check.queue)
        case CheckKind.STATUS:
            words = (form(release), "show", "status")
    return Question("ask", seconds, words)


def judge(check: Check, answer: Answer) -> str:
    """The reason why the check failed; empty if it passed."""
    why = _JUDGES[check.kind](check, answer)
    return f"the check {check.name} failed: {why}" if why else ""


def _command(_: Check, answer: Answer) -> str:
    if answer.exit_code == 0:
        return ""
    output = " ".join(answer.text.split())[:200]
    late = answer.exit_code in (124, 137)
    ended = "it took too long" if late else f"it ended with exit code {answer.exit_code}"
    return f"{ended}{f' and printed: {output}' if output else ''}"


def _tcp(check: Check, answer: Answer) -> str:
    if answer.exit_code == 2:
        return "the host has neither bash nor nc for this check; use a `command` check, or `from: client`"
    return "" if answer.exit_code == 0 else f"nothing answers on {check.address}:{check.port}"


def _smtp(check: Check, answer: Answer) -> str:
    if why := _tcp(check, answer):
        return why
    greeting = answer.text.strip()
    if greeting.startswith(check.expect):
        return ""
    return f"{check.address}:{check.port} greets with {greeting[:100]!r} instead of {check.expect}"


def _http(check: Check, answer: Answer) -> str:
    code = answer.text.strip()
    if code.isdigit() and int(code) in check.codes:
        return ""
    wanted = ", ".join(map(str, check.codes))
    if answer.exit_code == 2 and not code:
        return "the host has no curl for this check; use a `command` check, or `from: client`"
    if code in ("", "000"):
        return f"{check.url} does not answer (curl: exit {answer.exit_code})"
    return f"{check.url} answers with {code} instead of {wanted}"


def _backoff(check: Check, answer: Answer) -> str:
    try:
        in_backoff = [queue for queue in queues(figures(answer)) if queue.backoff]
    except NoFigures as problem:
        return str(problem)
    if len(in_backoff) <= check.at_most:
        return ""
    named = ", ".join(queue.name for queue in in_backoff[:3])
    return f"{len(in_backoff)} queues of {check.queue} are in back-off ({named} …), and {check.at_most} may be"


def _status(check: Check, answer: Answer) -> str:
    try:
        value = field(figures(answer), check.field)
    except NoFigures as problem:
        return str(problem)
    if check.below is not None and value >= check.below:
        return f"{check.field} is {value:g}, and must be below {check.below:g}"
    if check.above is not None and value <= check.above:
        return f"{check.field} is {value:g}, and must be above {check.above:g}"
    return ""


_JUDGES = {
    CheckKind.COMMAND: _command,
    CheckKind.TCP: _tcp,
    CheckKind.SMTP: _smtp,
    CheckKind.HTTP: _http,
    CheckKind.BACKOFF: _backoff,
    CheckKind.STATUS: _status,
}


# -- observation -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mood:
    """The state of a server's queues: percent in back-off, percent with errors, and the number of queues."""

    backoff: float
    errors: float
    count: int


def mood_question(release: int) -> Question:
    """The request to the host while it is observed."""
    return Question("ask", 30, (form(release), "show", "queues", "--maxitems=100000"))


def mood(answer: Answer) -> Mood:
    """The state of the queues. Raises `NoFigures`."""
    data: Mapping[str, Any] = figures(answer)
    return Mood(*shares(queues(data)))


def worse(before: Mood, now: Mood, tolerance: float) -> str:
    """The reason to roll the host back; empty if it is within `tolerance` (percentage points)."""
    for what, was, is_ in (("in back-off", before.backoff, now.backoff), ("with errors", before.errors, now.errors)):
        grown = is_ - was
        more = (is_ * now.count - was * before.count) / 100
        if grown > tolerance and (now.count >= _FEW or more >= _FEW_MORE):
            return (
                f"the share of queues {what} went from {was:.0f} % to {is_:.0f} % of {now.count}, and tolerance is "
                f"{tolerance:g} points"
            )
    return ""


def drained(answer: Answer, most: int) -> str:
    """The reason not to restart PowerMTA yet; empty if its spool holds fewer than `most` recipients."""
    try:
        held = field(figures(answer), "spool.totalRcp")
    except NoFigures as problem:
        return f"the number of recipients in the spool is not known ({problem})"
    if held < most:
        return ""
    return f"{held:.0f} recipients wait in the spool, and drain-below is {most}"
