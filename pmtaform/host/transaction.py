"""One host's changes made as one, and what became of them as the host itself recorded it.

    stage ─▶ commit ─▶ confirm        apply = stage and commit in one, with no rehearsal between
                    └▶ revert

`apply` and `commit` end with `PENDING` where the change has to be confirmed; `confirm` ends with the host's record.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from pmtaform.errors import HostError, Unreachable
from pmtaform.host.answers import Facts
from pmtaform.host.model import HostSpec, Known, Outcome, Snapshot, Status, Transaction
from pmtaform.host.probe import look_lines, snapshot_of
from pmtaform.host.request import Request, body, of_transaction, seconds
from pmtaform.host.text import plain
from pmtaform.host.transport import Session
from pmtaform.host.wire import Item, call, common, setting

Reopen = Callable[[], Session]

_PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)  # seconds before each attempt to reach a lost host again
_ATTEMPTS = 3  # to connect for a confirmation, before the change is taken back
_WAITS = 20  # how many times a transaction that still runs is asked for again
_WAIT = 15  # seconds the host waits each time before it says "running"
# Nothing of a request was read yet.
_SURE = frozenset({"sudo-password", "sudo-refused", "sudo-timeout", "shell-missing", "input-garbled"})


def apply(session: Session, spec: HostSpec, tx: Transaction, reopen: Reopen) -> Outcome:
    """Make `tx` on the host, all or nothing; `PENDING` if it has to be confirmed.

    If the connection goes, `reopen` gives another one and the outcome is read back from the host. Raises
    `HostError` when nothing can have been done, for example because sudo refuses.
    """
    if not tx.writes and not tx.removals and not tx.record:
        return Outcome(host=spec.name, status=Status.APPLIED, reason="nothing to change")
    return perform(session, spec, "apply", of_transaction(tx), reopen)


def stage(session: Session, spec: HostSpec, tx: Transaction, reopen: Reopen) -> Outcome:
    """Lay everything of `tx` beside its place, and have `pmta test config` look at it: `STAGED`, and nothing changed.

    Whoever does not go on with `commit` takes it back with `revert`. Raises as `apply`.
    """
    return perform(session, spec, "apply", of_transaction(tx, stage=True), reopen)


def commit(session: Session, spec: HostSpec, tx: Transaction, reopen: Reopen) -> Outcome:
    """Go on with a staged `tx`; as `apply` where the host does not know of it, `STALE` if another one came between."""
    outcome = _onward(session, spec, "commit", tx, reopen)
    if outcome is None or outcome.step == "receive":
        return apply(session, spec, tx, reopen)
    if outcome.status is Status.REFUSED and outcome.step == "staged":
        return replace(outcome, status=Status.STALE)
    return outcome


def confirm(
    session: Session, spec: HostSpec, tx: Transaction, reopen: Reopen, known: Known | None = None
) -> tuple[Outcome, Snapshot | None]:
    """Confirm a pending `tx`: the host's final record, and with `known` what the host has then, in the same answer."""
    lines = look_lines(spec, known) if known is not None else []
    found: list[Item] = []
    outcome = _onward(session, spec, "confirm", tx, reopen, lines, found)
    snapshot = snapshot_of(spec, known, found) if known is not None and found else None
    if outcome is None:
        outcome = Outcome(host=spec.name, status=Status.UNKNOWN, reason="the host knows nothing of it")
    return outcome, snapshot


def revert(session: Session, spec: HostSpec, tx: Transaction, reopen: Reopen, why: str) -> Outcome:
    """Have a staged or pending `tx` undone now, by the same way that its timer would go.

    `UNKNOWN` where the host cannot be reached in time: then the timer does it, or whoever comes to what is staged.
    """
    lines = [setting("why", plain(why) or "it was taken back", spec.name)]
    try:
        outcome = _onward(session, spec, "revert", tx, reopen, lines)
    except Unreachable as error:
        outcome = _read_back(spec, tx.id, tx.who, reopen, error, resend=("revert", lines))
    return outcome or Outcome(host=spec.name, status=Status.REFUSED, step="staged", reason="nothing of it was there")


def reach(reopen: Reopen) -> Session:
    """A new connection for the confirmation, which is worth more than one attempt. Raises `Unreachable`."""
    for pause in _PAUSES[1:_ATTEMPTS]:
        try:
            return reopen()
        except Unreachable:
            _sleep(pause)
    return reopen()


def settle_waiting(session: Session, spec: HostSpec, transaction: str, op: str, why: str = "") -> Outcome | None:
    """`confirm` or `revert` the transaction with this id, whoever began it; None: the host does not have it."""
    lines = [setting("why", plain(why), spec.name)] if why else []
    facts = Facts(_ask_onward(session, spec, op, transaction, lines))
    return None if facts.status in {"none", ""} else facts.outcome(spec.name)


def recover(session: Session, spec: HostSpec, *, who: str = "", reopen: Reopen | None = None) -> Outcome:
    """Finish or undo what any dead transaction left on the host; `recovered` says what was done, None: nothing.

    `LOCKED` where one is at work or waits for its client.
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
    facts = Facts(_ask_result(session, spec, transaction, wait=0, seal=False))
    if facts.status in {"none", ""}:
        return None
    return facts.outcome(spec.name)


def perform(session: Session, spec: HostSpec, op: str, request: Request, reopen: Reopen | None) -> Outcome:
    """Run a request to its end and return the host's record."""
    with _Live(session, reopen) as live:
        parts = body(spec, request)
        size = sum(map(len, parts))
        try:
            items = call(live.session, spec, op, parts, timeout=_deadline(spec, size))
        except HostError as error:
            if reopen is None or any(d.code in _SURE for d in error.diagnostics):
                raise
            return _read_back(spec, request.id, request.who, reopen, error)
        facts = Facts(items)
        if facts.status == "unfinished" and op == "apply":
            return _settle(live.session, spec, request.id, request.who)
        return facts.outcome(spec.name)


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


def _onward(
    session: Session,
    spec: HostSpec,
    op: str,
    tx: Transaction,
    reopen: Reopen,
    lines: Iterable[bytes] = (),
    found: list[Item] | None = None,
) -> Outcome | None:
    """Send `op` about a transaction that waits; None: the host does not have it."""
    lines = list(lines)
    with _Live(session, reopen) as live:
        try:
            items = _ask_onward(live.session, spec, op, tx.id, lines)
        except HostError as error:
            if any(d.code in _SURE for d in error.diagnostics):
                raise
            return _read_back(spec, tx.id, tx.who, reopen, error, resend=(op, lines))
        facts = Facts(items)
        if facts.status == "none":
            return None
        if facts.status in {"unfinished", "running"}:
            return _settle(live.session, spec, tx.id, tx.who)
        if found is not None:
            found += items
        return facts.outcome(spec.name)


def _ask_onward(session: Session, spec: HostSpec, op: str, transaction: str, lines: Iterable[bytes]) -> list[Item]:
    told = [line for line in lines if line.startswith(b"why ")]
    more = [line for line in lines if not line.startswith(b"why ")]
    head = [*common(spec), setting("id", transaction, spec.name), setting("wait", str(_WAIT), spec.name), *told]
    if more:
        head.append(setting("look", "yes", spec.name))
    return call(session, spec, op, [*head, *(more or [b"end\n"])], timeout=_deadline(spec, 0))


def _deadline(spec: HostSpec, size: int) -> float:
    """Seconds that a whole transaction may take: each `pmta` call is bounded on the host already."""
    return 120 + 8 * (seconds(spec) + 6) + size / 100_000


def _read_back(
    spec: HostSpec,
    transaction: str,
    who: str,
    reopen: Reopen,
    why: HostError,
    resend: tuple[str, list[bytes]] | None = None,
) -> Outcome:
    """The host's record, over new connections; `UNKNOWN` when it cannot be reached again in time.

    What was said about a waiting transaction is said again, if the host still waits for it.
    """
    for pause in _PAUSES:
        _sleep(pause)
        try:
            session = reopen()
        except Unreachable:
            continue
        try:
            settled = _settle(session, spec, transaction, who)
            if resend is not None and settled.status in {Status.PENDING, Status.STAGED}:
                _ask_onward(session, spec, resend[0], transaction, [x for x in resend[1] if x.startswith(b"why ")])
                settled = _settle(session, spec, transaction, who)
        except HostError as error:
            why = error  # it was lost again, or the host could not run the program just then
            continue
        else:
            return settled
        finally:
            session.close()
    detail = "; ".join(d.summary for d in why.diagnostics)
    return Outcome(
        host=spec.name,
        status=Status.UNKNOWN,
        reason=(
            f"the connection was lost ({detail}) and the host could not be asked again. The record of the transaction "
            f"will be in /var/lib/pmtaform/results/{transaction} there"
        ),
    )


def _settle(session: Session, spec: HostSpec, transaction: str, who: str) -> Outcome:
    """Wait for the record of a transaction; what a dead one left is finished or undone first."""
    for _ in range(_WAITS):
        facts = Facts(_ask_result(session, spec, transaction, wait=_WAIT, seal=True))
        if facts.status == "unfinished":
            recovered = recover(session, spec, who=who)
            if recovered.status is Status.LOCKED:
                # Perhaps by who settles this very transaction, at another's word or because its time is over.
                _sleep(0.5)
            elif recovered.status is not Status.APPLIED:
                # Perhaps it was another that could not be; what is said of this one counts.
                facts = Facts(_ask_result(session, spec, transaction, wait=0, seal=False))
                if facts.status not in {"unfinished", "running"}:
                    return facts.outcome(spec.name)
                why = recovered.reason or recovered.status
                reason = f"it was begun, and could be neither finished nor undone yet ({why})"
                return replace(recovered, status=Status.UNKNOWN, reason=reason)
        elif facts.status != "running":
            return facts.outcome(spec.name)
    return Outcome(
        host=spec.name, status=Status.UNKNOWN, reason=f"the transaction {transaction} is still running on the host"
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
