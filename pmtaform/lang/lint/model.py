"""What linting is made of: rules, what they are asked about, and what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from pmtaform.diagnostics import Diagnostic, Place, Severity
from pmtaform.lang.lint.facts import Facts
from pmtaform.lang.splices import Splice
from pmtaform.lang.tree import Tree

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


class Fix(NamedTuple):
    """A certain mending: lines of the file at `path` give way to others."""

    path: str
    splice: Splice


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """What a rule's check yields: where, and what is to be said there. `line` None: the file as a whole.

    `mark` is the piece of the line that is meant. `severity` overrules the rule's own.
    """

    tree: Tree
    line: int | None
    detail: str
    mark: str = ""
    severity: Severity | None = None
    related: tuple[Place, ...] = ()
    fix: tuple[Fix, ...] | None = None
    place: Place | None = None


Check = Callable[[Facts], Iterable[Hit]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. `id` is stable; `summary` is constant; `why` says what harm there is; `basis` where the fact is from.

    `whole` rules are asked only of whole configurations; `optional` ones only by name.
    """

    id: str
    severity: Severity
    summary: str
    why: str
    basis: str
    check: Check
    security: bool = False
    whole: bool = False
    optional: bool = False
    partial: bool = False  # of the `whole` rules: asked of a stack that declares only a part of a host, too


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding. `end_column` is the column after the marked piece; `mark` the piece itself.

    `ignored` is the reason of the comment that ignores it, which may be empty; None: not ignored.
    """

    rule: Rule
    severity: Severity
    place: Place
    detail: str
    end_column: int | None = None
    mark: str = ""
    related: tuple[Place, ...] = ()
    fix: tuple[Fix, ...] | None = None
    host: str | None = None
    ignored: str | None = None

    def diagnostic(self) -> Diagnostic:
        """The finding as a diagnostic."""
        return Diagnostic(
            code=self.rule.id,
            summary=self.rule.summary,
            detail=self.detail,
            severity=self.severity,
            place=self.place,
            host=self.host,
            related=self.related,
        )
