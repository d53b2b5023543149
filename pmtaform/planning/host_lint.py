"""Lint findings in the configuration that a host will have: its live configuration with the plan's edits.

What the plan causes is reported, and what is in a block that it writes; an error among that stops an apply. What was
there before in other blocks is not looked for: `pmtaform lint --host` reports it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from pmtaform.diagnostics import Diagnostic, Place, Severity
from pmtaform.inspection.reading import reading_of
from pmtaform.inspection.survey import Survey
from pmtaform.lang.blocks import Address, BlockPart, directives_in, spec_of
from pmtaform.lang.catalogue import GLOBAL
from pmtaform.lang.lint import FileFacts, Finding, Subject
from pmtaform.lang.lint.changes import Judged, lint_change
from pmtaform.lang.lint.secrets import clear_detail, plain_text_secret
from pmtaform.lang.lint.suppress import suppressions, without_suppressed
from pmtaform.lang.secrecy import holds_secret
from pmtaform.lang.tree import Section
from pmtaform.model.desired import Desired
from pmtaform.plan.model import Action

_TYPED: Final = (".yaml", ".yml")


class HostLinter:
    """Lints the configurations that the hosts of one stack will have.

    `powermta` is the version that the stack is for, and `sources` are its files with suppressions.
    """

    def __init__(self, powermta: str | None, sources: Mapping[str, list[str]]) -> None:
        self._powermta, self._sources = powermta, sources

    def findings(self, survey: Survey) -> Iterator[Diagnostic]:
        """The findings on the host's configuration after the plan, without the host's name."""
        reading = reading_of(survey)
        version = survey.snapshot.version or self._powermta
        files = _files_before(survey)
        before = Subject(configuration=reading.before, version=version, files=files, all_read=True)
        after = replace(before, configuration=reading.after, files=files | _files_changed(survey))
        written = _written(survey)
        judgements = [*_placed(survey, lint_change(before, after, written)), *_secrets(survey.target.desired, written)]
        for judged in self._not_suppressed(judgements, after):
            yield from _shown(judged)

    def _not_suppressed(self, judged: list[Judged], after: Subject) -> Iterator[Judged]:
        if not judged:
            return
        remaining = without_suppressed([j.finding for j in judged], suppressions(replace(after, sources=self._sources)))
        ids = {id(finding) for finding in remaining}
        yield from (j for j in judged if id(j.finding) in ids)


def _written(survey: Survey) -> set[Address | None]:
    """The blocks that the plan writes."""
    changes = survey.plan.changes
    return {Address.parse(change.address) for change in changes if change.action is not Action.DELETE}


def _files_before(survey: Survey) -> dict[str, FileFacts]:
    facts = {path: FileFacts() for path in survey.snapshot.files}
    return facts | {path: FileFacts(exists=False) for path in survey.snapshot.missing}


def _files_changed(survey: Survey) -> dict[str, FileFacts]:
    difference = survey.difference
    facts = {path: FileFacts(exists=False) for path in difference.remove_keys}
    written = (*difference.edits, *(k.path for k in difference.write_keys), *(f.path for f in difference.write_files))
    return facts | {path: FileFacts() for path in written}


def _secrets(desired: Desired, written: set[Address | None]) -> Iterator[Judged]:
    """The secrets in clear text that native files of the stack bring; those of typed lines came by reference."""
    rule = plain_text_secret
    for address, block in desired.blocks.items():
        if address not in written:
            continue
        for part, path, directive in directives_in(block):
            place = part.tree.place(directive.line)
            spec = spec_of(path[-1].partition("[")[0] if path else _scope(part), directive.name)
            if spec is not None and not place.file.endswith(_TYPED) and holds_secret(spec, directive.value):
                detail = clear_detail(spec.name, directive.value)
                finding = Finding(rule=rule, severity=rule.severity, place=place, detail=detail)
                yield Judged(finding, address, is_new=True)


def _scope(part: BlockPart) -> str:
    return part.node.tag if isinstance(part.node, Section) else GLOBAL


# -- places ------------------------------------------------------------------------------------------------------------


def _placed(survey: Survey, judged: list[Judged]) -> list[Judged]:
    """The findings at the stack's own lines, or at those that the host has now."""
    placed = []
    for each in judged:
        place = _place(survey, each.finding, each.address)
        related = tuple(_host_place(survey, other) for other in each.finding.related)
        placed.append(replace(each, finding=replace(each.finding, place=place, end_column=None, related=related)))
    return placed


def _place(survey: Survey, finding: Finding, address: Address | None) -> Place:
    place = finding.place
    tree = reading_of(survey).after.trees.get(place.file)
    if tree is None or place.line is None or address is None:
        return _host_place(survey, place)
    return _stack_place(survey.target.desired, address, tree.lines[place.line - 1]) or _host_place(survey, place)


def _stack_place(desired: Desired, address: Address, raw: str) -> Place | None:
    """Where a stack declares a line of a block."""
    block = desired.blocks.get(address)
    wanted = raw.split()
    for part in block.parts if block is not None else ():
        for number in range(part.node.line, part.node.end + 1):
            if part.tree.lines[number - 1].split() == wanted:
                return part.tree.place(number)
    return None


def _host_place(survey: Survey, place: Place) -> Place:
    edit = survey.difference.edits.get(place.file)
    if edit is None or place.line is None:
        return replace(place, column=None)
    return Place(place.file, edit.line_before(place.line))


# -- diagnostics -------------------------------------------------------------------------------------------------------


def _shown(judged: Judged) -> Iterator[Diagnostic]:
    """Whether a finding concerns the plan. A remark does only where the whole configuration is needed to see it."""
    finding = judged.finding
    if finding.severity is not Severity.INFO or (judged.is_new and finding.rule.whole):
        yield _diagnostic(judged)


def _diagnostic(judged: Judged) -> Diagnostic:
    address = str(judged.address) if judged.address is not None else None
    return replace(judged.finding.diagnostic(), host=None, address=address)
