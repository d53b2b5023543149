"""`--executor`: what a command does over an engine, and what it does in this process."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pmtaform.cli.context import settings
from pmtaform.cli.options import choice_of
from pmtaform.cli.warm import keeping
from pmtaform.diagnostics.codes.command_line import SHARD

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from concurrent.futures import Executor

    from pmtaform.api import DriftReport, HostRow, Planned, PlanRequest, Project
    from pmtaform.execution.engine import Engine
    from pmtaform.rollout.hosts import RunHost
    from pmtaform.stack import Stack

LOCAL: Final = "local"
ExecutorOption = Annotated[
    str | None,
    typer.Option("--executor", help="The engine in pmtaform.yaml that works on the hosts; local: this process."),
]
WorkersOption = Annotated[
    str | None,
    typer.Option("--workers", metavar="N|auto", help="Compare hosts in this many processes of this machine."),
]


@dataclass(frozen=True, slots=True)
class Working:
    """What works on hosts: workers behind an engine, or this process, with processes that compute for it."""

    engine: Engine | None = None
    pool: Executor | None = None


@contextmanager
def working_by(project: Project, executor: str | None, workers: str | None) -> Iterator[Working]:
    """What the options name, until the end of the block."""
    from pmtaform.execution.choosing import engine_of, pool_of

    with pool_of(workers, executor) as pool, engine_of(project, LOCAL if workers else executor) as engine:
        yield Working(engine, pool)


def planned_by(
    working: Working, project: Project, stack: Stack, request: PlanRequest, *, diff: bool = False
) -> Planned:
    """The plan, made by workers where there is an engine."""
    engine = working.engine
    if engine is None:
        from pmtaform.api import make_plan

        return make_plan(project, stack, replace(request, executor=working.pool))
    from pmtaform.execution.fleet import plan_over

    return plan_over(engine, project, stack, request, wants_diff=diff)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookOptions:
    """The options of a command that only looks at hosts."""

    host: list[str] | None
    shard: str | None
    executor: str | None
    workers: str | None
    keep_warm: bool


def looked(stack: str | None, options: LookOptions) -> tuple[Working, Planned]:
    """What the hosts of a stack have, and what looked at them. A stack with errors is looked at all the same."""
    from pmtaform.api import PlanRequest
    from pmtaform.cli.output import tell, watching

    project = settings.project()
    loaded = project.load(stack)
    choice = choice_of(options.host, options.shard)
    names = tuple(choice.select(loaded))
    with (
        keeping(options.keep_warm),
        working_by(project, options.executor, options.workers) as working,
        watching(names) as watch,
    ):
        planned = planned_by(working, project, loaded, PlanRequest(choice=choice, watch=watch, validate=False))
    tell(note for note in planned.plan.notes if SHARD.describes(note))
    return working, planned


def drift_by(working: Working, planned: Planned) -> dict[str, DriftReport]:
    """The drift of the hosts of a plan."""
    if working.engine is None:
        from pmtaform.api import drift_of

        return drift_of(planned)
    from pmtaform.execution.fleet import drift_over

    return drift_over(planned)


def rows_by(working: Working, planned: Planned) -> list[HostRow]:
    """A row for every host of a plan."""
    if working.engine is None:
        from pmtaform.api import fleet_of

        return fleet_of(planned, planned.stack.operations)
    from pmtaform.execution.fleet import rows_over

    return rows_over(planned)


def hosts_by(working: Working, planned: Planned, allow: Collection[str]) -> Sequence[RunHost] | None:
    """The hosts that workers change; None: this process changes them."""
    if working.engine is None:
        return None
    from pmtaform.execution.fleet import PlannedByWorkers
    from pmtaform.execution.remote import hosts_over

    assert isinstance(planned, PlannedByWorkers)
    return hosts_over(planned, allow)
