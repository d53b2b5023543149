"""What a change of a configuration does to lint's findings: those that it causes, and those that were there.

A finding is the same before and after when its rule, its block and the marked piece (or its message without line
numbers) are the same. So a line that only moved is no new finding.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from typing import Final

from pmtaform.lang.blocks import Address, address_of
from pmtaform.lang.catalogue import GLOBAL
from pmtaform.lang.includes import Configuration, include_arguments
from pmtaform.lang.lint import suppress
from pmtaform.lang.lint.model import Finding
from pmtaform.lang.lint.run import lint
from pmtaform.lang.lint.subject import Subject
from pmtaform.lang.tree import Junk

_LINES: Final = re.compile(r"\blines? \d+")
_OWN: Final = frozenset(rule.code for rule in suppress.RULES)  # they check comments, and no configuration


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding in the configuration after a change. `address` None: it is about the configuration as a whole."""

    finding: Finding
    address: Address | None
    is_new: bool


class Homes:
    """The block that each line of a configuration belongs to; lines of a fragment belong to what includes it."""

    def __init__(self, configuration: Configuration) -> None:
        self._spans: dict[str, dict[int, tuple[int, Address]]] = {}
        self._within: dict[str, tuple[str, int]] = {}
        for tree, node in configuration.top_level():
            if not isinstance(node, Junk):
                self._spans.setdefault(tree.path, {})[node.line] = (node.end, address_of(node))
        self._starts = {path: sorted(spans) for path, spans in self._spans.items()}
        if configuration.fragments:
            self._fragments(configuration)

    def _fragments(self, configuration: Configuration) -> None:
        for tree in configuration.trees.values():
            for argument, scope, node in include_arguments(tree):
                if scope != GLOBAL:
                    for path in configuration.targets(argument):
                        self._within.setdefault(path, (tree.path, node.line))

    def of(self, path: str, line: int | None) -> Address | None:
        """The block of a line; None for a file as a whole, and for lines outside of blocks."""
        for _ in range(len(self._within) + 1):
            if path not in self._within or path in self._starts:
                break
            path, line = self._within[path]
        if line is None or path not in self._starts:
            return None
        number = bisect_right(self._starts[path], line) - 1
        if number < 0:
            return None
        end, address = self._spans[path][self._starts[path][number]]
        return address if line <= end else None


def lint_change(before: Subject, after: Subject) -> list[Judged]:
    """The findings after a change, each with its block and whether the change causes it.

    Before the change only the rules are asked that find something after it.
    """
    findings = lint(after, disabled=_OWN)
    homes = Homes(after.configuration)
    placed = [(finding, homes.of(finding.place.file, finding.place.line)) for finding in findings]
    known = _identities(before, {finding.rule.code for finding in findings}) if findings else Counter()
    judged = []
    for finding, address in placed:
        identity = _identity(finding, address)
        judged.append(Judged(finding, address, is_new=known[identity] <= 0))
        known[identity] -= 1
    return judged


_Identity = tuple[str, Address | None, str]


def _identities(subject: Subject, rules: set[str]) -> Counter[_Identity]:
    homes = Homes(subject.configuration)
    return Counter(
        _identity(finding, homes.of(finding.place.file, finding.place.line))
        for finding in lint(subject, only=rules, disabled=_OWN)
    )


def _identity(finding: Finding, address: Address | None) -> _Identity:
    return finding.rule.code, address, finding.mark or _LINES.sub("line", finding.detail)
