"""Hosts with the same changes, and remarks that are true of several hosts, together."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.plan.model import Change, HostPlan, Plan
from pmtaform.report.alike import without_particulars
from pmtaform.report.style import Style, counted, named

T = TypeVar("T", bound=Hashable)

FEW: Final = 20  # hosts that are shown one by one; of more, those with the same result are shown together


@dataclass(frozen=True, slots=True)
class HostGroup:
    """Hosts that change alike. A place that is not the same for all of them is left out of `changes`."""

    hosts: tuple[str, ...]
    changes: tuple[Change, ...]
    versions: tuple[str, ...] = ()


def groups(plan: Plan) -> list[HostGroup]:
    """The hosts with changes, those that change alike together, in the order of the plan."""
    alike: dict[tuple[Change, ...], list[HostPlan]] = {}
    for host in plan.changed:
        alike.setdefault(tuple(_placeless(change) for change in host.changes), []).append(host)
    return [_group(hosts) for hosts in alike.values()]


def notes(plan: Plan) -> list[tuple[Diagnostic, list[str]]]:
    """Every note once, with the hosts that it is about; those of the run as a whole come first, and have none."""
    pairs = ((replace(note, host=None), host.host) for host in plan.hosts for note in host.notes)
    own: list[tuple[Diagnostic, list[str]]] = [(note, []) for note in plan.notes]
    return own + together(pairs)


def collected(pairs: Iterable[tuple[T, str]]) -> list[tuple[T, list[str]]]:
    """Each thing once, with the names that it was paired with, in order."""
    names_of: dict[T, list[str]] = {}
    for thing, name in pairs:
        names_of.setdefault(thing, []).append(name)
    return list(names_of.items())


def listed(hosts: Sequence[str], style: Style) -> str:
    """The names of hosts that are shown together, and how many they are where there are several."""
    several = f" ({counted(len(hosts), 'host')})" if len(hosts) > 1 else ""
    return style(named(hosts), "bold", "cyan") + several


def hostless(problem: Diagnostic) -> Diagnostic:
    """The problem as an error without its host, so that the same one of many hosts is shown once."""
    return replace(problem, host=None, severity=Severity.ERROR)


def together(pairs: Iterable[tuple[Diagnostic, str]]) -> list[tuple[Diagnostic, list[str]]]:
    """Each problem once, with the hosts that have it. Of many hosts, the first of those that differ in names alone."""
    same = collected(pairs)
    if len(same) <= FEW:
        return same
    alike: dict[Hashable, tuple[Diagnostic, list[str]]] = {}
    for problem, hosts in same:
        key = (problem.code, problem.severity, problem.summary, without_particulars(problem.detail))
        alike.setdefault(key, (problem, []))[1].extend(hosts)
    return list(alike.values())


def _placeless(change: Change) -> Change:
    values = tuple(replace(value, place=None) for value in change.values)
    return replace(change, place=None, values=values)


def _group(hosts: list[HostPlan]) -> HostGroup:
    changes = tuple(
        change if all(host.changes[i].place == change.place for host in hosts) else replace(change, place=None)
        for i, change in enumerate(hosts[0].changes)
    )
    versions = tuple(dict.fromkeys(host.version for host in hosts if host.version))
    return HostGroup(tuple(host.host for host in hosts), changes, versions)
