"""Make a saved plan again: an apply does exactly what the file shows, or nothing.

the same key? ─▶ sealed with it? ─▶ the same stack? ─▶ plan again ─▶ the same state? the same plan?
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pmtaform import __version__
from pmtaform.clock import Clock, SystemClock
from pmtaform.diagnostics import Diagnostic, Place
from pmtaform.diagnostics.codes.plans import (
    PLAN_NOT_AUTHENTIC,
    PLAN_OF_ANOTHER_KEY,
    PLAN_OF_ANOTHER_STATE,
    PLAN_OF_ANOTHER_VERSION,
    STACK_CHANGED,
)
from pmtaform.diagnostics.codes.state import STATE_CHANGED
from pmtaform.errors import Stale, StateDamaged
from pmtaform.model.choice import Choice
from pmtaform.plan.comparing import plan_differences
from pmtaform.plan.document import SavedPlan
from pmtaform.plan.model import Plan
from pmtaform.planning.draft import Planned
from pmtaform.planning.pipeline import make_plan
from pmtaform.planning.request import PlanRequest
from pmtaform.progress import Watch
from pmtaform.project import Project
from pmtaform.stack import Stack
from pmtaform.state import StackKey

if TYPE_CHECKING:
    from pmtaform.dns.resolver import DnsResolver


def plan_again(
    project: Project,
    saved: SavedPlan,
    *,
    watch: Watch | None = None,
    clock: Clock | None = None,
    resolver: Callable[[], DnsResolver] | None = None,
    make: Callable[[Project, Stack, PlanRequest], Planned] = make_plan,
) -> Planned:
    """Make a saved plan again, by `make`, and check that it is the same.

    Raises `StateDamaged` when the file is not what `plan` wrote, and `Stale` when the plan made now is another.
    """
    plan = saved.plan
    stack = project.load(plan.stack)
    authenticate(saved, project.key(stack.name))
    if stack.digest != plan.stack_digest:
        raise Stale.of(
            STACK_CHANGED,
            f'The files of stack "{stack.name}" changed since the plan was made at {plan.created}. Plan again.',
        )
    choice = Choice.of_patterns(plan.selection)
    request = PlanRequest(choice=choice, keep_open=True, watch=watch, clock=clock or SystemClock(), resolver=resolver)
    planned = make(project, stack, request)
    try:
        _same(plan, planned.plan)
    except Stale:
        planned.close()
        raise
    return planned


def authenticate(saved: SavedPlan, key: StackKey) -> None:
    """Raise `Stale` when the plan was made with another key, `StateDamaged` when the file is not what was written."""
    plan = saved.plan
    if plan.key_id != key.id:
        raise Stale.of(
            PLAN_OF_ANOTHER_KEY,
            f"It was made with the key {plan.key_id or '(none)'}, and state/{plan.stack}.key is {key.id}. Without "
            "that key the plan cannot be compared with the hosts. Apply it where it was made, bring that key file "
            "here, or plan again.",
            place=Place(saved.path),
        )
    if not saved.is_sealed_by(key.seal_plan):
        what = "it has no seal" if not saved.seal else "its seal does not match its content"
        raise StateDamaged.of(
            PLAN_NOT_AUTHENTIC,
            f"It was changed after it was written, or `show` printed it: {what}. Nothing was changed on any host. "
            "Plan again:\n    pmtaform plan --out FILE",
            place=Place(saved.path),
        )


def _same(saved: Plan, now: Plan) -> None:
    differences = [*_state(saved, now), *plan_differences(saved, now)]
    if differences and saved.tool_version != now.tool_version:
        detail = f"pmtaform {saved.tool_version} made the plan, and this is {__version__}."
        differences.append(PLAN_OF_ANOTHER_VERSION.diagnostic(detail))
    if differences:
        raise Stale(*differences)


def _state(saved: Plan, now: Plan) -> list[Diagnostic]:
    if (saved.lineage, saved.serial) == (now.lineage, now.serial):
        return []
    if saved.lineage and saved.lineage != now.lineage:
        here = f"the state here is {now.lineage}" if now.lineage else "there is no state here"
        return [
            PLAN_OF_ANOTHER_STATE.diagnostic(
                f"It was made from the state {saved.lineage}, serial {saved.serial}, and {here}. The two have "
                "different histories. Apply the plan where it was made, or plan again."
            )
        ]
    return [
        STATE_CHANGED.diagnostic(
            f"The plan was made from serial {saved.serial}, and the state has serial {now.serial}: another run "
            "applied in between. Plan again."
        )
    ]
