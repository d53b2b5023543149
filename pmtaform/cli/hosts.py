"""`pmtaform hosts`: the fleet at a glance."""

from __future__ import annotations

from pmtaform.cli.context import Format
from pmtaform.cli.executing import ExecutorOption, LookOptions, WorkersOption, looked, rows_by
from pmtaform.cli.options import FormatOption, Hosts, ShardOption, StackArgument
from pmtaform.cli.plan import plan_exit
from pmtaform.cli.warm import KeepWarm
from pmtaform.diagnostics import Exit


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
    from pmtaform.cli.output import show
    from pmtaform.report.hosts import HostTable

    working, planned = looked(
        stack, LookOptions(host=host, shard=shard, executor=executor, workers=workers, keep_warm=keep_warm)
    )
    rows = rows_by(working, planned)
    show(HostTable(planned.stack.name, rows), format)
    code = plan_exit(planned, detailed=False)
    return Exit.ERROR if code is Exit.OK and any(row.unknown for row in rows) else code
