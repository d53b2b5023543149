"""Lint files of this machine, a stack, or a live host."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pmtaform.diagnostics import Diagnostic, Place
from pmtaform.host_specs import host_spec
from pmtaform.lang.catalogue import GLOBAL, catalogue
from pmtaform.lang.includes import Configuration
from pmtaform.lang.lint import FileFacts, Finding, Subject, lint
from pmtaform.lang.lint.facts import Facts
from pmtaform.lang.lint.references import named_file
from pmtaform.lang.parsing import parse
from pmtaform.lang.tree import Directive
from pmtaform.sources import DEFAULTS, LoadedConfiguration, read_host, read_path
from pmtaform.stack import Stack, compile_host
from pmtaform.stack.linting import StackLines, sources_of, subject_of
from pmtaform.stack.resolve import resolver_for

_MOST_AT_A_PLACE = 5
_INCLUDED = ("smtp-pattern-list", "domain", "virtual-mta", "source")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChoice:
    """Which rules to ask. `ignored`: findings that a comment ignores are wanted, too."""

    only: Collection[str] | None = None
    disabled: Collection[str] = ()
    enabled: Collection[str] = ()
    ignored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Linted:
    """What was linted, and what was found. `files` maps the configuration's paths to files of this machine.

    `findings` are what a person reads: a few of what is found again and again at one place. `every` has them all.
    `notes` are about the source as a whole, such as a host's change that is not confirmed. `subjects` has those that
    are read from files or a host; what a stack would give to its hosts is not kept.
    """

    findings: tuple[Finding, ...]
    every: tuple[Finding, ...] = ()
    subjects: tuple[Subject, ...] = field(repr=False, default=())
    files: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, Sequence[str]] = field(repr=False, default_factory=dict)
    notes: tuple[Diagnostic, ...] = ()

    def line(self, place: Place) -> str | None:
        """The line of a file at a place, if it was read."""
        lines = self.sources.get(place.file)
        return lines[place.line - 1] if lines and place.line and place.line <= len(lines) else None


# -- files of this machine -----------------------------------------------------------------------------------------


def lint_path(path: Path, choice: RuleChoice, *, version: str | None = None) -> Linted:
    """Lint a file or folder with what it includes. Raises `UsageError` when it cannot be read."""
    loaded = read_path(path, _named_files)
    configuration = loaded.configuration
    whole = path.is_dir() or _is_whole(configuration, path.name)
    subject = Subject(
        configuration=configuration if whole else _in_its_section(configuration),
        whole=whole,
        defaults=_defaults(loaded),
        version=version,
        files=_facts(loaded),
    )
    return linted([subject], choice, loaded.real, notes=loaded.notes)


def _named_files(configuration: Configuration) -> frozenset[str]:
    """The files that a configuration names, beside those that it includes."""
    facts = Facts(Subject(configuration=configuration))
    return frozenset(path for line in facts.lines if (path := named_file(line)))


def _facts(loaded: LoadedConfiguration) -> dict[str, FileFacts] | None:
    """The facts on a configuration's own files and on those that it names, where they are known."""
    if loaded.modes is None:
        return None
    return {path: FileFacts(exists=mode is not None, mode=mode) for path, mode in loaded.modes.items()}


def _defaults(loaded: LoadedConfiguration) -> Configuration | None:
    """The vendor's defaults, unless the configuration includes them itself."""
    return None if DEFAULTS in loaded.configuration.trees else loaded.defaults


def _is_whole(configuration: Configuration, name: str) -> bool:
    """Whether a single file is all of a configuration: by its name, or by what no configuration is without."""
    if name in ("config", "config.dat"):
        return True
    facts = Facts(Subject(configuration=configuration))
    return any(facts.settings(word) or facts.top(word) for word in ("log-file", "spool"))


def _in_its_section(configuration: Configuration) -> Configuration:
    """A file whose lines are valid inside one kind of section only is read as if it were there."""
    tree = configuration.tree
    names = [node.name for node in tree.children if isinstance(node, Directive)]
    known = catalogue()
    if not names or all(known.directive(GLOBAL, name) for name in names):
        return configuration
    for scope in _INCLUDED:
        if all(known.directive(scope, name) for name in names):
            read = parse(str(tree), tree.path, scope=scope)
            trees = {**configuration.trees, tree.path: read}
            return replace(configuration, trees=trees)
    return configuration


# -- stacks --------------------------------------------------------------------------------------------------------


def lint_stack(
    stack: Stack, choice: RuleChoice, *, hosts: Iterable[str] | None = None, version: str | None = None
) -> Linted:
    """Lint what every host of a stack (or those in `hosts`) would have; findings point to the stack's own lines."""
    sources = sources_of(stack)
    subjects = (
        subject_of(compile_host(stack, name), sources, version or stack.powermta)
        for name in (stack.hosts if hosts is None else hosts)
    )
    return linted(subjects, choice, {}, StackLines(stack))


# -- a live host ---------------------------------------------------------------------------------------------------


def lint_host(stack: Stack, name: str, choice: RuleChoice, *, version: str | None = None) -> Linted:
    """Lint the live configuration of a host; nothing is changed. Raises `HostError` and `Unreachable`."""
    loaded = read_host(host_spec(stack, stack.hosts[name], resolver_for(stack)), _named_files)
    subject = Subject(
        configuration=loaded.configuration,
        defaults=_defaults(loaded),
        version=version or loaded.version or stack.powermta,
        files=_facts(loaded),
        host=name,
    )
    return linted([subject], choice, {}, notes=loaded.notes)


# -- together ------------------------------------------------------------------------------------------------------


def linted(
    subjects: Iterable[Subject],
    choice: RuleChoice,
    local: Mapping[str, str],
    sources: Mapping[str, Sequence[str]] | None = None,
    notes: tuple[Diagnostic, ...] = (),
) -> Linted:
    """Run the rules on every subject. A finding of several hosts is reported once, without a host's name."""
    findings: dict[tuple[object, ...], Finding] = {}
    kept: list[Subject] = []
    lines: dict[str, Sequence[str]] = {}
    for subject in subjects:
        if not subject.in_stack:  # the hosts of a stack may be many, and what they get is not edited by hand
            kept.append(subject)
        for path, tree in subject.configuration.trees.items():
            if tree.origins is None:
                lines.setdefault(local.get(path, path), tree.lines)
        for finding in _found(subject, choice):
            shared = _local(finding, local)
            key = (shared.rule.code, shared.place, shared.detail)
            before = findings.get(key)
            findings[key] = shared if before is None or before.host == shared.host else replace(before, host=None)
    told_of = _few_at_each_place(findings.values())
    return Linted(
        findings=told_of,
        every=tuple(findings.values()),
        subjects=tuple(kept),
        files=local,
        sources=sources if sources is not None else lines,
        notes=notes,
    )


def _found(subject: Subject, choice: RuleChoice) -> list[Finding]:
    return lint(subject, only=choice.only, disabled=choice.disabled, enabled=choice.enabled, ignored=choice.ignored)


def _few_at_each_place(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Of what one rule finds again and again at one place (in each round of a stack's loop), the first few."""
    counts: dict[tuple[str, Place], int] = {}
    limited: dict[tuple[str, Place, int], Finding] = {}
    for finding in findings:
        where = (finding.rule.code, finding.place)
        counts[where] = counts.get(where, 0) + 1
        if counts[where] <= _MOST_AT_A_PLACE or finding.place.line is None:
            limited[*where, counts[where]] = finding
    for where, count in counts.items():
        last = limited[*where, min(count, _MOST_AT_A_PLACE)]
        if count > _MOST_AT_A_PLACE and last.place.line is not None:
            more = f" (And {count - _MOST_AT_A_PLACE} more of the same at this place.)"
            limited[*where, _MOST_AT_A_PLACE] = replace(last, detail=last.detail + more)
    return tuple(limited.values())


def _local(finding: Finding, local: Mapping[str, str]) -> Finding:
    """The finding with its places in files of this machine."""

    def here(place: Place) -> Place:
        return replace(place, file=local[place.file]) if place.file in local else place

    return replace(finding, place=here(finding.place), related=tuple(here(place) for place in finding.related))
