"""One host's changes made as one, and what became of them as the host itself recorded it."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable

from pmtaform.errors import HostError, Unreachable
from pmtaform.host.model import HostSpec, Outcome, Status, Transaction
from pmtaform.host.probe import lock_info
from pmtaform.host.request import Request, body, of_transaction, seconds
from pmtaform.host.text import clean, decode, one_line
from pmtaform.host.transport import Session
from pmtaform.host.wire import Item, call, common, setting

Reopen = Callable[[], Session]

_PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)  # seconds before each attempt to reach a lost host again
_WAITS = 20  # how many times a transaction that still runs is asked for again
_WAIT = 15  # seconds the host waits each time before it says "running"
_SURE = frozenset({"sudo-password", "sudo-refused", "sudo-timeout", "shell-missing"})  # nothing was sent yet


def apply(session: Session, spec: HostSpec, tx: Transaction, reopen: Reopen) -> Outcome:
    """Make `tx` on the host, all or nothing.

    If the connection goes, `reopen` gives another one and the outcome is read back from the host. Raises
    `HostError` when nothing can have been done, for example because sudo refuses.
    """
    if not tx.writes and not tx.removals:
        return Outcome(host=spec.name, status=Status.APPLIED, reason="nothing to change")
    return perform(session, spec, "apply", of_transaction(tx), reopen)


def recover(session: Session, spec: HostSpec, *, who: str = "", reopen: Reopen | None = None) -> Outcome:
    """Finish or undo what any dead transaction left on the host; `recovered` says what was done, None: nothing."""
    request = Request(
        id=f"recover-{secrets.token_hex(8)}",
        salt="",
        who=who,
        what="recover",
        started=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )
    return perform(session, spec, "recover", request, reopen)


def result(session: Session, spec: HostSpec, transaction: str) -> Outcome | None:
    """What became of the transaction with this id, None: the host knows nothing of it. It is not waited for."""
    facts = _Facts(_ask_result(session, spec, transaction, wait=0, seal=False))
    if facts.status in {"none", ""}:
        return None
    return facts.outcome(spec.name)


def perform(session: Session, spec: HostSpec, op: str, request: Request, reopen: Reopen | None) -> Outcome:
    """Run a request to its end and return the host's record."""
    if reopen is not None and not getattr(session, "is_open", True):
        # It was lost while idle, between plan and apply: nothing has been sent, so this is not yet a doubt.
        fresh = reopen()
        try:
            return _perform(fresh, spec, op, request, reopen)
        finally:
            fresh.close()
    return _perform(session, spec, op, request, reopen)


def _perform(session: Session, spec: HostSpec, op: str, request: Request, reopen: Reopen | None) -> Outcome:
    parts = body(spec, request)
    size = sum(map(len, parts))
    try:
        items = call(session, spec, op, parts, timeout=_deadline(spec, size))
    except HostError as error:
        if reopen is None or any(d.code in _SURE for d in error.diagnostics):
            raise
        return _read_back(spec, request, reopen, error)
    facts = _Facts(items)
    if facts.status == "unfinished" and op == "apply":
        return _settle(session, spec, request)
    return facts.outcome(spec.name)


def _deadline(spec: HostSpec, size: int) -> float:
    """Seconds that a whole transaction may take: each `pmta` call is bounded on the host already."""
    return 120 + 8 * (seconds(spec) + 6) + size / 100_000


def _read_back(spec: HostSpec, request: Request, reopen: Reopen, why: HostError) -> Outcome:
    """The host's record, over new connections; `UNKNOWN` when it cannot be reached again in time."""
    for pause in _PAUSES:
        _sleep(pause)
        try:
            session = reopen()
        except Unreachable:
            continue
        try:
            return _settle(session, spec, request)
        except Unreachable:
            continue
        finally:
            session.close()
    detail = "; ".join(d.summary for d in why.diagnostics)
    return Outcome(
        host=spec.name,
        status=Status.UNKNOWN,
        reason=(
            f"the connection was lost ({detail}) and the host could not be asked again. The transaction {request.id} "
            f"ends on the host by itself; its record will be in /var/lib/pmtaform/results/{request.id} there, and "
            "the next pmtaform command that reaches the host says what became of it"
        ),
    )


def _settle(session: Session, spec: HostSpec, request: Request) -> Outcome:
    """Wait for the record of a transaction; what a dead one left is finished or undone first."""
    for _ in range(_WAITS):
        facts = _Facts(_ask_result(session, spec, request.id, wait=_WAIT, seal=True))
        if facts.status == "unfinished":
            recovered = recover(session, spec, who=request.who)
            if recovered.status is not Status.APPLIED:
                return recovered
        elif facts.status != "running":
            return facts.outcome(spec.name)
    return Outcome(
        host=spec.name, status=Status.UNKNOWN, reason=f"the transaction {request.id} is still running on the host"
    )


def _ask_result(session: Session, spec: HostSpec, transaction: str, *, wait: int, seal: bool) -> list[Item]:
    """`seal`: what has not begun yet never will."""
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


class _Facts:
    """A record's lines, taken apart."""

    def __init__(self, items: list[Item]) -> None:
        self.values: dict[str, str] = {}
        self.digests: dict[str, str] = {}
        self.recovered: list[str] = []
        self.output = ""
        for item in items:
            if item.key == "digest":
                value, _, path = decode(item.rest).partition(" ")
                self.digests[path] = value
            elif item.key == "recovered":
                self.recovered.append(_recovered(one_line(item.rest)))
            elif item.key == "output":
                self.output = clean(item.data or b"")
            else:
                self.values[item.key] = one_line(item.rest)
        self.status = self.values.get("status", "")

    def outcome(self, host: str) -> Outcome:
        """The record as data; what is neither an outcome nor known stays unknown."""
        try:
            status = Status(self.status)
        except ValueError:
            status = Status.UNKNOWN
        reason = self.values.get("reason", "")
        if status is Status.UNKNOWN and not reason:
            reason = f"the host has no final record of it ({self.status or 'none'})"
        return Outcome(
            host=host,
            status=status,
            generation=int(self.values.get("generation", "0") or 0) if status is Status.APPLIED else 0,
            step=self.values.get("step", ""),
            reason=reason,
            output=self.output,
            digests=self.digests,
            recovered="; ".join(self.recovered) or None,
            lock=lock_info(self.values) if "lock-id" in self.values else None,
        )


def _recovered(line: str) -> str:
    """`ID HOW STATUS STEP` in words."""
    transaction, how, status, step = [*line.split(" "), "", "", "", ""][:4]
    what = {
        "finished": "had taken effect and was finished",
        "undone": "was undone: every file was put back",
        "discarded": "had changed nothing and was cleared away",
    }.get(how, how)
    if status == "rollback-failed":
        what = "was undone, but not everything could be put back in force"
    return f"the transaction {transaction}, interrupted at the step {step or 'receive'}, {what}"
