"""Making a saved plan again: the stack, the state and the hosts must be what it was made from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pmtaform.api.planning import Choice, Planned, Watch, make_plan
from pmtaform.api.project import Project
from pmtaform.clock import Clock
from pmtaform.diagnostics import Diagnostic
from pmtaform.errors import Stale
from pmtaform.plan.model import HostPlan, Plan

if TYPE_CHECKING:
    from pmtaform.dns.resolver import Resolver


def plan_again(
    project: Project,
    saved: Plan,
    *,
    watch: Watch | None = None,
    clock: Clock | None = None,
    resolver: Callable[[], Resolver] | None = None,
) -> Planned:
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
    planned = make_plan(project, stack, choice, keep_open=True, watch=watch, clock=clock, resolver=resolver)
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
