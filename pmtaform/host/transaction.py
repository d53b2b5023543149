"""One host's changes made atomically, and their outcome as the host recorded it.

    stage ─▶ commit ─▶ confirm        apply = stage and commit in one, with no rehearsal between
                    └▶ revert

`apply` and `commit` end with `PENDING` where the change has to be confirmed; `confirm` ends with the host's record.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pmtaform.diagnostics.codes.connections import SHELL_MISSING, SUDO_PASSWORD, SUDO_REFUSED
from pmtaform.diagnostics.codes.hosts import INPUT_GARBLED
from pmtaform.errors import HostError, Unreachable
from pmtaform.host.answers import HostFacts
from pmtaform.host.model import HostSpec, Known, Outcome, Snapshot, Status, Transaction
from pmtaform.host.probe import look_lines, snapshot_of
from pmtaform.host.request import Request, body, of_transaction, seconds
from pmtaform.host.text import plain
from pmtaform.host.transport import Session
from pmtaform.host.wire import AnswerLine, call, common, setting

Reopen = Callable[[], Session]

_PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)  # seconds before each attempt to reach a lost host again
_ATTEMPTS = 3  # to connect for a confirmation, before the change is reverted
_WAITS = 20  # how many times a transaction that still runs is asked for again
_WAIT = 15  # seconds the host waits each time before it says "running"
_SENDS = 3  # how many times a request is sent while another of its name does not arrive whole
_UNDECIDED = frozenset({"unfinished", "running", "none"})
# Nothing of a request was read yet.
_SURE = frozenset(each.code for each in (SUDO_PASSWORD, SUDO_REFUSED, SHELL_MISSING, INPUT_GARBLED))


def apply(session: Session, spec: HostSpec, tx: Transaction, reopen: Reopen) -> Outcome:
    """Make `tx` on the host, all or nothing; `PENDING` if it has to be confirmed.

    If the connection goes, `reopen` gives another one and the outcome is read back from the host. A host makes a
    transaction of one name once: where it has that name already, from this process or another, the outcome is that of
    the first. Raises `HostError` when nothing can have been done, for example because sudo refuses.
    """
    if not tx.writes and not tx.removals and not tx.record:
        return Outcome(host=spec.name, status=Status.APPLIED, reason="nothing to change")
    outcome = perform(session, spec, "apply", of_transaction(tx), reopen)
    # Another process staged it under this name, and has not committed it.
    return commit(session, spec, tx, reopen) if outcome.status is Status.STAGED else outcome


def stage(session: Session, spec: HostSpec, tx: Transaction, reopen: Reopen) -> Outcome:
    """Write everything of `tx` beside its place, and rehearse it if the host can: `STAGED`, and nothing is changed.

    It ends with `commit` or `revert`. Raises as `apply`.
    """
    return perform(session, spec, "apply", of_transaction(tx, stage=True), reopen)


def commit(session: Session, spec: HostSpec, tx: Transaction, reopen: Reopen) -> Outcome:
    """Go on with a staged `tx`; as `apply` where the host does not know of it, `STALE` if another one came between."""
    outcome = _send(session, spec, _Word("commit"), tx, reopen).outcome
    if outcome is None or outcome.step == "receive":
        return apply(session, spec, tx, reopen)
    if outcome.status is Status.REFUSED and outcome.step == "staged":
        return replace(outcome, status=Status.STALE)
    return outcome


def confirm(
    session: Session, spec: HostSpec, tx: Transaction, reopen: Reopen, known: Known | None = None
) -> tuple[Outcome, Snapshot | None]:
    """Confirm a pending `tx`: the host's final record, and with `known` what the host has then, in the same answer."""
    look = tuple(look_lines(spec, known)) if known is not None else ()
    reply = _send(session, spec, _Word("confirm", look=look), tx, reopen)
    snapshot = snapshot_of(spec, known, reply.items) if known is not None and reply.items else None
    unknown = Outcome(host=spec.name, status=Status.UNKNOWN, reason="the host has no record of it")
    return reply.outcome or unknown, snapshot


def revert(session: Session, spec: HostSpec, tx: Transaction, reopen: Reopen, why: str) -> Outcome:
    """Have a staged or pending `tx` undone now, by the same way that its timer would go.

    `UNKNOWN` where the host cannot be reached in time: then the timer does it, or the next command.
    """
    word = _Word("revert", plain(why) or "it was reverted")
    try:
        outcome = _send(session, spec, word, tx, reopen).outcome
    except Unreachable as error:
        outcome = _read_back(_Lost(spec, tx.id, tx.who, word), reopen, error)
    return outcome or Outcome(host=spec.name, status=Status.REFUSED, step="staged", reason="nothing of it was there")


def reconnect(reopen: Reopen) -> Session:
    """A new connection for the confirmation, which is worth more than one attempt. Raises `Unreachable`."""
    for pause in _PAUSES[1:_ATTEMPTS]:
        try:
            return reopen()
        except Unreachable:
            _sleep(pause)
    return reopen()


def decide_pending(session: Session, spec: HostSpec, transaction: str, op: str, why: str = "") -> Outcome | None:
    """`confirm` or `revert` the transaction with this id, whichever run started it; None: the host does not have it."""
    facts = HostFacts(_ask_onward(session, spec, _Word(op, why), transaction))
    return None if facts.status in {"none", ""} else facts.outcome(spec.name)


def recover(session: Session, spec: HostSpec, *, who: str = "", reopen: Reopen | None = None) -> Outcome:
    """Finish or undo what any dead transaction left on the host; `recovered` states what was done, None: nothing.

    `LOCKED` where one runs or waits for its client.
    """
    request = Request(
        id=f"recover-{secrets.token_hex(8)}",
        who=who,
        what="recover",
        started=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )
    return perform(session, spec, "recover", request, reopen)


def result(session: Session, spec: HostSpec, transaction: str) -> Outcome | None:
    """What became of the transaction with this id, None: the host knows nothing of it. It is not waited for."""
    facts = HostFacts(_ask_result(session, spec, transaction, wait=0, seal=False))
    if facts.status in {"none", ""}:
        return None
    return facts.outcome(spec.name)


def final_outcome(session: Session, spec: HostSpec, transaction: str, *, who: str = "") -> Outcome | None:
    """What became of a transaction that another process sent; None: the host has no such name, or only staged it.

    Waits while it runs, and while it awaits its confirmation: its own client confirms it, or the host reverts it when
    its time is over. What a dead process left is finished or undone.
    """
    while True:
        outcome = result(session, spec, transaction)
        if outcome is not None and outcome.status is Status.UNKNOWN:
            outcome = _settle(session, spec, transaction, who, seal=False)
        if outcome is None or outcome.status is Status.STAGED:
            return None
        if outcome.status is not Status.PENDING:
            return outcome
        _sleep(1.0)


def perform(session: Session, spec: HostSpec, op: str, request: Request, reopen: Reopen | None) -> Outcome:
    """Run a request to its end and return the host's record."""
    with _Live(session, reopen) as live:
        parts = body(spec, request)
        size = sum(map(len, parts))
        for attempt in range(1, _SENDS + 1):
            try:
                items = call(live.session, spec, op, parts, timeout=_deadline(spec, size))
            except HostError as error:
                if reopen is None or any(d.code in _SURE for d in error.diagnostics):
                    raise
                return _read_back(_Lost(spec, request.id, request.who), reopen, error)
            facts = HostFacts(items)
            if op != "apply" or facts.status not in _UNDECIDED:
                return facts.outcome(spec.name)
            # Another process has sent this name, or did a moment ago: its transaction is waited for and not sealed,
            # because its request may still be on its way.
            first = _settle(live.session, spec, request.id, request.who, seal=attempt == _SENDS)
            if first.status is not Status.UNKNOWN or result(live.session, spec, request.id) is not None:
                return first
        return first


class _Live:
    """The session, or a new one where it was lost while idle: nothing had been sent, so that is not yet a doubt."""

    def __init__(self, session: Session, reopen: Reopen | None) -> None:
        self._fresh: Session | None = None
        if reopen is not None and not getattr(session, "is_open", True):
            session = self._fresh = reopen()
        self.session = session

    def __enter__(self) -> _Live:
        return self

    def __exit__(self, *_: object) -> None:
        if self._fresh is not None:
            self._fresh.close()


@dataclass(frozen=True, slots=True)
class _Word:
    """The client's word on a transaction that waits: `commit`, `confirm` or `revert`, and why.

    `look` are lines that have the host looked at too (`look_lines`); that part is not sent again.
    """

    op: str
    why: str = ""
    look: tuple[bytes, ...] = ()


def _send(session: Session, spec: HostSpec, word: _Word, tx: Transaction, reopen: Reopen) -> _Reply:
    """Send the word about `tx`. Its outcome is None where the host does not have the transaction."""
    with _Live(session, reopen) as live:
        try:
            items = _ask_onward(live.session, spec, word, tx.id)
        except HostError as error:
            if any(d.code in _SURE for d in error.diagnostics):
                raise
            return _Reply(_read_back(_Lost(spec, tx.id, tx.who, word), reopen, error))
        facts = HostFacts(items)
        if facts.status == "none":
            return _Reply(None)
        if facts.status in {"unfinished", "running"}:
            return _Reply(_settle(live.session, spec, tx.id, tx.who))
        return _Reply(facts.outcome(spec.name), items)


@dataclass(frozen=True, slots=True)
class _Reply:
    outcome: Outcome | None
    items: list[AnswerLine] = field(default_factory=list)  # the host's own answer to the word, if it came


def _ask_onward(session: Session, spec: HostSpec, word: _Word, transaction: str) -> list[AnswerLine]:
    lines = [*common(spec), setting("id", transaction, spec.name), setting("wait", str(_WAIT), spec.name)]
    if word.why:
        lines.append(setting("why", plain(word.why), spec.name))
    lines += [setting("look", "yes", spec.name), *word.look] if word.look else [b"end\n"]
    return call(session, spec, word.op, lines, timeout=_deadline(spec, 0))


def _deadline(spec: HostSpec, size: int) -> float:
    """Seconds that a whole transaction may take: each `pmta` call is bounded on the host already."""
    return 120 + 8 * (seconds(spec) + 6) + size / 100_000


@dataclass(frozen=True, slots=True)
class _Lost:
    """A transaction whose connection was lost, and the word about it that may not have arrived."""

    spec: HostSpec
    transaction: str
    who: str
    word: _Word | None = None


def _read_back(lost: _Lost, reopen: Reopen, why: HostError) -> Outcome:
    """The host's record, over new connections; `UNKNOWN` when it cannot be reached again in time."""
    for pause in _PAUSES:
        _sleep(pause)
        try:
            session = reopen()
        except Unreachable:
            continue
        try:
            return _settle_lost(session, lost)
        except HostError as error:
            why = error  # it was lost again, or the host could not run the program just then
        finally:
            session.close()
    detail = "; ".join(d.summary for d in why.diagnostics)
    return Outcome(
        host=lost.spec.name,
        status=Status.UNKNOWN,
        reason=(
            f"the connection was lost ({detail}) and the host could not be asked again. The record of the transaction "
            f"will be in /var/lib/pmtaform/results/{lost.transaction} there"
        ),
    )


def _settle_lost(session: Session, lost: _Lost) -> Outcome:
    """Wait for the record. The word is sent again if the host still waits for it."""
    settled = _settle(session, lost.spec, lost.transaction, lost.who)
    if lost.word is None or settled.status not in {Status.PENDING, Status.STAGED}:
        return settled
    _ask_onward(session, lost.spec, replace(lost.word, look=()), lost.transaction)
    return _settle(session, lost.spec, lost.transaction, lost.who)


def _settle(session: Session, spec: HostSpec, transaction: str, who: str, *, seal: bool = True) -> Outcome:
    """Wait for the record of a transaction; what a dead one left is finished or undone first."""
    for _ in range(_WAITS):
        facts = HostFacts(_ask_result(session, spec, transaction, wait=_WAIT, seal=seal))
        if facts.status == "unfinished":
            recovered = recover(session, spec, who=who)
            if recovered.status is Status.LOCKED:
                # Perhaps by who settles this very transaction, at another's word or because its time is over.
                _sleep(0.5)
            elif recovered.status is not Status.APPLIED:
                # Perhaps it was another transaction that could not be settled; the record of this one counts.
                facts = HostFacts(_ask_result(session, spec, transaction, wait=0, seal=False))
                if facts.status not in {"unfinished", "running"}:
                    return facts.outcome(spec.name)
                why = recovered.reason or recovered.status
                reason = f"it started, and could be neither finished nor undone yet ({why})"
                return replace(recovered, status=Status.UNKNOWN, reason=reason)
        elif facts.status != "running":
            return facts.outcome(spec.name)
    return Outcome(
        host=spec.name, status=Status.UNKNOWN, reason=f"the transaction {transaction} is still running on the host"
    )


def _ask_result(session: Session, spec: HostSpec, transaction: str, *, wait: int, seal: bool) -> list[AnswerLine]:
    """`seal`: a transaction that has not started yet never will."""
    lines = [
        *common(spec),
        setting("id", transaction, spec.name),
        setting("wait", str(wait), spec.name),
        setting("force", "yes" if seal else "no", spec.name),
        b"end\n",
    ]
    return call(session, spec, "result", lines, timeout=spec.connect_timeout + wait + 60)


def _sleep(pause: float) -> None:
    """Jittered, so that many hosts lost at once do not come back at once."""
    if pause:
        time.sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311  (not a secret)
