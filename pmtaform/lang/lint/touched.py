"""What a change touches: the blocks, the lines in them that differ, and which rules have to be asked where.

A block that is the same text on both sides can have a new finding only if something else changed that its rule reads.
Where texts do not show that (an include, a comment that ignores a rule, sections in another form, a template),
`touched_by` returns None: everything is linted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from pmtaform.lang.blocks import Address
from pmtaform.lang.foreign import foreign_of, template_in
from pmtaform.lang.lint.model import Rule
from pmtaform.lang.lint.outline import Outline, OutlineBlock, has_word
from pmtaform.lang.lint.reads import Reads, Test, Words
from pmtaform.lang.lint.recovered import LISTS, has_only_tags
from pmtaform.lang.lint.subject import Subject
from pmtaform.lang.lint.suppress import suppressions

_INCLUDE: Final = re.compile(r"^[ \t]*<?include\b", re.IGNORECASE | re.MULTILINE)


Choice = tuple[Words, Test | None]  # blocks with one of the words that pass the test


@dataclass(frozen=True)
class TouchedBlocks:
    """The blocks that differ or are written, and what the rules have to look at because of them.

    `moved` has the lines of each block that differs, in lower case, or all lines where others are concerned. `tags`
    are those of the sections that come and go.
    """

    before: Outline
    after: Outline
    blocks: frozenset[Address]
    moved: Mapping[Address, str]
    tags: frozenset[str]

    def _texts(self, addresses: Iterable[Address]) -> Iterator[str]:
        chosen = list(addresses)
        for side in (self.before, self.after):
            yield from (side.blocks[address].lower for address in chosen if address in side.blocks)

    @cached_property
    def _texts_of_blocks(self) -> tuple[str, ...]:
        """The texts of the touched blocks, and of the lines outside of blocks that make no sense."""
        return (
            *self._texts(self.blocks),
            "\n".join(node.text for side in (self.before, self.after) for _, node in side.junk).lower(),
        )

    @cached_property
    def _text(self) -> str:
        return "\n".join(self._texts_of_blocks)

    @cached_property
    def _moved(self) -> str:
        return "\n".join(self.moved.values())

    def may_hit(self, rule: Rule) -> bool:
        """Whether a rule can find something in a touched block, or outside of blocks."""
        return any(map(self._may_hit, rule.reads))

    def _may_hit(self, reads: Reads) -> bool:
        return reads.at is None or any(has_word(text, reads.at) for text in self._in_question(reads.at))

    def _in_question(self, words: Words) -> tuple[str, ...]:
        """The touched texts, if any of them can have one of the words: most rules end here."""
        return self._texts_of_blocks if any(word.lstrip("^") in self._text for word in words) else ()

    def influences(self, rule: Rule) -> bool:
        """Whether the findings of a rule can change in blocks that are not touched."""
        return any(map(self._influences, rule.reads))

    def _influences(self, reads: Reads) -> bool:
        if reads.others is None:
            return bool(self.moved)
        if not self.tags.isdisjoint(reads.names) or (not reads.others and self._which(reads, self._moved) is not None):
            return True
        if any(word in self._moved for word in reads.others if word[0] not in "<^"):
            return True
        whole = tuple(word for word in reads.others if word[0] in "<^")
        return bool(self._in_question(whole)) and any(has_word(text, whole) for text in self._texts(self.moved))

    @staticmethod
    def _which(reads: Reads, text: str) -> Choice | None:
        """The blocks that a text concerns, where only some of those with the words of a rule are."""
        which = reads.which(text) if reads.which is not None else None
        if which is None:
            return None
        return (which, None) if isinstance(which, tuple) else (reads.at or (), which)

    def around(self, rule: Rule) -> Iterator[Choice]:
        """The blocks that a rule's findings in touched blocks depend on."""
        for reads in filter(self._may_hit, rule.reads):
            if reads.others:
                yield reads.others, None
            elif (choice := self._which(reads, self._text)) is not None:
                yield choice

    def anywhere(self, rule: Rule) -> list[Choice] | None:
        """The blocks that findings of a rule depend on, and those where they can change; None: all."""
        choices: list[Choice] = []
        for reads in rule.reads:
            if reads.others is None:
                return None
            choices.append((reads.others, None))
            if self._influences(reads) or reads.enough is not None:
                if reads.at is None:
                    return None
                choices.append(self._which(reads, self._text) or (reads.at, None))
        return choices


def touched_by(
    before: Subject, after: Subject, outlines: tuple[Outline, Outline], written: Collection[Address | None]
) -> TouchedBlocks | None:
    """What the change from one configuration to the other touches; None where that does not show."""
    left, right = outlines
    if not (_are_comparable(before, after) and _have_one_order(left, right)):
        return None
    moved = dict(_differences(left, right))
    if any(_INCLUDE.search(text) for text in moved.values()) or not _same_suppressions(before, after, outlines):
        return None
    blocks = {*moved, *(address for address in written if address is not None), *_naming(outlines, before, after)}
    tags = {address.kind for address in moved if (address in left.blocks) != (address in right.blocks)}
    lists = LISTS.keys() if any(address.kind in LISTS for address in moved) else ()
    return TouchedBlocks(left, right, frozenset(blocks), moved, frozenset((*tags, *lists)))


def _differences(left: Outline, right: Outline) -> Iterator[tuple[Address, str]]:
    """The blocks that differ, with their lines that do."""
    for address, was in left.blocks.items():
        now = right.blocks.get(address)
        if now is None or not was.is_same(now):
            yield address, _moved(was, now)
    for address, block in right.blocks.items():
        if address not in left.blocks:
            yield address, _moved(None, block)


def _are_comparable(before: Subject, after: Subject) -> bool:
    """Whether both sides are the same files, without what one cannot see in the text of a block."""
    left, right = before.configuration, after.configuration
    return (
        replace(before, configuration=right, files=after.files) == after
        and left.main == right.main
        and left.trees.keys() == right.trees.keys()
        and left.fragments == right.fragments
        and left.patterns == right.patterns
        and _told(before) == _told(after)
        and all(left.trees[path].lines == right.trees[path].lines for path in left.fragments)
        and all(
            has_only_tags(tree) and template_in(tree) is None and foreign_of(tree) is None
            for side in (left, right)
            for tree in side.trees.values()
        )
    )


def _told(subject: Subject) -> Counter[tuple[str, str]]:
    return Counter((each.code, each.detail) for each in subject.configuration.diagnostics)


def _have_one_order(left: Outline, right: Outline) -> bool:
    """Whether the blocks of both sides are in the same files, in the same order."""
    common = left.blocks.keys() & right.blocks.keys()
    was, now = (
        {
            path: list(dict.fromkeys(span[2] for span in spans if span[2] in common))
            for path, spans in side.spans.items()
        }
        for side in (left, right)
    )
    return was == now


def _same_suppressions(before: Subject, after: Subject, outlines: tuple[Outline, Outline]) -> bool:
    was, now = (_suppressed(subject, outline) for subject, outline in zip((before, after), outlines, strict=True))
    return was == now


def _suppressed(subject: Subject, outline: Outline) -> Counter[tuple[object, ...]]:
    """The comments that ignore rules, with the line that each is for."""
    counted: Counter[tuple[object, ...]] = Counter()
    for each in suppressions(subject):
        tree = outline.configuration.trees.get(each.file)
        raw = tree.lines[each.line - 1] if tree is not None else ""
        counted[each.file, raw, each.rules, each.reason] += 1
    return counted


def _moved(was: OutlineBlock | None, now: OutlineBlock | None) -> str:
    """The lines of a block that differ: from the first difference to the last."""
    if was is None or now is None:
        block = was or now
        assert block is not None  # one of the two is there
        return block.lower
    left, right = was.lower.split("\n"), now.lower.split("\n")
    start = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        start += 1
    end = 0
    for one, other in zip(reversed(left[start:]), reversed(right[start:]), strict=False):
        if one != other:
            break
        end += 1
    lines = [*left[start : len(left) - end], *right[start : len(right) - end]]
    if any("<" in line for line in lines):  # lines may be in another section now
        lines = [*left, *right]
    return "\n".join(lines)


def _naming(outlines: Iterable[Outline], before: Subject, after: Subject) -> Iterator[Address]:
    """The blocks that name a file of which something else is known after the change."""
    was, now = before.files or {}, after.files or {}
    paths = tuple(path.lower() for path in dict.fromkeys((*was, *now)) if was.get(path) != now.get(path))
    for side in outlines if paths else ():
        yield from (block.address for block in side.near((), [(paths, None)]))
