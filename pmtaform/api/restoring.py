"""Putting a host's earlier files back, and breaking a dead lock on it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from pmtaform.diagnostics import did_you_mean, some_of
from pmtaform.diagnostics.codes.command_line import GENERATION_UNKNOWN, HOST_NOT_IN_STATE, NO_SUCH_HOST
from pmtaform.diagnostics.codes.hosts import NO_GENERATION
from pmtaform.errors import Blocked, HostError, UsageError
from pmtaform.host import Generation, HostSpec, Record, generations, records, release
from pmtaform.host_specs import host_spec
from pmtaform.plan.between import plan_between
from pmtaform.plan.model import HostPlan
from pmtaform.planning.consent import check_allowed, without_consent
from pmtaform.progress import Watch
from pmtaform.project import Project
from pmtaform.rollout.ahead import Ahead, look_ahead
from pmtaform.rollout.model import RunResult
from pmtaform.rollout.restore import Restore, restore
from pmtaform.stack import Stack
from pmtaform.stack.resolve import resolver_for
from pmtaform.state import StateKeeper, new_run_id, who


def spec_of(stack: Stack, host: str) -> HostSpec:
    """How to reach one host of a stack. Raises `UsageError` when there is no such host."""
    stack_host = stack.hosts.get(host)
    if stack_host is None:
        raise UsageError.of(
            NO_SUCH_HOST,
            f'"{host}" is not a host of stack "{stack.name}".'
            + (did_you_mean(host, stack.hosts) or f" Its hosts are: {some_of(stack.hosts)}."),
        )
    return host_spec(stack, stack_host, resolver_for(stack))


def generations_of(stack: Stack, host: str) -> list[Generation]:
    """The generations that a host keeps, oldest first. Raises `HostError`."""
    spec = spec_of(stack, host)
    session = spec.open()
    try:
        return generations(session, spec)
    finally:
        session.close()


def records_of(stack: Stack, host: str) -> tuple[list[Generation], list[Record]]:
    """What a host keeps of its transactions: its generations, and the records of all. Raises `HostError`."""
    spec = spec_of(stack, host)
    session = spec.open()
    try:
        return generations(session, spec), records(session, spec)
    finally:
        session.close()


def roll_back(
    project: Project,
    stack: Stack,
    host: str,
    generation: int,
    *,
    allow: Iterable[str] = (),
    watch: Watch | None = None,
) -> RunResult:
    """Restore what `generation` and all later ones replaced. The caller holds the state's lock.

    The restored configuration is checked for dangers as a plan is: raises `Blocked` for those that are not in `allow`.
    With `restart` in `allow`, PowerMTA is restarted if the restored configuration needs it.

    What was ours then, and what is ours now and still there, stays ours: the next plan compares it with the stack.
    """
    spec, allowed = spec_of(stack, host), check_allowed(allow)
    key = project.key(stack.name)
    keeper = StateKeeper(project.backend(stack.name), key_id=key.id)
    run = Restore(
        id=new_run_id(),
        stack=stack.name,
        who=who(),
        commit=project.commit(),
        key=key,
        keeper=keeper,
        journal=project.journal(stack.name),
        may_restart="restart" in allowed,
        check=lambda ahead: _check(ahead, stack, host, allowed),
        confirm_within=stack.operations[host].confirm_within,
        watch=watch,
    )
    return restore(run, replace(spec), generation)


def look_back(project: Project, stack: Stack, host: str, generation: int) -> HostPlan:
    """What a rollback to before `generation` changes on a host, with its dangers. Raises `HostError`."""
    spec = spec_of(stack, host)
    state = project.backend(stack.name).load()
    session = spec.open()
    try:
        previous = state.hosts.get(host) if state is not None else None
        return _returning(look_ahead(session, spec, generation, stack.name, previous), stack, host)
    finally:
        session.close()


def _returning(ahead: Ahead, stack: Stack, host: str) -> HostPlan:
    return plan_between(host, ahead.now, ahead.then, stack.limits, ahead.moves)


def _check(ahead: Ahead, stack: Stack, host: str, allowed: Collection[str]) -> None:
    missing = without_consent(_returning(ahead, stack, host), allowed, shown=True)
    if missing:
        raise Blocked(*missing)


def to_undo(stack: Stack, host: str, generation: int | None) -> list[Generation]:
    """The kept generations that a rollback to before `generation` (None: the last one) undoes, oldest first.

    Raises `UsageError` when the host does not keep it, `HostError` when it keeps none.
    """
    applied = [g for g in generations_of(stack, host) if g.status == "applied"]
    if not applied:
        raise HostError.of(
            NO_GENERATION,
            f"Nothing was applied to {host} yet, or its /var/lib/pmtaform was emptied. There is nothing to restore.",
            host=host,
        )
    changed = [g for g in applied if g.files] or applied  # a generation without files only notes what became ours
    first = changed[-1].number if generation is None else generation
    if first not in [g.number for g in applied]:
        have = ", ".join(str(g.number) for g in applied)
        raise UsageError.of(GENERATION_UNKNOWN, f"Generation {first} is not on {host}; it keeps: {have}.", host=host)
    return [g for g in applied if g.number >= first]


def release_host(stack: Stack, host: str, *, force: bool = False) -> str:
    """Remove a dead holder's lock from a host; return a message. Raises `Locked` if the holder is alive."""
    spec = spec_of(stack, host)
    session = spec.open()
    try:
        info = release(session, spec, force=force)
    finally:
        session.close()
    if info is None:
        return f"{host} is not locked."
    return f"Removed the lock of {info.who} ({info.what}, since {info.since}) on {host}."


def forget_host(project: Project, stack: str, host: str) -> None:
    """Remove a host from the state. Raises `UsageError` when it is not in it, `Locked` when another run is active."""
    with project.lock(stack, f"state forget {host}"):
        keeper = StateKeeper(project.backend(stack))
        if host not in keeper.document.hosts:
            known = ", ".join(keeper.document.hosts)
            raise UsageError.of(
                HOST_NOT_IN_STATE, f'The state has no entry for "{host}".' + (f" It has: {known}." if known else "")
            )
        keeper.remove_host(host)
