"""`pmtaform hosts`: the fleet at a glance."""

from __future__ import annotations

from pmtaform.cli.context import Format, settings
from pmtaform.cli.executing import ExecutorOption, WorkersOption, planned_by, rows_by, working_by
from pmtaform.cli.options import FormatOption, Hosts, ShardOption, StackArgument, choice_of
from pmtaform.cli.plan import plan_exit
from pmtaform.cli.warm import KeepWarm, keeping
from pmtaform.diagnostics import Exit
from pmtaform.diagnostics.codes.command_line import SHARD


def hosts(
    stack: StackArgument = None,
    host: Hosts = None,
    shard: ShardOption = None,
    executor: ExecutorOption = None,
    workers: WorkersOption = None,
    format: FormatOption = Format.TEXT,
    keep_warm: KeepWarm = False,
) -> int:
    """Show every host in a row: version, generation, last apply, drift, changes to make, pending or frozen."""
    from pmtaform.api import PlanRequest
    from pmtaform.cli.output import show, tell, watching
    from pmtaform.report.hosts import HostTable

    project = settings.project()
    loaded = project.load(stack)
    choice = choice_of(host, shard)
    names = tuple(choice.select(loaded))
    with keeping(keep_warm), working_by(project, executor, workers) as working, watching(names) as watch:
        request = PlanRequest(choice=choice, watch=watch, validate=False)
        planned = planned_by(working, project, loaded, request)
    tell(note for note in planned.plan.notes if SHARD.describes(note))
    rows = rows_by(working, planned)
    show(HostTable(loaded.name, rows), format)
    code = plan_exit(planned, detailed=False)
    return Exit.ERROR if code is Exit.OK and any(row.unknown for row in rows) else code
