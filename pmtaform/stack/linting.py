"""Lint a stack: the rules run on what each host should have, and findings point to the stack's own lines."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.diagnostics.codes.values import MISPLACED_DIRECTIVE, MISPLACED_SECTION, UNKNOWN_DIRECTIVE, UNKNOWN_SECTION
from pmtaform.lang.blocks import SETTING, Address
from pmtaform.lang.includes import Configuration, include_path, single
from pmtaform.lang.joined import joined
from pmtaform.lang.lint import Subject, lint
from pmtaform.lang.tree import split_lines
from pmtaform.model.desired import Desired, Unmanaged
from pmtaform.stack.compile import compile_host
from pmtaform.stack.signing import not_signing, without_doubles
from pmtaform.stack.stack import Stack

# What a stack's own check says of a line, and lint says better.
_SAID_BETTER = (UNKNOWN_DIRECTIVE, UNKNOWN_SECTION, MISPLACED_DIRECTIVE, MISPLACED_SECTION)


def with_lint(stack: Stack, findings: Sequence[Diagnostic]) -> list[Diagnostic]:
    """The findings of a stack's own check, and lint's errors and warnings; what both find is reported once."""
    sources = sources_of(stack)
    by_line: dict[tuple[str, str, str], Diagnostic] = {}
    hosts: dict[tuple[str, str, str], list[str]] = {}
    for name in stack.hosts:
        desired = compile_host(stack, name)
        subject = subject_of(desired, sources, stack.powermta)
        unused = list(not_signing(desired, subject.configuration, whole=subject.whole))
        linted = (each.diagnostic() for each in lint(subject) if each.severity is not Severity.INFO)
        for each in (*unused, *without_doubles(linted, unused)):
            key = (each.code, str(each.place), each.detail)
            by_line.setdefault(key, each)
            hosts.setdefault(key, []).append(name)
    by_line = {key: _on_hosts(each, hosts[key], len(stack.hosts)) for key, each in by_line.items()}
    lines = {_line(diagnostic) for diagnostic in by_line.values()}
    graver = {(d.code, _line(d)) for d in by_line.values() if d.severity is Severity.ERROR}
    unreplaced = [
        d
        for d in findings
        if (not d.is_any_of(*_SAID_BETTER) or _line(d) not in lines)
        and (d.severity is Severity.ERROR or (d.code, _line(d)) not in graver)
    ]
    same = {(d.code, _line(d)) for d in unreplaced}
    return unreplaced + [d for d in by_line.values() if (d.code, _line(d)) not in same]


def _on_hosts(diagnostic: Diagnostic, hosts: Sequence[str], of: int) -> Diagnostic:
    """One finding for all its hosts: with their number and names, unless it concerns every host."""
    if len(hosts) == 1:
        return replace(diagnostic, host=hosts[0] if of > 1 else None)
    general = replace(diagnostic, host=None)
    if len(hosts) == of:
        return general
    return replace(general, detail=f"{general.detail} (On {len(hosts)} of {of} hosts: {', '.join(hosts)}.)")


def _line(diagnostic: Diagnostic) -> tuple[str, int | None] | None:
    return (diagnostic.place.file, diagnostic.place.line) if diagnostic.place else None


def sources_of(stack: Stack) -> dict[str, list[str]]:
    """The lines of every file of a stack, in which suppressions are looked for."""
    return {name: _lines(stack, name) for name in stack.files}


def _lines(stack: Stack, name: str) -> list[str]:
    inner = name.removeprefix(stack.shown + "/")
    try:
        return split_lines((stack.folder / inner).read_bytes().decode("utf-8", "surrogateescape"))
    except OSError:
        return []


def subject_of(desired: Desired, sources: Mapping[str, Sequence[str]], version: str | None) -> Subject:
    """The desired configuration of a host as a subject of lint; findings point to the stack's own lines."""
    configuration, complete = as_configuration(desired)
    settings = {a.key for a in desired.blocks if a.kind == SETTING} | {a.kind for a in desired.blocks}
    return Subject(
        configuration=configuration,
        whole=complete and (desired.unmanaged is Unmanaged.REMOVE or {"log-file", "spool"} <= settings),
        version=version,
        sources=sources,
        in_stack=True,
        elsewhere=not complete,
        host=desired.host,
    )


def as_configuration(desired: Desired) -> tuple[Configuration, bool]:
    """What a host should have as one tree, every line with its origin; and whether no include leads elsewhere."""
    own = set(desired.files.values())
    includes = [address for address in desired.blocks if address.kind == "include"]
    others = (block for address, block in desired.blocks.items() if address.kind != "include")
    tree = joined((part for block in others for part in block.parts), desired.config)
    return single(tree), all(_leads_to(address, own) for address in includes)


def _leads_to(address: Address, files: Collection[str]) -> bool:
    return include_path(address.key) in files
