"""Convert a prepared change to the transaction for its host, and the host's snapshot afterwards to its state."""

from __future__ import annotations

import re
import zlib

from pmtaform.diagnostics.codes.runs import CHANGED_AFTER_APPLY
from pmtaform.errors import PmtaformError
from pmtaform.host import ABSENT, Activation, Snapshot, Transaction
from pmtaform.inspection.activation import has_test_config
from pmtaform.inspection.prepared import Prepared, PreparedChange
from pmtaform.state import FileState, HostState, Intent, Seal, utc_now


def transaction_id(run: str, host: str) -> str:
    """The name of one host's transaction in a run: valid in file names and unit names on the host."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "-", host)
    if plain != host or len(plain) > 32:
        plain = f"{plain[:24]}-{zlib.crc32(host.encode()):08x}"
    return f"{run}-{plain}"


def adoption_id(run: str, host: str) -> str:
    """The name of the transaction that records what becomes ours without a change."""
    return f"{transaction_id(run, host)}-own"


def undo_id(transaction: str) -> str:
    """The name of the transaction with which a run undoes another."""
    return f"{transaction}-back"


def transaction(
    prepared: Prepared, change: PreparedChange, *, run: str, who: str, what: str, plan: str, commit: str | None
) -> Transaction:
    """The transaction of a host: its changes as files, and all that must still be as it was when planned."""
    spec, snapshot = prepared.spec, prepared.snapshot
    is_active = change.activation is not Activation.NONE
    return Transaction(
        id=transaction_id(run, spec.name),
        who=who,
        what=what,
        started=utc_now(),
        writes=change.writes,
        removals=change.removals,
        expect=dict.fromkeys((write.path for write in change.writes), ABSENT)
        | {path: live.digest for path, live in snapshot.files.items()},
        expect_patterns=snapshot.patterns,
        activation=change.activation,
        restart_web=change.restart_web,
        test_config=has_test_config(snapshot.version),
        confirm_within=prepared.operations.confirm_within if is_active else 0.0,
        listeners=change.listeners,
        questions=tuple(prediction.question for prediction in change.predictions),
        logs=change.logs,
        plan=plan,
        commit=commit or "",
        record=prepared.after.record if prepared.after is not None else b"",
        base=prepared.after.base if prepared.after is not None else (),
    )


# -- afterwards --------------------------------------------------------------------------------------------------------


def check_written(prepared: Prepared, snapshot: Snapshot) -> None:
    """Raise `PmtaformError` where a file is not what was written."""
    for path, expected in prepared.wanted.items():
        live = snapshot.files.get(path)
        if live is None or live.digest != expected:
            raise PmtaformError.of(
                CHANGED_AFTER_APPLY,
                f"{path} on {prepared.name} was written and PowerMTA accepted it, and it has been changed since. The "
                "state was not updated. To see the difference:\n    pmtaform plan",
                host=prepared.name,
            )


def host_state(
    prepared: Prepared, snapshot: Snapshot, generation: int, *, plan: str, commit: str | None, who: str
) -> HostState:
    """The state of a host after an apply."""
    return HostState(
        machine_id=snapshot.machine_id,
        generation=generation,
        version=snapshot.version,
        version_stamp=snapshot.version_stamp,
        files=files_of(snapshot, prepared.seal),
        patterns=dict(snapshot.patterns),
        blocks=dict(prepared.owned),
        keys=dict(prepared.owned_keys),
        unmanaged=prepared.plan.unmanaged,
        applied_at=utc_now(),
        plan=plan,
        commit=commit,
        who=who,
        inputs=prepared.settled.inputs_of(snapshot) if prepared.settled is not None else None,
    )


def intent(prepared: Prepared, tx: Transaction) -> Intent:
    """The intent that is recorded before a host changes, so that the state can be corrected if the run is killed."""
    return Intent(
        transaction=tx.id,
        blocks=dict(prepared.owned),
        keys=dict(prepared.owned_keys),
        at=tx.started,
        plan=tx.plan,
        commit=tx.commit or None,
        who=tx.who,
    )


def files_of(snapshot: Snapshot, seal: Seal) -> dict[str, FileState]:
    """The files of a snapshot in the form of a state."""
    return {
        path: FileState(digest=seal(live.digest), mode=live.mode, owner=live.owner, group=live.group)
        for path, live in snapshot.files.items()
    }
