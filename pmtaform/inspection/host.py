"""Inspecting one host: at most three probes. `assess` makes the difference of what they show.

An unchanged host is known by its digests alone. Its files are fetched and parsed only when something differs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from pmtaform.diagnostics import Diagnostic
from pmtaform.host import LastLeft, Session, Snapshot, Status, last_left
from pmtaform.inspection.assess import HostWork
from pmtaform.inspection.basis import Basis, BasisSources, basis_of, look_up
from pmtaform.inspection.notes import applied_elsewhere, busy, kept_by_sudo, machine_changed
from pmtaform.inspection.probing import has_all_contents, has_whole_files, is_as_left, previous_of, probe_files
from pmtaform.inspection.survey import Target
from pmtaform.inspection.unfinished import recover_unfinished, resolve_intent
from pmtaform.model.selection import Selection
from pmtaform.plan.diff import unchanged
from pmtaform.state import HostState, StackKey


class Probe(Enum):
    """The probes of a host. Each happens at most once."""

    FIRST = auto()
    RECOVERED = auto()  # after an unfinished transaction was finished or undone
    CONTENTS = auto()  # of every file


class Seen(Enum):
    """What a probe showed."""

    UNFINISHED = auto()  # a run that died left a transaction
    AS_LEFT = auto()  # every file is as the last apply left it, and nothing else is wanted
    DIGESTS = auto()  # something differs, and the contents of some files are not known
    CONTENTS = auto()  # the contents of all files are known


NEXT: Final[Mapping[tuple[Probe, Seen], Probe | None]] = {
    # The recovery changes files, so what the first probe showed no longer holds.
    (Probe.FIRST, Seen.UNFINISHED): Probe.RECOVERED,
    # Most hosts of most plans: one round trip, and no file is sent.
    (Probe.FIRST, Seen.AS_LEFT): None,
    # The first probe reads digests where nothing has to change by the state. Only contents show what differs.
    (Probe.FIRST, Seen.DIGESTS): Probe.CONTENTS,
    (Probe.FIRST, Seen.CONTENTS): None,
    # What is still unfinished belongs to a run that is at work: the plan has a note, and no second recovery is tried.
    (Probe.RECOVERED, Seen.AS_LEFT): None,
    (Probe.RECOVERED, Seen.DIGESTS): Probe.CONTENTS,
    (Probe.RECOVERED, Seen.CONTENTS): None,
    (Probe.CONTENTS, Seen.CONTENTS): None,
}


def probe_host(session: Session, request: HostRequest) -> HostWork:
    """Probe a host over an open session. Raises `HostError`, `Unreachable` and `NotCompiled`."""
    return _Inspection(session, request).run()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRequest:
    """How a host is probed. `turn` returns once there is room for the trees of one more host.

    `before_recovery` raises `NotCompiled` where the stack is refused: nothing on a host may change then.
    """

    target: Target
    key: StackKey = field(repr=False)
    selection: Selection | None = None
    turn: Callable[[], object] = lambda: None
    before_recovery: Callable[[], object] = lambda: None


class _Inspection:
    """One host while it is inspected. Each probe adds to what is known of it."""

    snapshot: Snapshot
    previous: HostState | None  # None, too, where another machine answers than the last apply was made on
    basis: Basis

    def __init__(self, session: Session, request: HostRequest) -> None:
        self._session, self._target, self._request = session, request.target, request
        self._spec, self._keys = self._target.spec, request.key.host_keys(self._target.spec.name)
        self._seal = self._keys.seal
        self._notes: tuple[Diagnostic, ...] = ()
        self._is_trusted = self._target.is_same or self._is_unchanged()

    def _is_unchanged(self) -> bool:
        """Whether nothing has to change by the state, if the host is as the last apply left it."""
        target = self._target
        self._request.turn()
        desired = target.desired
        return (
            target.previous is not None
            and target.intent is None
            and unchanged(desired, previous_of(target.previous), self._keys.keyed)
        )

    def run(self) -> HostWork:
        """What the probes show of the host."""
        probe: Probe | None = Probe.FIRST
        seen = Seen.UNFINISHED
        while probe is not None:
            seen = self._probe(probe)
            probe = NEXT[probe, seen]
        return HostWork(
            target=self._target,
            snapshot=self.snapshot,
            previous=self.previous,
            basis=self.basis,
            keys=self._keys,
            notes=self._notes,
            is_as_left=seen is Seen.AS_LEFT,
            selection=self._request.selection,
        )

    def _probe(self, probe: Probe) -> Seen:
        is_trusted = self._is_trusted and probe is not Probe.CONTENTS
        self.snapshot = probe_files(self._session, self._target, trust=is_trusted)
        if probe is Probe.CONTENTS:
            return Seen.CONTENTS
        if probe is Probe.FIRST and self.snapshot.unsettled is not None:
            self._request.before_recovery()
            self._notes += recover_unfinished(self._session, self._spec, self.snapshot.unsettled)
            return Seen.UNFINISHED
        self._find_basis()
        if self._is_as_left():
            return Seen.AS_LEFT
        self._request.turn()
        ours = previous_of(self.previous)
        return Seen.CONTENTS if has_all_contents(self.snapshot, self._target.desired, ours) else Seen.DIGESTS

    def _find_basis(self) -> None:
        """Find the basis: what the last apply left, by the state or by the host itself."""
        target, snapshot = self._target, self.snapshot
        last = last_left(self._session, self._spec, contents=True) if _took_intent(target, snapshot) else None
        left = last.left if last is not None else None
        self._target, resolved = resolve_intent(target, snapshot, left, self._seal)
        self.previous = self._target.previous
        moved = machine_changed(self._spec, self.previous, snapshot)
        self._notes += (*resolved, *moved, *busy(self._spec, snapshot), *kept_by_sudo(self._spec, snapshot.sudo_log))
        if moved:
            self.previous = None
        last = last or look_up(self._session, self._spec, self.previous, snapshot, self._seal)
        if last is not None:
            self._request.turn()  # its copies are parsed
        self.basis = basis_of(self._sources(last))
        self._notes += applied_elsewhere(self._target, self.previous, self.basis)

    def _sources(self, last: LastLeft | None) -> BasisSources:
        return BasisSources(
            spec=self._spec,
            stack=self._target.stack,
            previous=self.previous,
            snapshot=self.snapshot,
            last=last,
            seal=self._seal,
            generation=self._target.generation,
        )

    def _is_as_left(self) -> bool:
        return (
            self._is_trusted
            and self.previous is not None
            and self.basis.as_left
            and is_as_left(self.snapshot, self.previous, self._seal)
            and (self._target.is_same or has_whole_files(self._target.desired, self.snapshot))
        )


def _took_intent(target: Target, snapshot: Snapshot) -> bool:
    """Whether the host made the change of a run that was killed."""
    return target.intent is not None and snapshot.past is not None and snapshot.past.status == Status.APPLIED
