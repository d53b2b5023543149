"""Make a plan: compile a stack, and compare it with its live hosts."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial

from pmtaform import __version__
from pmtaform.clock import check_ahead
from pmtaform.inspection.assess import Adviser, assess, assess_in
from pmtaform.inspection.fleet import FleetRequest, inspect_fleet
from pmtaform.inspection.survey import NotCompiled, Target
from pmtaform.inspection.verdict import Fleet, close_sessions
from pmtaform.plan.model import Plan
from pmtaform.planning.compiling import RefusalCheck, checked_targets, refuse, require_compiled, targets_of
from pmtaform.planning.draft import Draft, Planned
from pmtaform.planning.notes import catch_all_only, for_a_future_date, left_behind, of_shard, usable_state
from pmtaform.planning.request import PlanRequest
from pmtaform.planning.steps import STEPS
from pmtaform.planning.targets import check_patterns, check_shared_roots, names_elsewhere
from pmtaform.project import Project
from pmtaform.stack import Stack
from pmtaform.stack.resolve import resolver_for
from pmtaform.state import StateDocument, new_run_id, utc_now


def make_plan(project: Project, stack: Stack, request: PlanRequest | None = None) -> Planned:
    """Compare a stack with its live hosts.

    1. load: the state, its key, and the steps (DNS, rotation, lint, ...) that the stack uses
    2. compile: check the stack, and name the chosen hosts
    3. look at hosts: what each should have and has, the difference, and what steps compute from both
    4. reconcile: look again at hosts that should have something else because of what was seen
    5. difference: collect the changes of each host
    6. advise: what the changes cost, as notes and dangers
    7. consent: reject what no host may be given

    Hosts that cannot be looked at are in `plan.failures`. Raises `Invalid` for what `pmtaform validate` rejects (where
    the request does not validate, only if the chosen hosts cannot be compiled), `SecretUnavailable`, `StateDamaged`,
    and `UsageError` for a pattern that matches nothing or a date that has passed. Sessions are closed then.
    """
    draft = load(project, stack, request or PlanRequest())
    with _sessions_closed_on_error(draft):
        compile_stack(draft)
        look_at_hosts(draft)
        reconcile(draft)
        difference(draft)
        advise(draft)
        consent(draft)
        return _planned(draft)


def load(project: Project, stack: Stack, request: PlanRequest) -> Draft:
    """Load the state and its key, and start the steps that the stack uses."""
    names = tuple(request.choice.select(stack))
    key = project.key(stack.name)
    saved = project.backend(stack.name).load() or StateDocument.new(stack.name, key_id=key.id)
    check_ahead(request.as_of, request.clock.now())
    state, notes = usable_state(saved, key)
    return Draft(
        project=project,
        request=request,
        stack=stack,
        names=names,
        key=key,
        saved=saved,
        state=state,
        resolve=resolver_for(stack),
        steps=tuple(step() for step in STEPS if step.applies(stack)),
        notes=notes,
    )


def compile_stack(draft: Draft) -> None:
    """Check the stack, and name the hosts. Raises `Invalid`, `SecretUnavailable` and `UsageError`.

    What a host should have is compiled by the worker that looks at it; with patterns, which name blocks, here, too.
    """
    for step in draft.steps:
        step.prepare(draft)
    draft.targets = checked_targets(draft)
    check_shared_roots(draft.targets)
    if draft.request.is_part:
        return
    try:
        check_patterns(draft.request.choice, draft.targets, lambda: names_elsewhere(draft))
    except NotCompiled as error:
        refuse(draft)
        raise error.problem from error


def look_at_hosts(draft: Draft) -> None:
    """Look at every chosen host. The worker that read a host compares it, while other hosts still answer."""
    draft.fleet = _inspect(draft, draft.targets)
    require_compiled(draft)


def reconcile(draft: Draft) -> None:
    """Look at hosts again while what was seen changes what they should have."""
    while again := {name for step in draft.steps for name in step.reconcile(draft)}:
        _look_again(draft, again)


def difference(draft: Draft) -> None:
    """Collect the changes of each host that could be looked at, in the order of the stack."""
    surveys = draft.fleet.surveys
    draft.hosts = tuple(surveys[name].plan for name in draft.names if name in surveys)


def advise(draft: Draft) -> None:
    """Add what the changes cost, and what else is worth knowing, as notes and dangers."""
    for step in draft.steps:
        step.advise(draft)
    draft.notes += (
        *of_shard(draft.request.choice, draft.stack, draft.names),
        *left_behind(draft.stack, draft.state),
        *for_a_future_date(draft.request.as_of),
        *catch_all_only(draft.request.choice, draft.targets),
    )


def consent(draft: Draft) -> None:
    """Reject what no host may be given. Raises `Invalid`.

    What else needs consent by name is in the plan. It is required before the plan is applied: `check_consent`.
    """
    for step in draft.steps:
        step.consent(draft)


# -- hosts -------------------------------------------------------------------------------------------------------------


def _inspect(draft: Draft, targets: Collection[Target]) -> Fleet:
    request = draft.request
    return inspect_fleet(
        targets,
        FleetRequest(
            key=draft.key,
            parallel=draft.stack.rollout.looking,
            selection=request.choice.selection,
            keep_open=request.keep_open,
            watch=request.watch,
            stop=request.stop,
            advisers=_advisers(draft),
            assess=assess if request.executor is None else partial(assess_in, request.executor),
            is_elsewhere=request.executor is not None,
            before_recovery=RefusalCheck(draft),
        ),
    )


def _advisers(draft: Draft) -> dict[str, Adviser]:
    """What the steps compute for each host, by the step's name."""
    advisers = {type(step).__name__: step.adviser(draft) for step in draft.steps}
    return {name: adviser for name, adviser in advisers.items() if adviser is not None}


def _look_again(draft: Draft, names: Collection[str]) -> None:
    """Replace the surveys of these hosts with new ones, compared with what the stack says now."""
    earlier = draft.fleet
    again = [name for name in earlier.surveys if name in names]
    others = {name: survey for name, survey in earlier.surveys.items() if name not in names}
    close_sessions(earlier.surveys[name] for name in again)
    draft.fleet = Fleet(others, earlier.failures)
    seen = _inspect(draft, targets_of(draft, again))
    surveys = others | seen.surveys
    draft.fleet = Fleet(
        {name: surveys[name] for name in earlier.surveys if name in surveys},
        earlier.failures | seen.failures,
        seen.invalid,
    )
    require_compiled(draft)


@contextmanager
def _sessions_closed_on_error(draft: Draft) -> Iterator[None]:
    try:
        yield
    except BaseException:
        draft.fleet.close()
        raise


# -- the result --------------------------------------------------------------------------------------------------------


def _planned(draft: Draft) -> Planned:
    request = draft.request
    return Planned(
        project=draft.project,
        stack=draft.stack,
        plan=plan_of(draft),
        fleet=draft.fleet,
        key=draft.key,
        state=draft.state,
        choice=request.choice,
        clock=request.clock,
        steps=draft.steps,
        statuses=draft.statuses,
    )


def plan_of(draft: Draft) -> Plan:
    """The plan that a draft has become."""
    saved, choice = draft.saved, draft.request.choice
    return Plan(
        id=new_run_id(),
        stack=draft.stack.name,
        stack_digest=draft.stack.digest,
        lineage=saved.lineage if saved.serial else "",
        serial=saved.serial,
        created=utc_now(),
        tool_version=__version__,
        key_id=draft.key.id,
        notes=draft.notes,
        selection=choice.patterns,
        hosts=draft.hosts,
        failures={name: problem.diagnostics[0] for name, problem in draft.fleet.failures.items()},
    )
