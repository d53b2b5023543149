"""`pmtaform plan`: what differs between a stack and its live hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pmtaform.cli.context import Format, settings
from pmtaform.cli.executing import ExecutorOption, WorkersOption, planned_by, working_by
from pmtaform.cli.moments import AsOf, moment_of
from pmtaform.cli.options import (
    DetailedExitCode,
    Excludes,
    FormatOption,
    Hosts,
    PlanOut,
    ShardOption,
    StackArgument,
    Targets,
    WithDiff,
    WithEffects,
    choice_of,
)
from pmtaform.cli.warm import KeepWarm, keeping
from pmtaform.diagnostics import Exit, Kind
from pmtaform.diagnostics.codes.command_line import FUTURE_PLAN_NOT_SAVED
from pmtaform.diagnostics.codes.execution import NOT_OVER_EXECUTOR
from pmtaform.errors import UsageError

if TYPE_CHECKING:
    from pmtaform.api import Planned


def plan(
    stack: StackArgument = None,
    host: Hosts = None,
    target: Targets = None,
    exclude: Excludes = None,
    shard: ShardOption = None,
    out: PlanOut = None,
    format: FormatOption = Format.TEXT,
    detailed_exitcode: DetailedExitCode = False,
    diff: WithDiff = False,
    effective: WithEffects = False,
    as_of: AsOf = None,
    keep_warm: KeepWarm = False,
    executor: ExecutorOption = None,
    workers: WorkersOption = None,
) -> int:
    """Show what differs between a stack and its live hosts. Changes nothing on them."""
    from pmtaform.api import PlanRequest, save_plan
    from pmtaform.cli.output import plan_view, show, watching

    moment = moment_of(as_of)
    if moment is not None and out is not None:
        raise UsageError.of(
            FUTURE_PLAN_NOT_SAVED,
            "The plan shows what will change on that date if DNS and the hosts stay as they are. It cannot be applied "
            "now. Omit --out or --as-of.",
        )
    project = settings.project()
    loaded = project.load(stack)
    choice = choice_of(host, shard, targets=target, excludes=exclude)
    names = tuple(choice.select(loaded))
    with keeping(keep_warm), working_by(project, executor, workers) as working, watching(names) as watch:
        if working.engine is not None and effective:
            raise UsageError.of(NOT_OVER_EXECUTOR, "--effective reads whole configurations. Add --executor local.")
        request = PlanRequest(choice=choice, watch=watch, as_of=moment)
        planned = planned_by(working, project, loaded, request, diff=diff)
    if out is not None:
        save_plan(planned, out)
    show(plan_view(planned, diff=diff, effective=effective, ahead=moment is not None), format)
    return plan_exit(planned, detailed=detailed_exitcode)


def plan_exit(planned: Planned, *, detailed: bool) -> Exit:
    """The exit code of a plan: hosts that could not be planned first, then changes if they were asked for."""
    kinds = {problem.kind for problem in planned.plan.failures.values()}
    if kinds:
        return Exit.UNREACHABLE if kinds == {Kind.HOST_UNREACHABLE} else Exit.SOME_FAILED
    if planned.plan.busy:
        return Exit.LOCKED  # what was seen may be gone in a moment: neither "changes" nor "none"
    return Exit.CHANGES if detailed and planned.plan.changed else Exit.OK
