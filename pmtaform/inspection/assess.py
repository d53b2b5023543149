"""The part of a host's inspection that takes time to compute: compare, prepare, and what steps have to say about it.

It is one function of values, without a session, so that it may run in another process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Any, Final, NoReturn

from pmtaform.diagnostics import Diagnostic
from pmtaform.host import Snapshot
from pmtaform.inspection.basis import Basis, blocks_left, with_basis
from pmtaform.inspection.compare import compare, digests_after, digests_before
from pmtaform.inspection.notes import not_in_force
from pmtaform.inspection.probing import previous_of
from pmtaform.inspection.survey import Survey, Target, Wanted
from pmtaform.inspection.verdict import HostVerdict, owned_by, verdict_of
from pmtaform.lang.includes import Configuration
from pmtaform.model.selection import Selection
from pmtaform.plan.diff import Difference
from pmtaform.plan.model import HostPlan
from pmtaform.state import HostKeys, HostState
from pmtaform.transport import Transport

Adviser = Callable[[Survey], Any]
"""What a step computes for one host, from its texts and trees. It returns values that a plan can keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostWork:
    """All that is known of a host after its probes.

    `previous` is None, too, where another machine answers than the last apply was made on. `is_as_left`: every file is
    as the last apply left it, and nothing else is wanted. `will_apply`: what an apply needs is prepared.
    """

    target: Target
    snapshot: Snapshot
    previous: HostState | None
    basis: Basis
    keys: HostKeys
    notes: tuple[Diagnostic, ...] = ()
    is_as_left: bool = False
    selection: Selection | None = None
    advisers: Mapping[str, Adviser] = field(default_factory=dict)
    will_apply: bool = False

    def parcel(self) -> HostWork:
        """The same for another process: without what reaches the host, and with texts instead of blocks."""
        spec = replace(self.target.spec, transport=_NOWHERE, password=None, sudo_password=None, passphrase=None)
        basis = replace(self.basis, blocks=None) if self.basis.contents is not None else self.basis
        return replace(self, target=replace(self.target, spec=spec), basis=basis)

    def delivered(self, verdict: HostVerdict) -> HostVerdict:
        """The verdict that another process made of the parcel, as if it was made here."""
        prepared = verdict.prepared
        if prepared is not None:
            prepared = replace(prepared, spec=self.target.spec)
        target = self.target.fresh()
        difference = replace(verdict.difference, owned=owned_by(target, verdict.difference))
        return replace(verdict, target=target, difference=difference, prepared=prepared)


def assess_in(executor: Executor, work: HostWork) -> HostVerdict:
    """As `assess`, in a worker of `executor`. Secrets go through its pipe, which must be able to carry them."""
    return work.delivered(executor.submit(assess_parcel, work.parcel()).result())


def assess_parcel(work: HostWork) -> HostVerdict:
    """The verdict on a parcel; what the sender has of it already is omitted."""
    contents = work.basis.contents
    if contents is not None:
        blocks = blocks_left(work.target.spec, contents, work.basis.patterns)
        work = replace(work, basis=replace(work.basis, blocks=blocks))
    return replace(assess(work), target=replace(work.target, wanted=Wanted(_not_here)))


def _not_here(*_: object) -> NoReturn:
    raise AssertionError("only the process that sent a parcel can do this")


_NOWHERE: Final = Transport(name="nowhere", summary="in another process", open=_not_here)


def assess(work: HostWork) -> HostVerdict:
    """The verdict on a host: its changes, and what is needed to show and to make them. No session is open in it."""
    survey = survey_of(work)
    if not survey.plan.changes:
        return verdict_of(survey, _advice(work, survey), _prepared(survey) if work.will_apply else None)
    from pmtaform.inspection.reading import reading_of

    reading = reading_of(survey)  # all that follows shares it while it is held here
    advice = _advice(work, survey)
    prepared = _prepared(survey) if work.will_apply else None
    del reading
    return verdict_of(survey, advice, prepared)


def _advice(work: HostWork, survey: Survey) -> dict[str, Any]:
    advice = {name: adviser(survey) for name, adviser in work.advisers.items()}
    return {name: value for name, value in advice.items() if value}


def _prepared(survey: Survey) -> Any:
    from pmtaform.inspection.prepared import prepare

    return prepare(survey)


def survey_of(work: HostWork) -> Survey:
    """The difference of a host, with all that it was made from."""
    difference, configuration = (_as_left(work), None) if work.is_as_left else _compared(work)
    return Survey(
        target=work.target,
        snapshot=work.snapshot,
        difference=difference,
        seal=work.keys.seal,
        keyed=work.keys.keyed,
        basis=work.basis,
        configuration=configuration,
    )


def _as_left(work: HostWork) -> Difference:
    """The difference of a host that is as the last apply left it, and needs no change."""
    ours = previous_of(work.previous)
    plan = HostPlan(
        host=work.target.spec.name,
        unmanaged=ours.unmanaged,
        notes=work.notes,
        basis=digests_before(work.snapshot, work.keys.seal),
        version=work.snapshot.version,
    )
    return Difference(plan, owned=dict(ours.blocks), owned_keys=dict(ours.keys))


def _compared(work: HostWork) -> tuple[Difference, Configuration]:
    """The difference of a host whose files are parsed, and what it has."""
    target, snapshot, keys = work.target, work.snapshot, work.keys
    ours = with_basis(previous_of(work.previous), work.basis, keys.keyed)
    difference, configuration = compare(target, snapshot, ours, keys, work.selection)
    touched = not_in_force(target, snapshot, difference, work.previous, keys.seal)
    plan = replace(
        difference.plan,
        notes=(*work.notes, *touched, *difference.plan.notes),
        basis=digests_before(snapshot, keys.seal),
        result=digests_after(difference, keys.seal),
        version=snapshot.version,
    )
    return replace(difference, plan=plan), configuration
