"""`pmtaform apply`: make the hosts what the stack says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pmtaform.cli.asking import approved
from pmtaform.cli.choice import Excludes, Hosts, Targets
from pmtaform.cli.context import Format, settings
from pmtaform.diagnostics import Exit
from pmtaform.diagnostics.codes.command_line import CHOICE_IN_PLAN, CHOICE_IN_RUN
from pmtaform.errors import UsageError

if TYPE_CHECKING:
    from pmtaform.api import Planned, Project
    from pmtaform.plan.document import SavedPlan
    from pmtaform.state import HeldLock

_PLAN_SUFFIXES: Final = {".plan", ".json"}  # a missing file that is called so is reported as a plan file


def apply(
    stack: Annotated[
        str | None,
        typer.Argument(metavar="[STACK | PLANFILE]", help="A stack's name or folder, or a plan saved with --out."),
    ] = None,
    host: Hosts = None,
    target: Targets = None,
    exclude: Excludes = None,
    auto_approve: Annotated[bool, typer.Option("--auto-approve", help="Do not ask.")] = False,
    allow: Annotated[
        list[str] | None, typer.Option("--allow", help="Consent to a danger by its name. Repeatable.")
    ] = None,
    format: Annotated[Format, typer.Option(help="Output format.")] = Format.TEXT,  # noqa: A002
    resume: Annotated[
        str | None, typer.Option("--resume", metavar="RUN", help="Resume this run with its hosts and waves.")
    ] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Also show the text that is written, secrets masked.")] = False,
) -> int:
    """Apply a stack: show the plan, ask for approval, change the hosts.

    A host that rejects the change is rolled back.
    """
    from pmtaform.api import check_allowed, load_plan
    from pmtaform.cli.output import out, plan_view, show
    from pmtaform.report.verdict import verdict

    check_allowed(allow or [])
    project = settings.project()
    saved = _plan_file(stack)
    if saved is not None and (host or target or exclude):
        raise UsageError.of(
            CHOICE_IN_PLAN, "Leave --host, --target and --exclude away, or apply the stack instead of the plan file."
        )
    plan = load_plan(saved) if saved is not None else None
    name = plan.plan.stack if plan is not None else project.load(stack).name
    done: frozenset[str] = frozenset()
    if resume is not None:
        host, target, exclude, done = _resumed(project, name, resume, host, target, exclude, saved)
    with _locked(project, name) as lock:
        planned = _planned(project, stack, plan, host, target, exclude, allow or [], format)
        try:
            if format is Format.TEXT:
                if saved is None:
                    show(plan_view(planned, diff=diff), format)
                else:
                    out(verdict(planned.plan) + "\n")
            return _go(planned, allow or [], format, lock, ask=not auto_approve and saved is None, done=done)
        finally:
            planned.close()


def _resumed(
    project: Project,
    stack: str,
    run: str,
    host: list[str] | None,
    target: list[str] | None,
    exclude: list[str] | None,
    saved: Path | None,
) -> tuple[list[str], list[str], list[str], frozenset[str]]:
    """The choice of an earlier run, and the hosts that it has changed. Raises `UsageError`."""
    from pmtaform.api import resumable

    if host or target or exclude or saved is not None:
        raise UsageError.of(
            CHOICE_IN_RUN, "Leave --host, --target, --exclude and the plan file away: --resume takes them from the run."
        )
    earlier = resumable(project, stack, run)
    choice = earlier.choice
    return list(choice.hosts), list(choice.targets), list(choice.excludes), earlier.done


def _plan_file(name: str | None) -> Path | None:
    """The argument as a plan file, if it is one or is called like one; None: it names a stack."""
    path = Path(name) if name is not None else None
    return path if path is not None and (path.is_file() or path.suffix in _PLAN_SUFFIXES) else None


@contextmanager
def _locked(project: Project, stack: str) -> Iterator[HeldLock]:
    from pmtaform.cli.output import tell

    with project.lock(stack, f"apply {stack}") as held:
        if held.notice is not None:
            tell([held.notice])
        yield held


def _planned(
    project: Project,
    stack: str | None,
    saved: SavedPlan | None,
    host: list[str] | None,
    target: list[str] | None,
    exclude: list[str] | None,
    allow: list[str],
    format: Format,  # noqa: A002
) -> Planned:
    from pmtaform.api import Choice, PlanRequest, make_plan, plan_again
    from pmtaform.cli.output import watching

    with watching(format=format) as watch:
        if saved is not None:
            return plan_again(project, saved, watch=watch)
        choice = Choice(hosts=tuple(host or ()), targets=tuple(target or ()), excludes=tuple(exclude or ()))
        return make_plan(
            project, project.load(stack), PlanRequest(choice=choice, keep_open=True, watch=watch, allow=allow)
        )


def _go(
    planned: Planned,
    allow: list[str],
    format: Format,  # noqa: A002
    lock: HeldLock,
    *,
    ask: bool,
    done: frozenset[str],
) -> int:
    from pmtaform.api import ApplyRequest, apply_plan, check_consent
    from pmtaform.cli.interrupt import AtWork, stopping
    from pmtaform.cli.output import show, watching
    from pmtaform.report.runs import RunView

    check_consent(planned, allow)
    if planned.plan.changed and ask and not approved(_question(planned), format):
        return Exit.ERROR
    at_work = [host.host for host in planned.plan.hosts]
    with watching(at_work, quiet=False, format=format) as watch:
        hosts = AtWork(watch)
        with stopping(planned.stack.name, hosts.told) as stop:
            result = apply_plan(planned, ApplyRequest(allow=allow, done=done, watch=hosts, stop=stop, lock=lock))
    show(RunView(result), format)
    return result.exit_code


def _question(planned: Planned) -> str:
    count = len(planned.plan.changed)
    return f"Apply these changes to {count} host{'' if count == 1 else 's'}?"
