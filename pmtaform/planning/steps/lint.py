"""Findings on a plan: lint of the planned configuration, doubtful keys, keys that sign nothing."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.diagnostics.codes.language import INCLUDE_LOOP, MISSING_INCLUDE, RELATIVE_INCLUDE
from pmtaform.errors import Invalid
from pmtaform.host import digest
from pmtaform.inspection.assess import Adviser
from pmtaform.inspection.survey import Survey
from pmtaform.plan.model import HostPlan
from pmtaform.planning.draft import Draft
from pmtaform.planning.step import Step
from pmtaform.stack import Stack

if TYPE_CHECKING:
    from pmtaform.planning.host_lint import HostLinter

Findings = Mapping[str, tuple[Diagnostic, ...]]  # by host
_SIGNING: Final = frozenset({"domain-key", "dkim-sign", "second-dkim-sign"})
# Notes on a host's includes as they are; the findings on what a plan writes include them.
_INCLUDES: Final = frozenset({MISSING_INCLUDE.code, INCLUDE_LOOP.code, RELATIVE_INCLUDE.code})


class LintStep(Step):
    """Adds the lint findings in the configuration of a host, and rejects lines that PowerMTA cannot read."""

    findings: Findings

    @staticmethod
    def applies(stack: Stack) -> bool:  # noqa: ARG004  (the same for all)
        """Any stack may change hosts; those without changes are not linted."""
        return True

    def adviser(self, draft: Draft) -> Adviser:
        """The findings on a host."""
        return LintAdviser(draft.stack)

    def advise(self, draft: Draft) -> None:
        """Add the findings as notes."""
        found = {host: self.advice(draft, host) for host in draft.fleet.surveys}
        self.findings = {host: findings for host, findings in found.items() if findings}
        draft.hosts = tuple(with_findings(draft.hosts, self.findings))

    def consent(self, draft: Draft) -> None:
        """Raise `Invalid` for errors that `validate` reports too, unless the request allows them."""
        if draft.request.validate:
            check_findings(self.findings, draft.request.allow)


class LintAdviser:
    """The lint findings in the configuration that a host with changes will have, and those on its keys.

    Hosts that will have the same configuration, after the same changes, are linted once.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack: Stack | None = stack
        self._linter: HostLinter | None = None
        self._begin()

    def _begin(self) -> None:
        self._known: dict[tuple[object, ...], tuple[Diagnostic, ...]] = {}
        self._linting = threading.Lock()  # so that two hosts that are the same do not both begin

    def __getstate__(self) -> HostLinter:
        return self._ready()

    def __setstate__(self, state: HostLinter) -> None:
        self._stack, self._linter = None, state
        self._begin()

    def __call__(self, survey: Survey) -> tuple[Diagnostic, ...]:
        """The findings, without the host's name."""
        linted = self._linted(survey) if survey.plan.changes else ()
        if own := (*_doubtful_keys(survey), *_unused_keys(survey)):
            from pmtaform.stack.signing import without_doubles

            return (*without_doubles(linted, own), *own)
        return linted

    def _linted(self, survey: Survey) -> tuple[Diagnostic, ...]:
        key = _sameness(survey)
        with self._linting:
            if key not in self._known:
                self._known[key] = tuple(self._ready().findings(survey))
            return self._known[key]

    def _ready(self) -> HostLinter:
        if self._linter is None:
            from pmtaform.planning.host_lint import HostLinter
            from pmtaform.stack.linting import sources_of

            assert self._stack is not None  # it was not pickled
            self._linter = HostLinter(self._stack.powermta, sources_of(self._stack))
        return self._linter


def with_findings(plans: Iterable[HostPlan], findings: Findings) -> list[HostPlan]:
    """The plans with their findings, which replace earlier notes on the same."""
    result = []
    for plan in plans:
        if more := findings.get(plan.host, ()):
            replaced = {note.code for note in more} & _INCLUDES
            notes = [note for note in plan.notes if note.code not in replaced]
            plan = replace(plan, notes=(*notes, *(note.for_host(plan.host) for note in more)))
        result.append(plan)
    return result


def _sameness(survey: Survey) -> tuple[object, ...]:
    """A key that two hosts share if they will have the same configuration, changed in the same places."""
    from pmtaform.inspection.reading import edited

    live = tuple(sorted((path, file.digest) for path, file in survey.snapshot.files.items()))
    absent = tuple(sorted(survey.snapshot.missing))
    after = tuple(sorted((path, digest(content)) for path, content in edited(survey).items()))
    keys = tuple(key.path for key in survey.difference.write_keys), survey.difference.remove_keys
    changes = tuple((c.address, c.action, c.place) for c in survey.plan.changes)
    return live, absent, after, keys, changes, survey.snapshot.version


def check_findings(findings: Findings, allow: Collection[str] = ()) -> None:
    """Raise `Invalid` where a plan would write lines that PowerMTA cannot read, or reads as something else.

    `validate` rejects the same in every file of the stack. Here only what would be written to a host counts, so that an
    error that a server had before it was adopted does not block other changes.
    """
    errors = [each for of_host in findings.values() for each in of_host if each.severity is Severity.ERROR]
    if not errors:
        return
    from pmtaform.lang.lint import rules
    from pmtaform.stack.findings import unique

    malformed = {code for code, rule in rules().items() if rule.is_form}
    refused = unique(replace(each, host=None) for each in errors if each.code in malformed and each.code not in allow)
    if refused:
        raise Invalid(*refused)


def _doubtful_keys(survey: Survey) -> Iterator[Diagnostic]:
    """Findings on the keys that are written."""
    for key in survey.difference.write_keys:
        yield from key.warnings


def _unused_keys(survey: Survey) -> Iterator[Diagnostic]:
    """Findings on keys that will sign nothing, if the plan changes anything about signing."""
    changes = survey.plan.changes
    if any(c.address.startswith("dkim-key[") or any(v.name in _SIGNING for v in c.values) for c in changes):
        from pmtaform.inspection.reading import after_of
        from pmtaform.stack.signing import not_signing

        configuration = after_of(survey)
        yield from not_signing(survey.target.desired, configuration, whole=not configuration.diagnostics)
