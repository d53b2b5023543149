"""Convert a survey to the transaction for its host, and the host's snapshot afterwards to its state."""

from __future__ import annotations

import re
import zlib

from pmtaform.diagnostics.codes.runs import CHANGED_AFTER_APPLY
from pmtaform.errors import PmtaformError
from pmtaform.host import (
    ABSENT,
    Activation,
    FileKind,
    FileRemoval,
    FileWrite,
    HostSpec,
    Known,
    Snapshot,
    Transaction,
    digest,
)
from pmtaform.inspection.managed_files import file_write
from pmtaform.inspection.reading import after_of, before_of, contents_after
from pmtaform.inspection.survey import Survey
from pmtaform.lang.includes import include_arguments, is_pattern
from pmtaform.model.desired import KeyFile
from pmtaform.plan.services import PMTA, WEB, services_of
from pmtaform.rollout.listeners import listeners, log_files
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


def transaction(survey: Survey, *, run: str, who: str, what: str, plan: str, commit: str | None) -> Transaction:
    """The transaction of a host: its changes as files, and all that must still be as it was when planned."""
    spec, snapshot, change = survey.target.spec, survey.snapshot, survey.difference
    services = services_wanted(survey)
    expect = {path: live.digest for path, live in snapshot.files.items()}
    written = [
        *change.edits,
        *(key.path for key in change.write_keys),
        *(file.path for file in change.write_files),
    ]
    for path in written:
        expect.setdefault(path, ABSENT)
    writes = [FileWrite(path=path, content=edit.content) for path, edit in change.edits.items()]
    writes += [key_write(each) for each in change.write_keys]
    writes += [file_write(each) for each in change.write_files]
    activation = activation_of(spec, services)
    return Transaction(
        id=transaction_id(run, spec.name),
        who=who,
        what=what,
        started=utc_now(),
        writes=tuple(writes),
        removals=tuple(FileRemoval(path=path, kind=FileKind.KEY) for path in change.remove_keys),
        expect=expect,
        expect_patterns=snapshot.patterns,
        activation=activation,
        restart_web=WEB in services and not _restarts_all(spec),
        test_config=has_test_config(snapshot.version),
        confirm_within=survey.target.operations.confirm_within if activation is not Activation.NONE else 0.0,
        listeners=() if activation is Activation.NONE else listeners(spec, before_of(survey), after_of(survey)),
        logs=() if activation is Activation.NONE else log_files(before_of(survey), after_of(survey)),
        plan=plan,
        commit=commit or "",
    )


def services_wanted(survey: Survey) -> frozenset[str]:
    """The services that the host's changes need restarted."""
    return frozenset().union(*(services_of(change) for change in survey.plan.changes))


def activation_of(spec: HostSpec, services: frozenset[str]) -> Activation:
    """How PowerMTA on the host loads the changes: by a restart where one is needed and has consent.

    A restart command of the stack, without one for the web monitor, restarts both services.
    """
    needed = PMTA in services or (bool(services) and _restarts_all(spec))
    if spec.activation is Activation.RELOAD and needed:
        return Activation.RESTART
    return spec.activation


def _restarts_all(spec: HostSpec) -> bool:
    return bool(spec.restart_command) and not spec.restart_web_command


def restarts(survey: Survey) -> bool:
    """Whether PowerMTA itself is restarted by the host's changes."""
    return activation_of(survey.target.spec, services_wanted(survey)) is Activation.RESTART


def has_test_config(version: str | None) -> bool:
    """Whether this PowerMTA has `pmta test config`: documented for 5.0, not for 4.x.

    Basis: docs/powermta/operations.md section 2.
    """
    return release(version) >= 5


def release(version: str | None) -> int:
    """The major release in the version that `pmta show version` reports; 0 without one."""
    match = re.search(r"v(\d+)\.", version or "")
    return int(match[1]) if match else 0


def key_write(key: KeyFile) -> FileWrite:
    """The write of a key file. Its secret was resolved."""
    if key.private_key is None:
        raise AssertionError("a key that was not resolved cannot be written")
    return FileWrite(
        path=key.path,
        content=key.private_key.reveal(),
        kind=FileKind.KEY,
        mode=key.mode,
        owner=key.owner,
        group=key.group,
    )


# -- afterwards --------------------------------------------------------------------------------------------------------


def wanted_files(survey: Survey) -> dict[str, str]:
    """Every file that the host must have afterwards, and its digest."""
    difference = survey.difference
    contents = contents_after(survey)
    after = after_of(survey)
    wanted = {path: digest(contents[path]) for path in after.trees if path in contents}
    keys = {key.path: digest(key_write(key).content) for key in difference.write_keys}
    keys |= {file.path: digest(file_write(file).content) for file in difference.write_files}
    for path in set(difference.owned_keys.values()) - keys.keys():
        live = survey.snapshot.files.get(path)
        if live is not None:
            keys[path] = live.digest
    return wanted | keys


def to_look_at(survey: Survey) -> Known:
    """The files to read after the confirmation: all of them, with content only where the digest differs."""
    after = after_of(survey)
    patterns = {a for tree in after.trees.values() for a, _, _ in include_arguments(tree) if is_pattern(a)}
    return Known(
        files=dict(wanted_files(survey)),
        patterns=tuple(sorted(patterns)),
        version=survey.snapshot.version,
        version_stamp=survey.snapshot.version_stamp,
    )


def check_written(survey: Survey, snapshot: Snapshot) -> None:
    """Raise `PmtaformError` where a file is not what was written."""
    spec = survey.target.spec
    for path, expected in wanted_files(survey).items():
        live = snapshot.files.get(path)
        if live is None or live.digest != expected:
            raise PmtaformError.of(
                CHANGED_AFTER_APPLY,
                f"{path} on {spec.name} was written and PowerMTA accepted it, and it has been changed since. The "
                "state was not updated. To see the difference:\n    pmtaform plan",
                host=spec.name,
            )


def host_state(
    survey: Survey, snapshot: Snapshot, generation: int, *, plan: str, commit: str | None, who: str
) -> HostState:
    """The state of a host after an apply."""
    difference = survey.difference
    return HostState(
        machine_id=snapshot.machine_id,
        generation=generation,
        version=snapshot.version,
        version_stamp=snapshot.version_stamp,
        files=files_of(snapshot, survey.seal),
        patterns=dict(snapshot.patterns),
        blocks=dict(difference.owned),
        keys=dict(difference.owned_keys),
        unmanaged=difference.plan.unmanaged,
        applied_at=utc_now(),
        plan=plan,
        commit=commit,
        who=who,
    )


def intent(survey: Survey, tx: Transaction) -> Intent:
    """The intent that is recorded before a host changes, so that the state can be corrected if the run is killed."""
    return Intent(
        transaction=tx.id,
        blocks=dict(survey.difference.owned),
        keys=dict(survey.difference.owned_keys),
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
