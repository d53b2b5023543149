"""What a change of a configuration does to lint's findings: those that it causes, and those in blocks that it writes.

A finding is the same before and after when its rule, its block and the marked piece (or its message without line
numbers) are the same. So a line that only moved is no new finding. The cost is in proportion to what changed: each
rule is asked about the blocks that the change touches, and about others if something changed that it reads.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pmtaform.lang.blocks import Address
from pmtaform.lang.catalogue import GLOBAL
from pmtaform.lang.includes import include_arguments
from pmtaform.lang.lint import suppress
from pmtaform.lang.lint.facts import Facts
from pmtaform.lang.lint.model import Finding, Rule
from pmtaform.lang.lint.outline import Outline, OutlineBlock
from pmtaform.lang.lint.run import chosen, findings_of, in_order
from pmtaform.lang.lint.subject import Subject
from pmtaform.lang.lint.suppress import suppressions, without_suppressed
from pmtaform.lang.lint.touched import Choice, TouchedBlocks, touched_by
from pmtaform.lang.parsing import gc_paused

_LINES: Final = re.compile(r"\blines? \d+(?: to \d+)?")
_OWN: Final = frozenset(rule.code for rule in suppress.RULES)  # they check comments, and no configuration


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding in the configuration after a change. `address` None: it is about the configuration as a whole."""

    finding: Finding
    address: Address | None
    is_new: bool


class Homes:
    """The block that each line of a configuration belongs to; lines of a fragment belong to what includes it."""

    def __init__(self, outline: Outline) -> None:
        self._spans = {path: sorted(spans) for path, spans in outline.spans.items()}
        self._within: dict[str, tuple[str, int]] = {}
        if outline.configuration.fragments:
            self._fragments(outline)

    def _fragments(self, outline: Outline) -> None:
        configuration = outline.configuration
        for tree in configuration.trees.values():
            for argument, scope, node in include_arguments(tree):
                if scope != GLOBAL:
                    for path in configuration.targets(argument):
                        self._within.setdefault(path, (tree.path, node.line))

    def of(self, path: str, line: int | None) -> Address | None:
        """The block of a line; None for a file as a whole, and for lines outside of blocks."""
        for _ in range(len(self._within) + 1):
            if path not in self._within or path in self._spans:
                break
            path, line = self._within[path]
        if line is None or path not in self._spans:
            return None
        number = bisect_right(self._spans[path], line, key=lambda span: span[0]) - 1
        if number < 0:
            return None
        _, end, address = self._spans[path][number]
        return address if line <= end else None


_Found = list[tuple[Finding, Address | None]]


class _Side:
    """One side of a change, asked for findings."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.outline = Outline(subject.configuration)
        self._known = suppressions(subject)

    @cached_property
    def _homes(self) -> Homes:
        return Homes(self.outline)

    def found(self, rules: Collection[Rule], blocks: Collection[OutlineBlock] | None) -> _Found:
        """What the rules find, looking at these blocks (None: all), each finding with its block."""
        if not rules:
            return []
        facts = Facts(self.subject) if blocks is None else Facts(self.subject, self.outline, blocks)
        findings = in_order(without_suppressed(findings_of(facts, rules), self._known), self.subject)
        facts.forget()
        return [(finding, self._homes.of(finding.place.file, finding.place.line)) for finding in findings]


@dataclass(frozen=True, slots=True)
class _Question:
    """Some rules, and the blocks that they have to see beside the touched ones; None: all.

    `within`: only findings in the touched blocks and outside of blocks count.
    """

    touched: Collection[Address]
    rules: Collection[Rule]
    choices: Collection[Choice] | None
    within: bool

    def found(self, side: _Side, codes: Collection[str] | None = None) -> _Found:
        """What the rules (`codes`: those with these codes) find on one side."""
        rules = [rule for rule in self.rules if codes is None or rule.code in codes]
        if not rules:
            return []
        found = side.found(rules, None if self.choices is None else side.outline.near(self.touched, self.choices))
        return [each for each in found if each[1] is None or each[1] in self.touched] if self.within else found


def lint_change(before: Subject, after: Subject, written: Collection[Address | None] = ()) -> list[Judged]:
    """The findings that a change causes, and those in blocks that it writes, each with its block.

    Before the change only the rules are asked that find something after it.
    """
    with gc_paused():
        left, right = _Side(before), _Side(after)
        touched = touched_by(before, after, (left.outline, right.outline), written)
        judged: list[Judged] = []
        for question in _questions(touched, right):
            judged += _judged(question, left, right, written)
    order = {id(finding): at for at, finding in enumerate(in_order((each.finding for each in judged), after))}
    return sorted((each for each in judged if id(each.finding) in order), key=lambda each: order[id(each.finding)])


def _questions(touched: TouchedBlocks | None, after: _Side) -> Iterator[_Question]:
    """The rules to ask, those together that look at the same blocks."""
    asked = chosen(None, _OWN, ())
    if touched is None:
        yield _Question((), asked, None, within=False)
        return
    wide = [rule for rule in asked if touched.influences(rule)]
    codes = {rule.code for rule in wide}
    narrow = [rule for rule in asked if rule.code not in codes and touched.may_hit(rule)]
    enough = [(rule, [(reads.enough or (), None) for reads in rule.reads]) for rule in narrow if _is_doubtful(rule)]
    doubtful = _question(touched.blocks, enough, within=True)
    codes = {finding.rule.code for finding, _ in doubtful.found(after)}
    wide += [rule for rule in doubtful.rules if rule.code in codes]
    around = [(rule, list(touched.around(rule))) for rule in narrow if not _is_doubtful(rule)]
    yield _Question(touched.blocks, [rule for rule, choices in around if not choices], (), within=True)
    yield _question(touched.blocks, [(rule, choices) for rule, choices in around if choices], within=True)
    anywhere = [(rule, touched.anywhere(rule)) for rule in wide]
    yield _question(
        touched.blocks, [(rule, choices) for rule, choices in anywhere if choices is not None], within=False
    )
    yield _Question((), [rule for rule, choices in anywhere if choices is None], None, within=False)


def _question(
    touched: Collection[Address], rules: Sequence[tuple[Rule, Sequence[Choice]]], *, within: bool
) -> _Question:
    return _Question(touched, [rule for rule, _ in rules], [c for _, choices in rules for c in choices], within)


def _is_doubtful(rule: Rule) -> bool:
    """Whether what a rule finds in few blocks has to be looked at again with all."""
    return any(reads.enough is not None for reads in rule.reads)


def _judged(question: _Question, left: _Side, right: _Side, written: Collection[Address | None]) -> Iterable[Judged]:
    """The findings that are new or in written blocks."""
    found = question.found(right)
    if not found:
        return
    known = Counter(_identity(*each) for each in question.found(left, {finding.rule.code for finding, _ in found}))
    for finding, address in found:
        identity = _identity(finding, address)
        is_new = known[identity] <= 0
        known[identity] -= 1
        if is_new or address in written:
            yield Judged(finding, address, is_new=is_new)


_Identity = tuple[str, Address | None, str]


def _identity(finding: Finding, address: Address | None) -> _Identity:
    return finding.rule.code, address, finding.mark or _LINES.sub("line", finding.detail)
