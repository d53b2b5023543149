"""Lint a stack: the rules run on what each host should have, and findings point to the stack's own lines."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.diagnostics.codes.values import MISPLACED_DIRECTIVE, MISPLACED_SECTION, UNKNOWN_DIRECTIVE, UNKNOWN_SECTION
from pmtaform.lang.blocks import SETTING, Address
from pmtaform.lang.includes import Configuration, include_path, single
from pmtaform.lang.joined import joined
from pmtaform.lang.lint import Subject, lint
from pmtaform.lang.lint.suppress import has_suppressions
from pmtaform.lang.tree import decode, split_lines
from pmtaform.model.desired import Desired, Unmanaged
from pmtaform.stack.signing import not_signing, without_doubles
from pmtaform.stack.stack import Stack

# What a stack's own check says of a line, and lint says better.
_SAID_BETTER = (UNKNOWN_DIRECTIVE, UNKNOWN_SECTION, MISPLACED_DIRECTIVE, MISPLACED_SECTION)

_Key = tuple[str, str, str]  # code, place, detail


class StackLint:
    """Lint's errors and warnings on the hosts of a stack. One host after the other: no configuration is kept."""

    def __init__(self) -> None:
        self._by_line: dict[_Key, Diagnostic] = {}
        self._hosts: dict[_Key, list[str]] = {}
        self._sources: dict[str, list[str]] | None = None

    def add(self, stack: Stack, desired: Desired) -> None:
        """Lint what a host of the stack should have."""
        if self._sources is None:
            self._sources = sources_of(stack)
        subject = subject_of(desired, self._sources, stack.powermta)
        unused = list(not_signing(desired, subject.configuration, whole=subject.whole))
        linted = (each.diagnostic() for each in lint(subject) if each.severity is not Severity.INFO)
        for each in (*unused, *without_doubles(linted, unused)):
            key = (each.code, str(each.place), each.detail)
            self._by_line.setdefault(key, each)
            self._hosts.setdefault(key, []).append(desired.host)

    def with_own(self, stack: Stack, findings: Sequence[Diagnostic]) -> list[Diagnostic]:
        """The findings of the stack's own check, and those of lint; what both find is reported once."""
        linted = [_on_hosts(each, self._hosts[key], len(stack.hosts)) for key, each in self._by_line.items()]
        lines = {_line(diagnostic) for diagnostic in linted}
        graver = {(d.code, _line(d)) for d in linted if d.severity is Severity.ERROR}
        unreplaced = [
            d
            for d in findings
            if (not d.is_any_of(*_SAID_BETTER) or _line(d) not in lines)
            and (d.severity is Severity.ERROR or (d.code, _line(d)) not in graver)
        ]
        same = {(d.code, _line(d)) for d in unreplaced}
        return unreplaced + [d for d in linted if (d.code, _line(d)) not in same]


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
    """The lines of the files of a stack that have suppressions.

    Every host is linted with all of them, so files without any would cost their lines once for each host.
    """
    lines = StackLines(stack)
    return {name: split_lines(text) for name in stack.files if has_suppressions(text := lines.text(name))}


class StackLines(Mapping[str, Sequence[str]]):
    """The lines of every file of a stack, read when they are asked for."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def __getitem__(self, name: str) -> Sequence[str]:
        if name not in self._stack.files:
            raise KeyError(name)
        return split_lines(self.text(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._stack.files)

    def __len__(self) -> int:
        return len(self._stack.files)

    def text(self, name: str) -> str:
        """The text of a file; empty if it has gone."""
        try:
            return decode((self._stack.folder / name.removeprefix(self._stack.shown + "/")).read_bytes())
        except OSError:
            return ""


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
