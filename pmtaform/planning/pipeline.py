"""Making a plan: the stack, compiled, against its live hosts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from pmtaform import __version__
from pmtaform.clock import Clock, SetClock, SystemClock
from pmtaform.diagnostics import Diagnostic, Severity, did_you_mean
from pmtaform.errors import Invalid, UsageError
from pmtaform.host_specs import host_spec
from pmtaform.inspection.fleet import FleetRequest, inspect_fleet
from pmtaform.inspection.notes import expiring
from pmtaform.inspection.survey import Fleet, Target
from pmtaform.model.choice import Choice
from pmtaform.model.desired import Desired, Unmanaged
from pmtaform.model.operations import Operations
from pmtaform.model.selection import ALL_DOMAINS, is_catch_all, matches
from pmtaform.plan.model import HostPlan, Plan
from pmtaform.plan.signing import Signer
from pmtaform.planning.dangers import with_effects
from pmtaform.planning.dns import with_dns
from pmtaform.planning.lint import Findings, check_findings, findings_of, with_findings
from pmtaform.planning.rotation import begin, run_notes, settle, told_of_rotation, verified_signers
from pmtaform.progress import Watch
from pmtaform.project import Project
from pmtaform.signing.fleet_rotation import FleetRotation
from pmtaform.stack import Stack, compile_all, require_valid
from pmtaform.stack.resolve import Resolve, resolver_for
from pmtaform.state import StackKey, StateDocument, new_run_id, utc_now

if TYPE_CHECKING:
    from pmtaform.dkim.status import KeyStatus
    from pmtaform.dns.resolver import Resolver


@dataclass(slots=True, kw_only=True)
class Planned:
    """A plan, and what is needed to apply it. Close it when done: sessions may be open."""

    project: Project
    stack: Stack
    plan: Plan
    fleet: Fleet
    key: StackKey
    state: StateDocument
    choice: Choice = field(default_factory=Choice)
    clock: Clock = field(default_factory=SystemClock)
    rotating: FleetRotation | None = None  # the keys that are rotated, if there are any

    @property
    def statuses(self) -> tuple[KeyStatus, ...]:
        """Where each key that is rotated stands."""
        return () if self.rotating is None else tuple(self.rotating.statuses.values())

    def close(self) -> None:
        """Close every open session."""
        self.fleet.close()


def make_plan(
    project: Project,
    stack: Stack,
    choice: Choice | None = None,
    *,
    keep_open: bool = False,
    watch: Watch | None = None,
    stop: threading.Event | None = None,
    clock: Clock | None = None,
    as_of: datetime | None = None,
    allow: Collection[str] = (),
    resolver: Callable[[], Resolver] | None = None,
    validate: bool = True,
) -> Planned:
    """Compare a stack with its live hosts.

    Keys with `rotation` are looked at in their store and in DNS (through what `resolver` makes, else through what the
    stack's `dns` says); `as_of` is the moment that their steps are wanted of, and `allow` what is consented to already.
    Hosts that cannot be looked at are in `plan.failures`. Raises `Invalid` for what `pmtaform validate` refuses (with
    `validate` False, as `drift` has it, only where the chosen hosts cannot be compiled), `SecretUnavailable`,
    `StateDamaged`, and `UsageError` for a moment that has passed.
    """
    choice, clock = choice or Choice(), clock or SystemClock()
    names = choice.select(stack)
    key = project.key(stack.name)
    state = project.backend(stack.name).load() or StateDocument.new(stack.name, key_id=key.id)
    known, notes = _usable(state, key)
    resolve = resolver_for(stack)
    turning = begin(project, stack, known, resolve, clock.now(), as_of, allow, resolver)
    moment = SetClock(as_of) if as_of is not None else clock

    how = FleetRequest(
        key=key,
        selection=choice.selection,
        parallel=stack.rollout.looking,
        keep_open=keep_open,
        watch=watch,
        stop=stop,
    )

    def look(targets: list[Target]) -> Fleet:
        return inspect_fleet(targets, how)

    generations = {name: host.generation for name, host in state.hosts.items()}

    def targets_of(chosen: Stack, compiled: Mapping[str, Desired]) -> list[Target]:
        targets = _targets(chosen, compiled, known, resolve, moment)
        return [replace(target, generation=generations.get(target.spec.name)) for target in targets]

    wanted = stack if turning is None else turning.stack
    compiled = require_valid(wanted, resolve, names) if validate else compile_all(wanted, resolve, names)
    first = targets_of(wanted, compiled)
    check_shared_roots(first)
    check_patterns(choice, first)
    fleet = look(first)
    if turning is not None:
        settle(
            turning,
            fleet,
            moment.now(),
            allow,
            lambda again: look(targets_of(turning.stack, compile_all(turning.stack, resolve, again))),
        )
        stack = turning.stack
    findings = findings_of(stack, fleet.surveys)
    if validate:
        refuse_invalid(fleet, findings, allow)
    plans = [fleet.surveys[name].plan for name in names if name in fleet.surveys]
    verified = verified_signers(turning) if turning is not None else frozenset()
    hosts = _told(plans, findings, stack, fleet, moment, verified)
    hosts = with_dns(stack, fleet.surveys, hosts, resolver() if resolver is not None else None)
    if turning is not None:
        hosts = told_of_rotation(turning, hosts)
        notes += run_notes(turning)
    notes += (*_left_behind(stack, known), *_of_the_future(as_of), *_catch_all_only(choice, first))
    return Planned(
        project=project,
        stack=stack,
        plan=_plan(stack, state, key, choice, tuple(hosts), notes, fleet),
        fleet=fleet,
        key=key,
        state=known,
        choice=choice,
        clock=clock,
        rotating=turning,
    )


def _plan(
    stack: Stack,
    state: StateDocument,
    key: StackKey,
    choice: Choice,
    hosts: tuple[HostPlan, ...],
    notes: tuple[Diagnostic, ...],
    fleet: Fleet,
) -> Plan:
    return Plan(
        id=new_run_id(),
        stack=stack.name,
        stack_digest=stack.digest,
        lineage=state.lineage if state.serial else "",
        serial=state.serial,
        created=utc_now(),
        tool_version=__version__,
        key_id=key.id,
        notes=notes,
        selection={"hosts": choice.hosts, "targets": choice.targets, "excludes": choice.excludes},
        hosts=hosts,
        failures={name: problem.diagnostics[0] for name, problem in fleet.failures.items()},
    )


def _targets(
    stack: Stack, compiled: Mapping[str, Desired], known: StateDocument, resolve: Resolve, clock: Clock
) -> list[Target]:
    return [
        Target(
            spec=host_spec(stack, stack.hosts[name], resolve),
            desired=desired,
            previous=known.hosts.get(name),
            operations=stack.operations[name],
            groups=stack.hosts[name].groups,
            intent=known.intents.get(name),
            now=clock.now(),
        )
        for name, desired in compiled.items()
    ]


def check_shared_roots(targets: Iterable[Target]) -> None:
    """Two local hosts in one folder would undo each other's changes. Raises `Invalid`."""
    seen: dict[str, str] = {}
    for target in targets:
        if not target.spec.transport.is_local:
            continue
        other = seen.setdefault(target.spec.root, target.spec.name)
        if other != target.spec.name:
            raise Invalid.of(
                "shared-root",
                "Two hosts stand on one folder",
                f"{other} and {target.spec.name} both have the root {target.spec.root}. Give each its own.",
            )


def refuse_invalid(fleet: Fleet, findings: Findings, allow: Collection[str]) -> None:
    """Raise `Invalid` for what no host must be given, as `validate` does; the sessions are closed then."""
    try:
        check_findings(findings, allow)
    except Invalid:
        fleet.close()
        raise


def _told(
    plans: Iterable[HostPlan],
    findings: Findings,
    stack: Stack,
    fleet: Fleet,
    clock: Clock,
    verified: frozenset[Signer],
) -> list[HostPlan]:
    """The plans, with what keeps them from being made and what is to be said of what they change."""
    hosts = [_frozen(host, stack.operations[host.host], clock) for host in plans]
    hosts = [with_effects(host, fleet.surveys[host.host], verified) for host in hosts]
    hosts = with_findings(hosts, findings)
    return [replace(h, notes=(*h.notes, *expiring(fleet.surveys[h.host].target, h))) for h in hosts]


def _of_the_future(as_of: datetime | None) -> tuple[Diagnostic, ...]:
    if as_of is None:
        return ()
    detail = (
        f"It says what will be to do on {as_of:%Y-%m-%d %H:%M %Z}, if DNS, the stack and the hosts stay as they are. "
    )
    detail += "It cannot be saved or applied: plan again then."
    summary = "This is a plan of a moment to come"
    return (Diagnostic(code="plan-ahead", summary=summary, detail=detail, severity=Severity.INFO),)


def _catch_all_only(choice: Choice, targets: Iterable[Target]) -> tuple[Diagnostic, ...]:
    """A pattern that names the catch-all where there are other domains that it does not name."""
    given = [pattern for pattern in (*choice.targets, *choice.excludes) if is_catch_all(pattern)]
    if not given or not any(a.kind == "domain" and a.key != "*" for each in targets for a in each.desired.blocks):
        return ()
    detail = f"{given[0]} is the block <domain *> and no other. Every domain is {ALL_DOMAINS}."
    summary = "Pattern names the catch-all alone"
    return (Diagnostic(code="catch-all-alone", summary=summary, detail=detail, severity=Severity.INFO),)


def _frozen(plan: HostPlan, operations: Operations, clock: Clock) -> HostPlan:
    """The plan, with a word of what keeps it from being made."""
    freeze = operations.frozen(clock.now())
    if freeze is None or not plan.changes:
        return plan
    note = Diagnostic(
        code="frozen",
        summary="The host is frozen",
        detail=f"Until {freeze.until:%Y-%m-%d %H:%M %Z}: {freeze.reason}. An apply leaves it as it is, unless "
        "it is told --allow frozen.",
        severity=Severity.WARNING,
        place=freeze.place,
        host=plan.host,
    )
    return replace(plan, frozen=True, notes=(*plan.notes, note))


def _usable(state: StateDocument, key: StackKey) -> tuple[StateDocument, tuple[Diagnostic, ...]]:
    """The state, or one without hosts when its digests were made with another key."""
    if not state.hosts or state.key_id == key.id:
        return state, ()
    note = Diagnostic(
        code="state-key-changed",
        summary="The state was written with another key",
        detail=f"state/{state.stack}.json was written with key {state.key_id}, and state/{state.stack}.key is "
        f"{key.id}. Hosts are compared with their own records instead, and until the next apply nothing is deleted "
        "because it is no longer declared. Restore the right key file if you have it.",
        severity=Severity.WARNING,
    )
    return replace(state, hosts={}, intents={}), (note,)


def check_patterns(choice: Choice, targets: Iterable[Target]) -> None:
    """Raise `UsageError` for a pattern that names nothing.

    A misspelt target would look like "nothing to do", and what a misspelt exclusion was to keep would be changed.
    """
    if not choice.targets and not choice.excludes:
        return
    names: set[str] = set()
    for target in targets:
        if target.desired.unmanaged is Unmanaged.REMOVE:
            return  # blocks that only the host knows may be meant
        own = {str(a) for a in target.desired.blocks} | {str(each.address) for each in target.desired.whole_files}
        if target.previous is not None:
            own |= target.previous.blocks.keys() | target.previous.keys.keys()
        names |= own | {f"{target.spec.name}:{name}" for name in own}
    for pattern in (*choice.targets, *choice.excludes):
        if not any(matches(pattern, name) for name in names):
            raise UsageError.of("no-such-target", "No block has this address", _names_nothing(pattern, names))


def _names_nothing(pattern: str, names: Collection[str]) -> str:
    detail = f'"{pattern}" matches nothing that the stack declares or that was applied.'
    if is_catch_all(pattern):
        return f"{detail} It is the block <domain *>; all domains are {ALL_DOMAINS}."
    return detail + (did_you_mean(pattern, names) or " `pmtaform state list` shows addresses.")


def _left_behind(stack: Stack, state: StateDocument) -> tuple[Diagnostic, ...]:
    """Hosts that were applied to and are no longer in the stack: nothing is done to them, and that is said."""
    gone = [name for name in state.hosts if name not in stack.hosts]
    if not gone:
        return ()
    return (
        Diagnostic(
            code="host-left-behind",
            summary="A host that was applied to is no longer in the stack",
            detail=f"{', '.join(gone[:10])}: it keeps what it has, and nothing looks at it any more. When it is gone "
            f"for good: pmtaform state forget {gone[0]} {stack.name}.",
            severity=Severity.WARNING,
        ),
    )
