"""`pmtaform drift`: what changed on hosts since the last apply."""

from __future__ import annotations

from pmtaform.cli.context import Format
from pmtaform.cli.executing import ExecutorOption, LookOptions, WorkersOption, drift_by, looked
from pmtaform.cli.options import DetailedExitCode, FormatOption, Hosts, ShardOption, StackArgument
from pmtaform.cli.plan import plan_exit
from pmtaform.cli.warm import KeepWarm
from pmtaform.diagnostics import Exit


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
    from pmtaform.cli.output import show
    from pmtaform.report.drifts import DriftTable

    working, planned = looked(
        stack, LookOptions(host=host, shard=shard, executor=executor, workers=workers, keep_warm=keep_warm)
    )
    reports = drift_by(working, planned)
    show(DriftTable(reports, planned.plan.failures), format)
    code = plan_exit(planned, detailed=False)
    if code is Exit.OK and any(report.unknown for report in reports.values()):
        return Exit.ERROR  # what is not known is not "no drift"
    if code is Exit.OK and detailed_exitcode and any(report.drifted for report in reports.values()):
        return Exit.CHANGES
    return code
