"""`pmtaform drift`: what changed on hosts since the last apply."""

from __future__ import annotations

from pmtaform.cli.context import Format, settings
from pmtaform.cli.executing import ExecutorOption, WorkersOption, drift_by, planned_by, working_by
from pmtaform.cli.options import DetailedExitCode, FormatOption, Hosts, ShardOption, StackArgument, choice_of
from pmtaform.cli.plan import plan_exit
from pmtaform.cli.warm import KeepWarm, keeping
from pmtaform.diagnostics import Exit
from pmtaform.diagnostics.codes.command_line import SHARD


def drift(
    stack: StackArgument = None,
    host: Hosts = None,
    shard: ShardOption = None,
    executor: ExecutorOption = None,
    workers: WorkersOption = None,
    format: FormatOption = Format.TEXT,
    detailed_exitcode: DetailedExitCode = False,
    keep_warm: KeepWarm = False,
) -> int:
    """Show what changed on hosts since the last apply, independent of the stack."""
    from pmtaform.api import PlanRequest
    from pmtaform.cli.output import show, tell, watching
    from pmtaform.report.drifts import DriftTable

    project = settings.project()
    loaded = project.load(stack)
    choice = choice_of(host, shard)
    names = tuple(choice.select(loaded))
    with keeping(keep_warm), working_by(project, executor, workers) as working, watching(names) as watch:
        request = PlanRequest(choice=choice, watch=watch, validate=False)
        planned = planned_by(working, project, loaded, request)
    tell(note for note in planned.plan.notes if SHARD.describes(note))
    reports = drift_by(working, planned)
    show(DriftTable(reports, planned.plan.failures), format)
    code = plan_exit(planned, detailed=False)
    if code is Exit.OK and any(report.unknown for report in reports.values()):
        return Exit.ERROR  # what is not known is not "no drift"
    if code is Exit.OK and detailed_exitcode and any(report.drifted for report in reports.values()):
        return Exit.CHANGES
    return code
