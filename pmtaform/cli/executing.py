"""`--executor`: what a command does over an engine, and what it does in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pmtaform.api import DriftReport, HostRow, Planned, PlanRequest, Project
    from pmtaform.execution.engine import Engine
    from pmtaform.rollout.hosts import RunHost
    from pmtaform.stack import Stack

ExecutorOption = Annotated[
    str | None,
    typer.Option("--executor", help="The engine in pmtaform.yaml that works on the hosts; local: this process."),
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=1, help="Work on the hosts in this many processes of this machine.")
]


def planned_by(
    engine: Engine | None, project: Project, stack: Stack, request: PlanRequest, *, diff: bool = False
) -> Planned:
    """The plan, made by workers where there is an engine."""
    if engine is None:
        from pmtaform.api import make_plan

        return make_plan(project, stack, request)
    from pmtaform.execution.fleet import plan_over

    return plan_over(engine, project, stack, request, wants_diff=diff)


def drift_by(engine: Engine | None, planned: Planned) -> dict[str, DriftReport]:
    """The drift of the hosts of a plan."""
    if engine is None:
        from pmtaform.api import drift_of

        return drift_of(planned)
    from pmtaform.execution.fleet import drift_over

    return drift_over(planned)


def rows_by(engine: Engine | None, planned: Planned) -> list[HostRow]:
    """A row for every host of a plan."""
    if engine is None:
        from pmtaform.api import fleet_of

        return fleet_of(planned, planned.stack.operations)
    from pmtaform.execution.fleet import rows_over

    return rows_over(planned)


def hosts_by(engine: Engine | None, planned: Planned, allow: Collection[str]) -> Sequence[RunHost] | None:
    """The hosts that workers change; None: this process changes them."""
    if engine is None:
        return None
    from pmtaform.execution.fleet import PlannedElsewhere
    from pmtaform.execution.remote import hosts_over

    assert isinstance(planned, PlannedElsewhere)
    return hosts_over(planned, allow)
