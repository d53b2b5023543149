"""An edit of one file as splices of its lines, and its unified diff."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pmtaform.lang.tree import encode

_CONTEXT = 3


class Splice(NamedTuple):
    """Replace lines `start` to `end` (counted from 0, `end` excluded) with `lines`."""

    start: int
    end: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileEdit:
    """The edit of one file. `before` are its lines; splices do not overlap."""

    path: str
    before: Sequence[str]
    splices: tuple[Splice, ...]
    is_new: bool = False

    @property
    def ordered(self) -> list[Splice]:
        """The splices from top to bottom; insertions before what is replaced at the same line.

        Lines that are inserted where others are deleted come before the deletion.
        """
        in_order: list[Splice] = []
        reach = 0
        for splice in sorted(self.splices, key=lambda s: (s.start, s.end)):
            if splice.start >= reach:
                in_order.append(splice)
            elif splice.start == splice.end:
                in_order.insert(len(in_order) - 1, Splice(in_order[-1].start, in_order[-1].start, splice.lines))
            else:
                in_order.append(Splice(reach, max(reach, splice.end), splice.lines))
            reach = max(reach, splice.end)
        return in_order

    @property
    def changes_something(self) -> bool:
        """Whether any splice changes a byte."""
        return any(tuple(self.before[s.start : s.end]) != s.lines for s in self.splices)

    def line_before(self, number: int) -> int | None:
        """The line (from 1) that is line `number` after the edit; None for one that the edit writes."""
        shift = 0
        for start, end, lines in self.ordered:
            first = start + shift
            if number <= first:
                break
            written = sum(piece.count("\n") or 1 for piece in lines)
            if number <= first + written:
                return None
            shift += written - (end - start)
        return number - shift

    @property
    def text(self) -> str:
        """The file after the edit."""
        pieces: list[str] = []
        at = 0
        for start, end, lines in self.ordered:
            pieces.extend(self.before[at:start])
            pieces.extend(lines)
            at = end
        pieces.extend(self.before[at:])
        return "".join(pieces)

    @property
    def content(self) -> bytes:
        """The file's bytes after the edit."""
        return encode(self.text)

    def diff(self, show: Callable[[str], str] = lambda line: line) -> Iterator[str]:
        """The unified diff, line by line without line ends; `show` masks and cleans each line."""
        yield f"--- {'/dev/null' if self.is_new else 'a' + self.path}"
        yield f"+++ b{self.path}"
        shift = 0
        for hunk in self._hunks():
            first, last = max(0, hunk[0].start - _CONTEXT), min(len(self.before), hunk[-1].end + _CONTEXT)
            added = sum(len(s.lines) for s in hunk)
            taken = sum(s.end - s.start for s in hunk)
            old, new = last - first, last - first - taken + added
            yield f"@@ -{_range(first, old)} +{_range(first + shift, new)} @@"
            yield from self._body(hunk, first, last, show)
            shift += added - taken

    def _body(self, hunk: list[Splice], first: int, last: int, show: Callable[[str], str]) -> Iterator[str]:
        at = first
        for splice in _joined(hunk):
            yield from _marked(" ", self.before[at : splice.start], show)
            yield from _marked("-", self.before[splice.start : splice.end], show)
            yield from _marked("+", "".join(splice.lines).splitlines(keepends=True), show)
            at = splice.end
        yield from _marked(" ", self.before[at:last], show)

    def _hunks(self) -> Iterator[list[Splice]]:
        """Splices whose surroundings touch, together."""
        group: list[Splice] = []
        for splice in self.ordered:
            if tuple(self.before[splice.start : splice.end]) == splice.lines:
                continue
            if group and splice.start - group[-1].end > 2 * _CONTEXT:
                yield group
                group = []
            group.append(splice)
        if group:
            yield group


def _joined(splices: list[Splice]) -> Iterator[Splice]:
    """The splices, adjacent ones merged, so that removed lines come before new ones."""
    current = splices[0]
    for splice in splices[1:]:
        if splice.start == current.end:
            current = Splice(current.start, splice.end, current.lines + splice.lines)
        else:
            yield current
            current = splice
    yield current


def _marked(mark: str, lines: Sequence[str], show: Callable[[str], str]) -> Iterator[str]:
    for line in lines:
        yield mark + show(line.rstrip("\r\n"))


def _range(start: int, count: int) -> str:
    if count == 0:
        return f"{start},0"
    return f"{start + 1}" if count == 1 else f"{start + 1},{count}"
