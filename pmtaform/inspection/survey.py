"""Looking at many hosts at once: each one's snapshot, and the difference to what it should have.

    open a session ─▶ probe (one round trip if nothing changed) ─▶ parse ─▶ difference

An unchanged host is known by its digests alone; its files are fetched and parsed only when something differs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.dkim import describe_file, one_key_in, same_private_key
from pmtaform.errors import HostError, PmtaformError
from pmtaform.host import (
    ABSENT,
    HASH_ONLY,
    HostSpec,
    Known,
    LiveFile,
    Session,
    Snapshot,
    Status,
    digest,
    last_left,
    open_session,
    probe,
)
from pmtaform.inspection.basis import Basis, Sources, basis_of, look_up, with_basis
from pmtaform.inspection.managed_files import as_wanted, asked_for, content_of, live_files, read_as_configuration
from pmtaform.inspection.notes import applied_elsewhere, busy, expiring, kept_by_sudo, machine_changed, not_in_force
from pmtaform.inspection.same_machine import same_machine
from pmtaform.inspection.unfinished import mend, settle_intent
from pmtaform.lang.includes import absolute_includes, read_configuration
from pmtaform.model.desired import Desired, KeyFile
from pmtaform.model.operations import Operations
from pmtaform.model.selection import Selection
from pmtaform.parallel import run_all
from pmtaform.plan.diff import Difference, difference, unchanged
from pmtaform.plan.files import expiry_notes
from pmtaform.plan.model import HostPlan
from pmtaform.plan.reach import unread_notes
from pmtaform.plan.sides import Live, LiveKey, Previous
from pmtaform.progress import Event, Phase, Teller, Verdict
from pmtaform.state import FileState, HostState, Intent, Seal, StackKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One host to look at: where it is, what it should have, and what we left there."""

    spec: HostSpec
    desired: Desired
    previous: HostState | None = None
    operations: Operations = field(default_factory=Operations)
    groups: tuple[str, ...] = ()
    intent: Intent | None = None  # what a run that was killed had begun here
    generation: int | None = None  # the last one that a state knows of whose digests are under another key
    now: datetime | None = None  # by which certificates expire; None: it is not asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What one host has, and what has to change. The session is open until somebody closes it."""

    target: Target
    snapshot: Snapshot
    difference: Difference
    seal: Seal = field(repr=False)  # makes of a digest in `snapshot` one as states and plans have it
    basis: Basis = field(default_factory=Basis, repr=False)  # what is there is compared with
    session: Session | None = field(default=None, repr=False)

    @property
    def plan(self) -> HostPlan:
        """The host's changes."""
        return self.difference.plan


@dataclass(slots=True)
class Fleet:
    """The surveys of a fleet, and the hosts that could not be looked at."""

    surveys: dict[str, Survey] = field(default_factory=dict)
    failures: dict[str, PmtaformError] = field(default_factory=dict)

    def close(self) -> None:
        """Close every session that is still open."""
        sessions = [s.session for s in self.surveys.values() if s.session is not None]
        run_all(sessions, lambda session: session.close(), parallel=32)


def survey_fleet(
    targets: Iterable[Target],
    key: StackKey,
    *,
    selection: Selection | None = None,
    parallel: int,
    keep_open: bool = False,
    watch: Callable[[Event], None] | None = None,
    stop: threading.Event | None = None,
) -> Fleet:
    """Look at every host, at most `parallel` at once. One bad host does not keep the others from being looked at.

    `stop`, once set, keeps further hosts from being begun; they are in neither list of the result.
    """
    fleet = Fleet()
    teller = Teller(watch)

    def look(target: Target) -> None:
        name = target.spec.name
        if stop is not None and stop.is_set():
            return
        teller.tell(name, Phase.CONNECTING)
        try:
            fleet.surveys[name] = _survey(target, key, selection, keep_open, teller)
            teller.tell(name, Phase.PLANNED)
        except PmtaformError as problem:
            fleet.failures[name] = problem
            teller.tell(name, Phase.DONE, Verdict.UNREACHABLE, problem.diagnostics[0].summary)

    listed = list(targets)
    run_all(listed, look, parallel=parallel)
    order = {target.spec.name: place for place, target in enumerate(listed)}
    fleet.surveys = dict(sorted(fleet.surveys.items(), key=lambda item: order[item[0]]))
    fleet.failures = dict(sorted(fleet.failures.items(), key=lambda item: order[item[0]]))
    for name, note in same_machine(fleet.surveys.values()):
        fleet.surveys[name] = _with_note(fleet.surveys[name], note)
    return fleet


def _with_note(survey: Survey, note: Diagnostic) -> Survey:
    plan = replace(survey.plan, notes=(*survey.plan.notes, note))
    return replace(survey, difference=replace(survey.difference, plan=plan))


def _survey(target: Target, key: StackKey, selection: Selection | None, keep_open: bool, teller: Teller) -> Survey:
    session = open_session(target.spec)
    kept = False
    try:
        teller.tell(target.spec.name, Phase.PROBING)
        survey = look_at(session, target, key, selection)
        kept = keep_open
        return replace(survey, session=session) if keep_open else survey
    finally:
        if not kept:
            session.close()


def look_at(session: Session, target: Target, key: StackKey, selection: Selection | None = None) -> Survey:
    """Probe a host over an open session, and compare. Raises `HostError` and `Unreachable`."""
    spec, desired = target.spec, target.desired
    seal = key.seal_for(spec.name)
    ours = _previous(target.previous)
    is_ours = target.previous is not None and target.intent is None and unchanged(desired, ours, key.digest)
    snapshot = _probe(session, target, trust=is_ours)
    mended: tuple[Diagnostic, ...] = ()
    if snapshot.unsettled is not None:
        mended = mend(session, spec, snapshot.unsettled)
        snapshot = _probe(session, target, trust=is_ours)
    last = last_left(session, spec, contents=True) if _took_intent(target, snapshot) else None
    target, settled = settle_intent(target, snapshot, last.left if last is not None else None, seal)
    previous, ours = target.previous, _previous(target.previous)
    moved = machine_changed(spec, previous, snapshot)
    notes = (*mended, *settled, *moved, *busy(spec, snapshot), *kept_by_sudo(spec, snapshot.sudo_log))
    if moved and previous is not None:
        previous, ours, is_ours = None, Previous(), False
    last = last or look_up(session, spec, previous, snapshot, seal)
    sources = Sources(
        spec=spec,
        stack=desired.stack,
        previous=previous,
        snapshot=snapshot,
        last=last,
        seal=seal,
        generation=target.generation,
    )
    basis = basis_of(sources)
    notes += applied_elsewhere(spec, previous, basis, desired)
    if is_ours and previous is not None and basis.as_left and _as_left(snapshot, previous, desired, seal):
        plan = HostPlan(
            host=spec.name,
            unmanaged=previous.unmanaged,
            notes=notes,
            basis=_basis(snapshot, seal),
            version=snapshot.version,
        )
        plan = replace(plan, notes=(*plan.notes, *expiry_notes(desired.managed, spec.name, target.now)))
        untouched = Difference(plan, owned=dict(ours.blocks), owned_keys=dict(ours.keys))
        return Survey(target=target, snapshot=snapshot, difference=untouched, seal=seal, basis=basis)
    if any(f.content is None for p, f in snapshot.files.items() if p not in _key_paths(desired, ours)):
        snapshot = _probe(session, target, trust=False)
    found = _compare(target, snapshot, with_basis(ours, basis, key.digest), key, selection)
    notes = (*notes, *not_in_force(target, snapshot, found, previous, seal), *expiring(target, found))
    plan = replace(
        found.plan,
        notes=(*notes, *found.plan.notes),
        basis=_basis(snapshot, seal),
        result=_result(found, seal),
        version=snapshot.version,
    )
    return Survey(target=target, snapshot=snapshot, difference=replace(found, plan=plan), seal=seal, basis=basis)


def _took_intent(target: Target, snapshot: Snapshot) -> bool:
    """Whether the host made the change of a run that was killed."""
    return target.intent is not None and snapshot.past is not None and snapshot.past.status == Status.APPLIED


def _probe(session: Session, target: Target, *, trust: bool) -> Snapshot:
    """Ask for all files; with `trust`, contents only where they are not as we left them."""
    spec, previous = target.spec, target.previous
    keys = _key_paths(target.desired, _previous(previous))
    files: dict[str, str | None] = dict.fromkeys(target.desired.files.values()) | dict(keys.items())
    for key in target.desired.keys:
        if key.private_key is not None:
            files[key.path] = digest(key.private_key.reveal())
    files |= asked_for(target.desired, trust=trust)
    patterns: tuple[str, ...] = ()
    if previous is not None:
        patterns = tuple(previous.patterns)
        for path in previous.files:
            if path not in keys:
                files[path] = HASH_ONLY if trust else None
    known = Known(
        files=files,
        patterns=patterns,
        version=previous.version if previous else None,
        version_stamp=previous.version_stamp if previous else "",
        outcome_of=target.intent.transaction if target.intent else "",
    )
    snapshot = probe(session, spec, known, absolute_includes)
    unreadable = {p: why for p, why in snapshot.unreadable.items() if p not in keys or p in files}
    if unreadable:
        raise _unreadable(spec, unreadable)
    return snapshot


def _key_paths(desired: Desired, ours: Previous) -> dict[str, str]:
    """The keys and managed files that concern us; of those that are to go, only whether they are there matters."""
    paths = dict.fromkeys(ours.keys.values(), HASH_ONLY)
    return paths | {each.path: HASH_ONLY for each in desired.whole_files}


def _previous(state: HostState | None) -> Previous:
    return Previous() if state is None else Previous(state.blocks, state.keys, state.unmanaged)


def _as_left(snapshot: Snapshot, previous: HostState, desired: Desired, seal: Seal) -> bool:
    """Whether every file is as we left it, and every include pattern names the same files."""
    if snapshot.unsettled or snapshot.patterns != previous.patterns:
        return False
    for path, state in previous.files.items():
        live = snapshot.files.get(path)
        if live is None or not _is_as_left(live, state, seal):
            return False
    keys = {key.path: key for key in desired.keys}
    if any(path not in previous.files for path in snapshot.files):
        return False
    return as_wanted(desired, snapshot) and all(
        path in snapshot.files
        and key.private_key is not None
        and snapshot.files[path].digest == digest(key.private_key.reveal())
        for path, key in keys.items()
    )


def _is_as_left(live: LiveFile, left: FileState, seal: Seal) -> bool:
    return (seal(live.digest), live.mode, live.owner, live.group) == (left.digest, left.mode, left.owner, left.group)


def _compare(
    target: Target, snapshot: Snapshot, ours: Previous, key: StackKey, selection: Selection | None
) -> Difference:
    desired = target.desired
    keys = _key_paths(desired, ours)
    contents = {p: f.content for p, f in snapshot.files.items() if f.content is not None and p not in keys}
    contents |= read_as_configuration(desired, snapshot, keys)
    configuration = read_configuration(target.spec.config, contents, snapshot.patterns)
    seal = key.seal_for(desired.host)
    files = live_files(desired, ours, snapshot, target.previous, seal)
    live = Live(configuration, _live_keys(target, snapshot, keys, seal), files, target.now)
    found = difference(desired, live, ours, key.digest, selection)
    # What the host has already stops no apply: whether the plan causes it is for lint to judge.
    told = tuple(replace(d, host=desired.host, severity=Severity.WARNING) for d in configuration.diagnostics)
    unread = tuple(unread_notes(desired.host, configuration, found.edits, snapshot.files))
    return replace(found, plan=replace(found.plan, notes=(*told, *found.plan.notes, *unread)))


def _live_keys(target: Target, snapshot: Snapshot, paths: Iterable[str], seal: Seal) -> dict[str, LiveKey]:
    wanted = {key.path: key for key in target.desired.keys}
    left = target.previous.files if target.previous is not None else {}
    found = {}
    for path in paths:
        live = snapshot.files.get(path)
        if live is None:
            found[path] = LiveKey(exists=False, same=False)
        else:
            same = _same_key(live, wanted.get(path))
            as_left = path in left and _is_as_left(live, left[path], seal)
            there = LiveKey(True, same, live.mode, live.owner, live.group, as_left=as_left)
            found[path] = there if same else _other_key(there, live, wanted.get(path))
    return found


def _other_key(there: LiveKey, live: LiveFile, wanted: KeyFile | None) -> LiveKey:
    """What is to be said of a key file that is not as it should be."""
    if live.content is None:
        return there
    value = wanted.private_key.reveal() if wanted is not None and wanted.private_key is not None else None
    unread = value is not None and one_key_in(live.content, value)
    return replace(there, description=describe_file(live.content), unread=unread)


def _same_key(live: LiveFile, wanted: KeyFile | None) -> bool:
    if wanted is None or wanted.private_key is None:
        return False
    value = wanted.private_key.reveal()
    if live.digest == digest(value):
        return True
    return live.content is not None and same_private_key(live.content, value)


def _basis(snapshot: Snapshot, seal: Seal) -> Mapping[str, str]:
    found = {p: seal(f.digest) for p, f in sorted(snapshot.files.items())}
    return found | dict.fromkeys(sorted(snapshot.missing), ABSENT)


def _result(found: Difference, seal: Seal) -> Mapping[str, str]:
    result = {path: seal(digest(edit.content)) for path, edit in found.edits.items()}
    for key in found.write_keys:
        result[key.path] = seal(digest(key.private_key.reveal())) if key.private_key is not None else ""
    result |= {file.path: seal(digest(content_of(file))) for file in found.write_files}
    return result | dict.fromkeys(found.remove_keys, ABSENT)


def _unreadable(spec: HostSpec, reasons: Mapping[str, str]) -> HostError:
    return HostError(
        *(
            Diagnostic(
                code="file-unreadable",
                summary="A file of the host cannot be used",
                detail=f"{path} is {why}. A plan that has not seen every file would be a guess, so there is none.",
                host=spec.name,
            )
            for path, why in sorted(reasons.items())
        )
    )
