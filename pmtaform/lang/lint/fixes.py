"""Putting certain fixes into the files."""

from __future__ import annotations

from collections.abc import Iterable

from pmtaform.lang.includes import Configuration
from pmtaform.lang.lint.model import Finding, Fix
from pmtaform.lang.splices import FileEdit, Splice


def apply_fixes(configuration: Configuration, findings: Iterable[Finding]) -> dict[str, FileEdit]:
    """The edits, by path, that fix what is certain to fix.

    Of fixes that touch the same lines the first counts: lint again afterwards for the others. A fix of several
    pieces is applied completely or not at all.
    """
    chosen: dict[str, list[Splice]] = {}
    for finding in findings:
        fixes = finding.fix or ()
        if fixes and all(_fits(configuration, fix, chosen.get(fix.path, [])) for fix in fixes):
            for fix in fixes:
                chosen.setdefault(fix.path, []).append(fix.splice)
    edits = {}
    for path, splices in chosen.items():
        edit = FileEdit(path, configuration.trees[path].lines, tuple(splices))
        if edit.changes_something:
            edits[path] = edit
    return edits


def applied(findings: Iterable[Finding], edits: dict[str, FileEdit]) -> list[Finding]:
    """The findings whose fixes are in `edits`."""
    taken = {(path, splice) for path, edit in edits.items() for splice in edit.splices}
    return [f for f in findings if f.fix and all((fix.path, fix.splice) in taken for fix in f.fix)]


def _fits(configuration: Configuration, fix: Fix, taken: Iterable[Splice]) -> bool:
    tree = configuration.trees.get(fix.path)
    if tree is None or not 0 <= fix.splice.start <= fix.splice.end <= len(tree.lines):
        return False
    return all(fix.splice.end <= other.start or other.end <= fix.splice.start for other in taken)
