"""A plan in one line, and in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from pmtaform.diagnostics import Kind, Severity
from pmtaform.lang.catalogue import Impact
from pmtaform.plan.findings import errors_of
from pmtaform.plan.model import Action, HostPlan, Left, Plan
from pmtaform.report.style import clean, counted


def verdict(plan: Plan) -> str:
    """The first line of a printed plan."""
    parts = [_changes(plan), _left(plan), _frozen(plan), _busy(plan), _dangers(plan), *_failures(plan), _problems(plan)]
    return " ".join(part for part in parts if part)


def summary(plan: Plan) -> dict[str, Any]:
    """The numbers of a plan, for programs."""
    return {
        **{action.verb: plan.count(action) for action in Action},
        "impact": str(max((host.impact for host in plan.hosts), default=Impact.NONE)),
        "hosts": len(plan.hosts) + len(plan.failures),
        "changed_hosts": len(plan.changed),
        "failed_hosts": len(plan.failures),
        "busy_hosts": len(plan.busy),
        "frozen_hosts": len(_held(plan)),
        "left_different": len(plan.left),
        "dangers": len(plan.dangers),
        "errors": sum(1 for host in plan.hosts for _ in errors_of(host)),
        "adopted": sum(len(host.adopted) for host in plan.hosts),
        "forgotten": sum(len(host.forgotten) for host in plan.hosts),
        "unmanaged": sum(host.unmanaged for host in plan.hosts),
    }


def _changes(plan: Plan) -> str:
    changed = len(plan.changed)
    if changed:
        actions = [f"{plan.count(action)} to {action.verb}" for action in Action if plan.count(action)]
        total = len(plan.hosts) + len(plan.failures)
        hosts = counted(changed, "host") if changed == total else f"{changed} of {counted(total, 'host')}"
        return f"Plan: {', '.join(actions)} on {hosts}; {_impact(plan)}."
    if not plan.hosts:
        return "No host could be planned." if plan.failures else "No hosts are selected."
    settled = len(plan.hosts) - len(plan.busy)
    if not settled:
        return "No changes can be planned yet."
    hosts = counted(settled, "host")
    if plan.left or _protected(plan):
        return f"No changes to make on {hosts}."
    return f'No changes. {hosts} {"is" if settled == 1 else "are"} as the stack "{clean(plan.stack)}" declares.'


def _left(plan: Plan) -> str:
    """How many differences stay, and by what."""
    return differences_stay(left for _, left in plan.left)


def differences_stay(left: Iterable[Left]) -> str:
    """`3 differences stay because of --target (2), lifecycle.ignore (1).`; empty for none."""
    numbers = Counter(each.by for each in left)
    total = sum(numbers.values())
    if not total:
        return ""
    by = ", ".join(f"{name} ({number})" if len(numbers) > 1 else name for name, number in numbers.items())
    return f"{counted(total, 'difference')} {'stays' if total == 1 else 'stay'} because of {by}."


def _held(plan: Plan) -> list[HostPlan]:
    return [host for host in plan.changed if host.frozen]


def _frozen(plan: Plan) -> str:
    number = len(_held(plan))
    return f"{counted(number, 'host')} with changes {'is' if number == 1 else 'are'} frozen." if number else ""


def _impact(plan: Plan) -> str:
    restarts = sum(1 for host in plan.changed if host.impact is Impact.RESTART)
    reloads = sum(1 for host in plan.changed if host.impact is Impact.RELOAD)
    if restarts:
        also = f", a reload on {reloads}" if reloads else ""
        return f"needs a restart on {counted(restarts, 'host')}{also}"
    if not reloads:
        return "needs no reload"
    return "needs a reload" if reloads == len(plan.changed) else f"needs a reload on {counted(reloads, 'host')}"


def _busy(plan: Plan) -> str:
    number = len(plan.busy)
    words = "has a change" if number == 1 else "have changes"
    return (
        f"{counted(number, 'host')} {words} under way that {'is' if number == 1 else 'are'} not confirmed."
        if number
        else ""
    )


def _dangers(plan: Plan) -> str:
    number = len(plan.dangers)
    return f"{counted(number, 'danger')} {'needs' if number == 1 else 'need'} consent." if number else ""


def _failures(plan: Plan) -> list[str]:
    missed = sum(1 for problem in plan.failures.values() if problem.kind is Kind.HOST_UNREACHABLE)
    other = len(plan.failures) - missed
    counts = [(missed, "could not be reached"), (other, "could not be planned")]
    return [f"{counted(number, 'host')} {what}." for number, what in counts if number]


def _problems(plan: Plan) -> str:
    number = _protected(plan)
    return f"{counted(number, 'problem')} {'is' if number == 1 else 'are'} listed below." if number else ""


def _protected(plan: Plan) -> int:
    return sum(1 for host in plan.hosts for note in host.notes if note.severity is Severity.ERROR)
