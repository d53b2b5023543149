"""Making a plan: the stack, compiled, against its live hosts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from pmtaform import __version__
from pmtaform.api.checking import findings_of
from pmtaform.api.dns_on_plan import with_dns
from pmtaform.api.hosts import check_shared_roots, host_spec, resolver_for
from pmtaform.api.project import Project
from pmtaform.clock import Clock, SystemClock
from pmtaform.desired import Unmanaged
from pmtaform.diagnostics import Diagnostic, Severity, did_you_mean
from pmtaform.errors import Stale, UsageError
from pmtaform.operations import Operations
from pmtaform.plan.diff import Selection, matches
from pmtaform.plan.model import HostPlan, Plan
from pmtaform.rollout.model import Event
from pmtaform.rollout.survey import Fleet, Target, survey_fleet
from pmtaform.stack import Stack, compile_host
from pmtaform.state import StackKey, StateDocument, new_run_id, utc_now

Watch = Callable[[Event], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which hosts and blocks a run is about, as patterns with `*`. Empty: all."""

    hosts: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()

    def select(self, stack: Stack) -> list[str]:
        """The names of the chosen hosts. Raises `UsageError` for a pattern that no host matches."""
        names = list(stack.hosts)
        if not self.hosts:
            return names
        chosen: dict[str, None] = {}
        for pattern in self.hosts:
            found = [n for n in names if matches(pattern, n) or pattern in stack.hosts[n].groups]
            if not found:
                raise UsageError.of(
                    "no-such-host",
                    "No host matches",
                    f'"{pattern}" matches no host and no group of stack "{stack.name}".'
                    + (did_you_mean(pattern, names) or f" Its hosts are: {', '.join(names[:20])}."),
                )
            chosen.update(dict.fromkeys(found))
        return list(chosen)

    @property
    def selection(self) -> Selection:
        """The choice of blocks."""
        return Selection(self.targets, self.excludes)


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
) -> Planned:
    """Compare a stack with its live hosts.

    Hosts that cannot be looked at are in `plan.failures`. Raises `Invalid`, `SecretUnavailable`, `StateDamaged`.
    """
    choice, clock = choice or Choice(), clock or SystemClock()
    names = choice.select(stack)
    key = project.key(stack.name)
    state = project.backend(stack.name).load() or StateDocument.new(stack.name, key_id=key.id)
    known, notes = _usable(state, key)
    resolve = resolver_for(stack)
    targets = [
        Target(
            spec=host_spec(stack, stack.hosts[name], resolve),
            desired=compile_host(stack, name, resolve),
            previous=known.hosts.get(name),
            operations=stack.operations[name],
            groups=stack.hosts[name].groups,
            intent=known.intents.get(name),
            now=clock.now(),
        )
        for name in names
    ]
    check_shared_roots(targets)
    check_patterns(choice, targets)
    notes += _left_behind(stack, known)
    fleet = survey_fleet(
        targets,
        key,
        selection=choice.selection,
        parallel=stack.parallel,
        keep_open=keep_open,
        watch=watch,
        stop=stop,
    )
    hosts = [fleet.surveys[name].plan for name in names if name in fleet.surveys]
    findings = findings_of(stack, fleet.surveys)
    hosts = [_frozen(host, stack.operations[host.host], clock) for host in hosts]
    hosts = [replace(h, notes=(*h.notes, *findings[h.host])) if findings.get(h.host) else h for h in hosts]
    hosts = with_dns(stack, fleet.surveys, hosts)
    if notes and hosts:
        hosts[0] = replace(hosts[0], notes=(*notes, *hosts[0].notes))
    plan = Plan(
        id=new_run_id(),
        stack=stack.name,
        stack_digest=stack.digest,
        lineage=state.lineage if state.serial else "",
        serial=state.serial,
        created=utc_now(),
        tool_version=__version__,
        selection={"hosts": choice.hosts, "targets": choice.targets, "excludes": choice.excludes},
        hosts=tuple(hosts),
        failures={name: problem.diagnostics[0] for name, problem in fleet.failures.items()},
    )
    return Planned(
        project=project,
        stack=stack,
        plan=plan,
        fleet=fleet,
        key=key,
        state=known,
        choice=choice,
        clock=clock,
    )


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
    return replace(plan, notes=(*plan.notes, note))


def _usable(state: StateDocument, key: StackKey) -> tuple[StateDocument, tuple[Diagnostic, ...]]:
    """The state, or one without hosts when its digests were made with another key."""
    if not state.hosts or state.key_id == key.id:
        return state, ()
    note = Diagnostic(
        code="state-key-changed",
        summary="The state was written with another key",
        detail=f"state/{state.stack}.json was written with key {state.key_id}, and state/{state.stack}.key is "
        f"{key.id}. What was applied before cannot be told from drift until the next apply, and nothing is deleted "
        "because it is no longer declared. Put the right key file back if you have it.",
        severity=Severity.WARNING,
    )
    return replace(state, hosts={}, intents={}), (note,)


def check_patterns(choice: Choice, targets: Iterable[Target]) -> None:
    """Raise `UsageError` for a target that names nothing: a misspelt one would look like "nothing to do"."""
    if not choice.targets:
        return
    names: set[str] = set()
    for target in targets:
        if target.desired.unmanaged is Unmanaged.REMOVE:
            return  # blocks that only the host knows may be meant
        own = {str(a) for a in target.desired.blocks} | {str(each.address) for each in target.desired.whole_files}
        if target.previous is not None:
            own |= target.previous.blocks.keys() | target.previous.keys.keys()
        names |= own | {f"{target.spec.name}:{name}" for name in own}
    for pattern in choice.targets:
        if not any(matches(pattern, name) for name in names):
            raise UsageError.of(
                "no-such-target",
                "No block has this address",
                f'"{pattern}" matches nothing that the stack declares or that was applied.'
                + (did_you_mean(pattern, names) or " `pmtaform state list` shows addresses."),
            )


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


def plan_again(project: Project, saved: Plan, *, watch: Watch | None = None, clock: Clock | None = None) -> Planned:
    """Make a saved plan again, and see that it is the same. Raises `Stale` when anything moved."""
    stack = project.load(saved.stack)
    if stack.digest != saved.stack_digest:
        raise Stale.of(
            "stack-moved",
            "The stack is no longer what was planned from",
            f'The files of stack "{stack.name}" changed since the plan was made at {saved.created}. Plan again.',
        )
    choice = Choice(
        hosts=saved.selection.get("hosts", ()),
        targets=saved.selection.get("targets", ()),
        excludes=saved.selection.get("excludes", ()),
    )
    planned = make_plan(project, stack, choice, keep_open=True, watch=watch, clock=clock)
    try:
        _same(saved, planned.plan)
    except Stale:
        planned.close()
        raise
    return planned


def _same(saved: Plan, now: Plan) -> None:
    if (saved.lineage, saved.serial) != (now.lineage, now.serial):
        raise Stale.of(
            "state-moved",
            "The state is no longer what was planned from",
            f"The plan was made from serial {saved.serial}, and the state has serial {now.serial}: somebody applied "
            "in between, or the state is another one. Plan again.",
        )
    before = {host.host: host for host in saved.hosts}
    moved = [_moved(before[host.host], host) for host in now.hosts if host.host in before]
    unplanned = [host.host for host in now.hosts if host.host not in before]
    found = [m for m in moved if m is not None]
    if unplanned:
        found.append(
            Diagnostic(
                code="target-moved",
                summary="A host was not in the plan",
                detail=f"{', '.join(unplanned)} could not be looked at when the plan was made, and can be now. "
                "Plan again.",
            )
        )
    if found:
        raise Stale(*found)


def _moved(before: HostPlan, now: HostPlan) -> Diagnostic | None:
    def made(plan: HostPlan) -> tuple[object, ...]:
        return dict(plan.basis), dict(plan.result), [(c.address, c.action) for c in plan.changes]

    if made(before) == made(now):
        return None
    paths = [p for p in {*before.basis, *now.basis} if before.basis.get(p) != now.basis.get(p)]
    what = ", ".join(sorted(paths)) if paths else "what a secret reference leads to, or pmtaform's own version"
    return Diagnostic(
        code="target-moved",
        summary="The host is no longer what was planned from",
        detail=f"Changed since the plan was made: {what}. Nothing was touched. Plan again.",
        host=now.host,
    )
