"""`pmtaform hosts`: the fleet at a glance."""

from __future__ import annotations

from pmtaform.cli.context import Format, settings
from pmtaform.cli.options import FormatOption, Hosts, StackArgument
from pmtaform.cli.plan import plan_exit
from pmtaform.diagnostics import Exit


def hosts(
    stack: StackArgument = None,
    host: Hosts = None,
    format: FormatOption = Format.TEXT,
) -> int:
    """Show every host in a row: version, generation, last apply, drift, changes to make, pending or frozen."""
    from pmtaform.api import Choice, PlanRequest, fleet_of, make_plan
    from pmtaform.cli.output import show, watching
    from pmtaform.report.hosts import HostTable

    project = settings.project()
    loaded = project.load(stack)
    with watching() as watch:
        planned = make_plan(
            project, loaded, PlanRequest(choice=Choice(hosts=tuple(host or ())), watch=watch, validate=False)
        )
    rows = fleet_of(planned, loaded.operations)
    show(HostTable(loaded.name, rows), format)
    code = plan_exit(planned, detailed=False)
    return Exit.ERROR if code is Exit.OK and any(row.unknown for row in rows) else code
