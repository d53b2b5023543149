"""Numbered runs of sections as one section with `for-each`, where that means exactly the same.

    mkt-01: {smtp-source-host: 192.0.2.1 m1.example.com}     mkt-${n:02d}:
    mkt-02: {smtp-source-host: 192.0.2.2 m2.example.com}  ─▶    for-each: {n: 1..3, ip: 192.0.2.1..192.0.2.3}
    mkt-03: {smtp-source-host: 192.0.2.3 m3.example.com}        smtp-source-host: ${ip} m${n}.example.com

Every text of a section is taken apart into words that stay and numbers and addresses that may run. Sections with the
same words are a family; in it, what runs becomes a variable.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from pmtaform.adopt.document import Item, List, Literal, Map, Text, Value, texts
from pmtaform.stack.foreach import KEY

LEAST: Final = 3  # sections that are worth a loop
_PIECE: Final = re.compile(
    r"(?<![\w.:-])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w.])"  # an IPv4 address
    r"|(?<![\w.:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w.:])"  # an IPv6 address
    r"|[0-9]{1,9}"
)
_LETTERS: Final = "nmkabcdefg"

Pieces = tuple[str, ...]  # words at even places, what may run at odd ones
_Run = list[tuple[list[str], Item]]  # what may run in each section, and the section


@dataclass(frozen=True, slots=True)
class Folded:
    """One loop: the key and body of the section that is written, and the keys that it stands for."""

    item: Item
    stands_for: tuple[str, ...]


def fold(items: Sequence[Item]) -> list[Folded]:
    """The loops that the named sections of one kind make up; those that are in none are not mentioned."""
    families: dict[tuple[object, ...], list[Item]] = {}
    for item in items:
        if isinstance(item.value, Map) and _PIECE.search(item.key):
            words = tuple(pieces[::2] for pieces in map(_pieces, _texts(item)))
            families.setdefault((words, _outline(item.value)), []).append(item)
    loops: list[Folded] = []
    for family in families.values():
        for run in _runs(family) if len(family) >= LEAST else ():
            folded = _named_apart(run, {loop.item.key for loop in loops})
            if folded is not None:
                loops.append(folded)
    return loops


def _named_apart(run: _Run, taken: set[str]) -> Folded | None:
    """The loop of a run under a key that no other loop has: `m${n}`, then `m${m}`."""
    for first in range(len(_LETTERS)):
        folded = _folded(run, _LETTERS[first:] + _LETTERS[:first])
        if folded is None or folded.item.key not in taken:
            return folded
    return None


def _pieces(text: str) -> Pieces:
    pieces: list[str] = []
    at = 0
    for match in _PIECE.finditer(text):
        pieces += [text[at : match.start()], match[0]]
        at = match.end()
    return (*pieces, text[at:])


def _texts(item: Item) -> Iterator[str]:
    """Every text of an entry: key, comments, values, in a fixed order."""
    yield item.key
    yield from item.above
    yield item.beside
    yield from _value_texts(item.value)


def _value_texts(value: Value) -> Iterator[str]:
    if isinstance(value, Text):
        yield value.text
    elif isinstance(value, Literal):
        yield from value.lines
    else:
        for item in value.items:
            yield from _texts(item)
        yield from value.foot


def _outline(value: Value) -> object:
    """The form of a value without its texts."""
    if isinstance(value, Text):
        return "text"
    if isinstance(value, Literal):
        return ("lines", len(value.lines))
    inner = tuple((len(item.above), _outline(item.value)) for item in value.items)
    return (type(value).__name__, inner, len(value.foot))


# -- runs --------------------------------------------------------------------------------------------------------------


def _runs(family: list[Item]) -> Iterator[_Run]:
    """The runs of one family: as long as the first piece that differs in their names goes up by one."""
    taken = [[piece for pieces in map(_pieces, _texts(item)) for piece in pieces[1::2]] for item in family]
    in_key = len(_pieces(family[0].key)) // 2
    first = next((i for i in range(in_key) if len({row[i] for row in taken}) > 1), None)
    if first is None:
        return
    rows = sorted(zip(taken, family, strict=True), key=lambda pair: _rank(pair[0][first]))
    run: _Run = []
    for row in rows:
        if run and not _follows(run[-1][0][first], row[0][first]):
            if len(run) >= LEAST:
                yield run
            run = []
        run.append(row)
    if len(run) >= LEAST:
        yield run


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _rank(text: str) -> tuple[int, int]:
    """What a piece counts as: its kind, and its number."""
    if text.isdigit():
        return 0, int(text)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return -1, 0
    return address.version, int(address)


def _follows(before: str, after: str) -> bool:
    kind, number = _rank(before)
    return kind >= 0 and _rank(after) == (kind, number + 1)


def _folded(run: _Run, letters: str) -> Folded | None:
    """The loop for one run, or None when something in it changes without a rule."""
    loop = Map()
    names: dict[tuple[str, ...], str] = {}
    used: list[str | None] = []
    columns = list(zip(*(row for row, _ in run), strict=True))
    for column in columns:
        if len(set(column)) == 1:
            used.append(None)
            continue
        variable = _variable(column, names, loop, letters)
        if variable is None:
            return None
        used.append(variable)
    template = _Template(used).item(run[0][1])
    body = template.value
    if not isinstance(body, Map) or not loop.items:
        return None
    body.items.insert(0, Item(loop, KEY))
    return Folded(template, tuple(item.key for _, item in run))


def _variable(column: tuple[str, ...], names: dict[tuple[str, ...], str], loop: Map, letters: str) -> str | None:
    """What to write for a column of numbers or addresses; a new variable goes into `loop`."""
    numbers = [_number(text) for text in column]
    if all(number is not None for number in numbers):
        form = _format(column)
        key = tuple(str(number) for number in numbers)
        if form is None or any(not _follows(a, b) for a, b in pairwise(key)):
            return None
        if key not in names:
            names[key] = _free(names, letters)
            loop.put(names[key], Text(f"{key[0]}..{key[-1]}"))
        return f"${{{names[key]}{form}}}"
    if column not in names:
        walked = _addresses(column)
        if walked is None:
            return None
        names[column] = _free(names, ("ip", "ip2", "ip3", "ip4"))
        loop.put(names[column], walked)
    return f"${{{names[column]}}}"


def _free(names: dict[tuple[str, ...], str], choices: Sequence[str]) -> str:
    taken = set(names.values())
    return next((name for name in choices if name not in taken), f"v{len(taken)}")


def _format(column: tuple[str, ...]) -> str | None:
    """`:02d` where zeros fill a width, nothing where they do not; None when neither makes the texts."""
    if all(text == str(int(text)) for text in column):
        return ""
    width = len(column[0])
    if width < 100 and all(text == format(int(text), f"0{width}d") for text in column):
        return f":0{width}d"
    return None


def _addresses(column: tuple[str, ...]) -> Value | None:
    """Addresses as a range if they follow each other, else as a list; None when they are none."""
    try:
        addresses = [ipaddress.ip_address(text) for text in column]
    except ValueError:
        return None
    if any(str(address) != text for address, text in zip(addresses, column, strict=True)):
        return None
    steps = {int(b) - int(a) for a, b in pairwise(addresses)}
    if steps == {1} and len({address.version for address in addresses}) == 1:
        return Text(f"{column[0]}..{column[-1]}")
    return texts(*column)


class _Template:
    """Writes an entry with variables in place of what runs. The pieces come in the order of `_texts`."""

    def __init__(self, used: Sequence[str | None]) -> None:
        self._used = iter(used)

    def item(self, item: Item) -> Item:
        """A new entry; the given one stays as it is."""
        key = self._text(item.key)
        above = tuple(self._text(line) for line in item.above)
        beside = self._text(item.beside)
        return Item(self._value(item.value), key, above, beside, item.gap)

    def _text(self, text: str) -> str:
        pieces = _pieces(text)
        result = [pieces[0]]
        for number in range(1, len(pieces), 2):
            result += [next(self._used) or pieces[number], pieces[number + 1]]
        return "".join(result)

    def _value(self, value: Value) -> Value:
        if isinstance(value, Text):
            return Text(self._text(value.text))
        if isinstance(value, Literal):
            return Literal([self._text(line) for line in value.lines])
        items = [self.item(item) for item in value.items]
        foot = tuple(self._text(line) for line in value.foot)
        if isinstance(value, Map):
            return Map(items, foot, value.open)
        return List(items, foot, value.open)
