"""What a rule reads of a configuration, so that a change asks it only where its answer can change.

A rule declares it beside its check, by words in lower case: a directive, a tag, or a piece of one. A word that is too
general costs time; a word that is missing would hide a finding. So a rule that declares nothing reads everything.
A word that starts with `<` means the blocks that are or have such a section, and all of their lines; with `^<`, the
blocks that are one (`^<domain *>`). Any other word means the lines that have it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

Words = tuple[str, ...]
Test = Callable[[str], bool]  # of the text of a block


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """Where a rule can find something, and what it depends on besides the block of the finding.

    `at`: words of the blocks with findings; None: any block; no words: findings are about the whole configuration.
    `others`: words of what it depends on in other blocks; None: everything.
    `names`: tags of top-level sections whose existence it depends on, and not their content.
    `which`: from a text that changes to words of other blocks, or a test of them: only these are concerned; None: none.
    `enough`: words of the others that mostly suffice; where fewer others never hide a finding in a block, no finding
    with these means that there is none with all.
    """

    at: Words | None = None
    others: Words | None = ()
    names: Words = ()
    which: Callable[[str], Words | Test | None] | None = None
    enough: Words | None = None


BLOCK: Final = (Reads(),)  # each block by itself
EVERYTHING: Final = (Reads(others=None),)


def on_words(*each: str) -> tuple[Reads, ...]:
    """A rule on blocks with these words, which depends on all of these."""
    return (Reads(at=each, others=each),)


def if_missing(*each: str) -> tuple[Reads, ...]:
    """A rule on the whole configuration where no line has one of these words."""
    return (Reads(at=(), others=each),)


def on_names(*tags: str, at: Words) -> tuple[Reads, ...]:
    """A rule on names in blocks with the words `at`, which depends on the sections with these tags."""
    return (Reads(at=at, names=tags),)


_SOURCE: Final = re.compile(r"smtp-source-(?:host|ip)[ \t]+\"?([^\s\"#]+)")


def with_same_addresses(text: str) -> Words | None:
    """Blocks that send from an address that this text sends from."""
    return tuple(dict.fromkeys(_SOURCE.findall(text))) or None


_TOTAL: Final = re.compile(r"total-max-smtp-out[ \t]+\"?(\d+)")
# Not `(?<!-)max-smtp-out`: a form that starts with a literal is looked for three times as fast.
_LIMIT: Final = re.compile(r"max-smtp-out(?<!-max-smtp-out)[ \t]+\"?(\d+)")


def with_more_connections(text: str) -> Test | None:
    """Blocks with a limit on connections that is above the total of this text."""
    totals = [int(number) for number in _TOTAL.findall(text)]
    if not totals:
        return None
    least = min(totals)
    return lambda other: any(int(number) > least for number in _LIMIT.findall(other))
