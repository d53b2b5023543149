"""What linting is made of: rules, what they are asked about, and what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from textwrap import dedent
from typing import Final, NamedTuple

from pmtaform.diagnostics import Definition, Diagnostic, Kind, Place, Severity
from pmtaform.lang.lint.facts import Facts
from pmtaform.lang.lint.reads import EVERYTHING, Reads
from pmtaform.lang.lint.subject import FileFacts
from pmtaform.lang.splices import Splice
from pmtaform.lang.tree import Tree

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


class Fix(NamedTuple):
    """A certain fix: lines of the file at `path` give way to others."""

    path: str
    splice: Splice


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """The result of a rule's check: the place, and the message. `line` None: the file as a whole.

    `mark` is the piece of the line that the hit is about. `severity` overrules the rule's own.
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


class Family(StrEnum):
    """What a rule is about. The value is the heading in listings."""

    SYNTAX = "Syntax"
    UNKNOWN = "Unknown names"
    VALUES = "Values"
    DUPLICATES = "Duplicates"
    REFERENCES = "References"
    ORDER = "Order and patterns"
    RELAYING = "Relaying and listeners"
    WEB_MONITOR = "Web monitor"
    TLS = "TLS"
    SECRETS = "Secrets and files"
    DKIM = "DKIM"
    BACKOFF = "Back-off"
    RATES = "Rates and retries"
    VIRTUAL_MTAS = "Virtual MTAs"
    DEPENDENT = "Dependent settings"
    COMPLETE = "Complete configurations"
    VERSIONS = "Versions"
    SUPPRESSIONS = "Suppressions"
    OTHER = "Other"


# PowerMTA cannot read what these are about, or reads something else than was meant. Consent does not help.
_MALFORMED: Final = frozenset({Family.SYNTAX, Family.UNKNOWN, Family.VALUES, Family.DUPLICATES})


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What an example needs beside its text: the version, the facts on files, the included files by path;
    `unread` has the reason why an included file was not read.
    """

    version: str | None = None
    in_stack: bool = False
    files: Mapping[str, FileFacts] | None = None
    included: Mapping[str, str] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)


def _no_hits(_: Facts) -> Iterable[Hit]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Definition):
    """The declaration of one rule: a decorator of the function that checks it.

    `code` is stable and `summary` constant; `explanation` is the harm, `basis` the source of the fact.
    `wrong` and `right` are examples, indented as fits: the rule finds something in the first and nothing in the second.
    `whole` rules run on whole configurations only, `partial` ones of them on incomplete stacks too; `optional` ones run
    only if named. `reads` is what its findings depend on: several entries are for several sorts of findings.
    """

    kind: Kind = Kind.INVALID
    family: Family = Family.OTHER
    basis: str
    wrong: str
    right: str
    given: Given = Given()
    check: Check = _no_hits
    security: bool = False
    whole: bool = False
    optional: bool = False
    partial: bool = False
    malformed: bool = False
    reads: tuple[Reads, ...] = EVERYTHING

    def __call__(self, check: Check) -> Rule:
        """The rule with its check."""
        return replace(self, check=check)

    @property
    def is_form(self) -> bool:
        """Whether PowerMTA cannot read what the rule finds, so that no consent allows it."""
        return self.malformed or self.family in _MALFORMED

    @property
    def examples(self) -> tuple[str, str]:
        """The wrong and the right example, each a text of whole lines."""
        return _lines(self.wrong), _lines(self.right)


def _lines(example: str) -> str:
    text = dedent(example[1:]).rstrip() if example.startswith("\n") else example
    return f"{text}\n"


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
        return self.rule.diagnostic(
            self.detail, self.place, host=self.host, related=self.related, severity=self.severity
        )
