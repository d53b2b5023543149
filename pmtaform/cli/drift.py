"""`pmtaform drift`: what changed on hosts since the last apply."""

from __future__ import annotations

from pmtaform.cli.context import Format, settings
from pmtaform.cli.options import DetailedExitCode, FormatOption, Hosts, ShardOption, StackArgument, choice_of
from pmtaform.cli.plan import plan_exit
from pmtaform.cli.warm import KeepWarm, keeping
from pmtaform.diagnostics import Exit
from pmtaform.diagnostics.codes.command_line import SHARD


def drift(
    stack: StackArgument = None,
    host: Hosts = None,
    shard: ShardOption = None,
    format: FormatOption = Format.TEXT,
    detailed_exitcode: DetailedExitCode = False,
    keep_warm: KeepWarm = False,
) -> int:
    """Show what changed on hosts since the last apply, independent of the stack."""
    from pmtaform.api import PlanRequest, drift_of, make_plan
    from pmtaform.cli.output import show, tell, watching
    from pmtaform.report.drifts import DriftTable

    project = settings.project()
    loaded = project.load(stack)
    choice = choice_of(host, shard)
    with keeping(keep_warm), watching(tuple(choice.select(loaded))) as watch:
        planned = make_plan(project, loaded, PlanRequest(choice=choice, watch=watch, validate=False))
    tell(note for note in planned.plan.notes if SHARD.describes(note))
    reports = drift_of(planned)
    show(DriftTable(reports, planned.plan.failures), format)
    code = plan_exit(planned, detailed=False)
    if code is Exit.OK and any(report.unknown for report in reports.values()):
        return Exit.ERROR  # what is not known is not "no drift"
    if code is Exit.OK and detailed_exitcode and any(report.drifted for report in reports.values()):
        return Exit.CHANGES
    return code
