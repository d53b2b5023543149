"""`pmtaform apply`: change the hosts to what the stack declares."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pmtaform.cli.asking import approved
from pmtaform.cli.context import Format, settings
from pmtaform.cli.executing import ExecutorOption, WorkersOption, Working, hosts_by, planned_by, working_by
from pmtaform.cli.options import (
    Allowed,
    AutoApprove,
    Excludes,
    FormatOption,
    Hosts,
    ShardOption,
    Targets,
    WithDiff,
    choice_of,
)
from pmtaform.diagnostics import Exit
from pmtaform.diagnostics.codes.command_line import CHOICE_IN_PLAN, CHOICE_IN_RUN
from pmtaform.errors import UsageError

if TYPE_CHECKING:
    from pmtaform.api import Choice, Planned, Project
    from pmtaform.plan.document import SavedPlan
    from pmtaform.state import HeldLock

_PLAN_SUFFIXES: Final = {".plan", ".json"}  # a missing file that is called so is reported as a plan file

_StackOrPlan = Annotated[
    str | None,
    typer.Argument(metavar="[STACK | PLANFILE]", help="A stack's name or folder, or a plan saved with --out."),
]
_Resume = Annotated[
    str | None, typer.Option("--resume", metavar="RUN", help="Resume this run with its hosts and waves.")
]


def apply(
    stack: _StackOrPlan = None,
    host: Hosts = None,
    target: Targets = None,
    exclude: Excludes = None,
    shard: ShardOption = None,
    auto_approve: AutoApprove = False,
    allow: Allowed = None,
    format: FormatOption = Format.TEXT,
    resume: _Resume = None,
    diff: WithDiff = False,
    executor: ExecutorOption = None,
    workers: WorkersOption = None,
) -> int:
    """Apply a stack: show the plan, ask for approval, change the hosts.

    A host that rejects the change is rolled back.
    """
    from pmtaform.api import Choice, check_allowed, load_plan, resumable
    from pmtaform.cli.output import refusals

    check_allowed(allow or [])
    project = settings.project()
    saved = _plan_file(stack)
    choice = choice_of(host, shard, targets=target, excludes=exclude)
    if saved is not None and choice != Choice():
        raise UsageError.of(
            CHOICE_IN_PLAN, "Omit --host, --target, --exclude and --shard, or apply the stack instead of the plan file."
        )
    plan = load_plan(saved) if saved is not None else None
    name = plan.plan.stack if plan is not None else project.load(stack).name
    done: frozenset[str] = frozenset()
    if resume is not None:
        if saved is not None or choice != Choice():
            raise _choice_in_run()
        earlier = resumable(project, name, resume)
        choice, done = earlier.choice, earlier.done
    ask = not auto_approve and saved is None
    with refusals(format), working_by(project, executor, workers) as working, _locked(project, name) as lock:
        request = _Request(choice, tuple(allow or ()), format, lock, ask=ask, done=done, working=working)
        return _run(project, stack, plan, request, diff=diff)


@dataclass(frozen=True, slots=True)
class _Request:
    """How a stack is to be applied: `done` are the hosts that an earlier run has changed."""

    choice: Choice
    allow: tuple[str, ...]
    format: Format
    lock: HeldLock
    ask: bool
    done: frozenset[str]
    working: Working


def _run(project: Project, stack: str | None, saved: SavedPlan | None, request: _Request, *, diff: bool) -> int:
    """Plan, show the plan, and change the hosts."""
    from pmtaform.cli.output import out, plan_view, show
    from pmtaform.report.verdict import verdict

    planned = _planned(project, stack, saved, request, diff=diff)
    try:
        if request.format is Format.TEXT:
            if saved is None:
                show(plan_view(planned, diff=diff), request.format)
            else:
                out(verdict(planned.plan) + "\n")
        return _go(planned, request)
    finally:
        planned.close()


def _choice_in_run() -> UsageError:
    return UsageError.of(
        CHOICE_IN_RUN, "Omit --host, --target, --exclude, --shard and the plan file: --resume takes them from the run."
    )


def _plan_file(name: str | None) -> Path | None:
    """The argument as a plan file, if it is one or is called like one; None: it names a stack."""
    path = Path(name) if name is not None else None
    return path if path is not None and (path.is_file() or path.suffix in _PLAN_SUFFIXES) else None


@contextmanager
def _locked(project: Project, stack: str) -> Iterator[HeldLock]:
    from pmtaform.cli.output import tell

    with project.lock(stack, f"apply {stack}") as held:
        tell(held.notices)
        yield held


def _planned(project: Project, stack: str | None, saved: SavedPlan | None, request: _Request, *, diff: bool) -> Planned:
    from pmtaform.api import PlanRequest, plan_again
    from pmtaform.cli.output import watching

    make = partial(planned_by, request.working)
    if saved is not None:
        with watching([host.host for host in saved.plan.hosts], format=request.format) as watch:
            return plan_again(project, saved, watch=watch, make=make)
    loaded = project.load(stack)
    with watching(tuple(request.choice.select(loaded)), format=request.format) as watch:
        wanted = PlanRequest(choice=request.choice, keep_open=True, watch=watch, allow=request.allow)
        return make(project, loaded, wanted, diff=diff)


def _go(planned: Planned, request: _Request) -> int:
    from pmtaform.api import ApplyRequest, apply_plan, check_consent
    from pmtaform.cli.interrupt import AtWork, stopping
    from pmtaform.cli.output import show, watching
    from pmtaform.report.runs import RunView

    allow, format = request.allow, request.format
    check_consent(planned, allow)
    elsewhere = hosts_by(request.working, planned, allow)
    if planned.plan.changed and request.ask and not approved(_question(planned), format):
        return Exit.ERROR
    at_work = [host.host for host in planned.plan.hosts]
    with watching(at_work, quiet=False, format=format) as watch:
        hosts = AtWork(watch)
        with stopping(planned.stack.name, hosts.told) as stop:
            how = ApplyRequest(
                allow=allow, done=request.done, watch=hosts, stop=stop, lock=request.lock, hosts=elsewhere
            )
            result = apply_plan(planned, how)
    show(RunView(result), format)
    return result.exit_code


def _question(planned: Planned) -> str:
    count = len(planned.plan.changed)
    return f"Apply these changes to {count} host{'' if count == 1 else 's'}?"
