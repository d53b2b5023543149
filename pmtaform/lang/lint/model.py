"""What linting is made of: rules, what they are asked about, and what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from pmtaform.diagnostics import Diagnostic, Place, Severity
from pmtaform.lang.includes import Configuration
from pmtaform.lang.splices import Splice
from pmtaform.lang.tree import Tree

if TYPE_CHECKING:
    from pmtaform.lang.lint.facts import Facts

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known of a file beside its content. `mode` None: not known."""

    exists: bool = True
    mode: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is linted.

    `whole` says that the configuration is all that PowerMTA would read: only then is something missing, undefined or
    unused. `defaults` is the vendor's `/etc/pmta/config-defaults`, if available: its definitions count, and
    nothing in it is reported. `version` is PowerMTA's (`5.0`, `5.0r5`, `4.5`). `files` are facts on files that the
    configuration names, and on its own. `sources` are the lines of files that places point to but no tree holds
    (a stack's YAML), read for suppressions. `in_stack`: it comes from a repository, so secrets have no place in it.
    `elsewhere`: what it includes may define more. `all_read`: the machine was asked for every included file, so that
    one which is missing does not exist.
    """

    configuration: Configuration
    whole: bool = True
    defaults: Configuration | None = None
    version: str | None = None
    files: Mapping[str, FileFacts] | None = None
    sources: Mapping[str, Sequence[str]] = field(default_factory=dict)
    in_stack: bool = False
    all_read: bool = False
    elsewhere: bool = False
    host: str | None = None


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


Check = Callable[["Facts"], Iterable[Hit]]


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
