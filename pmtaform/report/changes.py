"""One change of a plan as lines of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from pmtaform.lang.catalogue import Impact, catalogue
from pmtaform.plan.model import Action, Cause, Change, Reason, ValueChange
from pmtaform.report.style import Style, clean, wrapped

MOST_LINES = 40
_COLOURS = {Action.CREATE: "green", Action.UPDATE: "yellow", Action.DELETE: "red"}
_DRIFT = frozenset({Reason.DRIFT, Reason.BOTH, Reason.MISSING})
_INDENT = "      "
_MOST_MOVES = 400  # beyond that many lines, which ones moved is not worth the time to find out


def change_lines(change: Change, style: Style, width: int, most: int | None = MOST_LINES) -> list[str]:
    """A change: its address and impact, why and where, and its values, at most `most` lines of them."""
    colour = _COLOURS[change.action]
    head = f"  {style(change.action.value, colour)} {style(clean(change.address), 'bold')}{_impact(change, style)}"
    lines = [head, _INDENT + style(_why(change), "yellow" if change.reason in _DRIFT else "dim")]
    values = list(_values(change, style, width))
    if most is not None and len(values) > most:
        left_out = len(values) - most
        values = [*values[:most], f"{_INDENT}... {left_out} more lines (--diff or --format json shows all)"]
    lines += values
    if change.impact_note:
        lines += wrapped(f"Note: {change.impact_note}.", width, _INDENT)
    return lines


def _impact(change: Change, style: Style) -> str:
    if change.impact is Impact.RESTART:
        return "  " + style("needs a restart", "red", "bold")
    return "  " + style("needs a reload" if change.impact is Impact.RELOAD else "needs no reload", "dim")


def _why(change: Change) -> str:
    drift = "drift: " if change.reason in _DRIFT else ""
    place = f" ({clean(str(change.place))})" if change.place else ""
    elsewhere = change.file and (change.place is None or change.place.file != change.file)
    file = f", in {clean(change.file)}" if elsewhere else ""
    return f"{drift}{change.reason.value}{place}{file}"


def _values(change: Change, style: Style, width: int) -> Iterator[str]:
    if change.action is not Action.UPDATE:
        yield from _whole(change, style)
        return
    widest = min(40, max((len(_label(v)) for v in change.values if _is_single(v)), default=0))
    for value in change.values:
        yield from _updated(value, widest, style, width)
        if value.cause is not None and value.cause is not Cause.STACK:
            left = " | ".join(clean(line) for line in value.applied) or "nothing"
            yield f"{_INDENT}    {style(f'{value.cause.value}; the last apply left {left}', 'dim')}"


def _whole(change: Change, style: Style) -> Iterator[str]:
    """Every value of a block that is created or deleted, under its sections."""
    symbol, colour = change.action.value, _COLOURS[change.action]
    widest: dict[tuple[str, ...], int] = {}
    for value in change.values:
        widest[value.path] = max(widest.get(value.path, 0), len(clean(value.name)))
    path: tuple[str, ...] = ()
    for value in change.values:
        if value.path != path and value.path:
            yield _INDENT + style(f"{symbol} {_sections(value.path)}", colour)
        path = value.path
        inner = _INDENT + "  " * len(path)
        for line in value.after or value.before:
            text = clean(line) if not value.name else f"{clean(value.name):{widest[path]}}  {clean(line)}".rstrip()
            yield inner + style(f"{symbol} {text}", colour)


def _is_single(value: ValueChange) -> bool:
    return bool(value.name) and len(value.before) <= 1 and len(value.after) <= 1


def _sections(path: Sequence[str]) -> str:
    return " ".join(clean(part) for part in path)


def _label(value: ValueChange) -> str:
    name = clean(value.name) or ("rules" if not value.path else "")
    return f"{_sections(value.path)} {name}".strip()


def _updated(value: ValueChange, widest: int, style: Style, width: int) -> Iterator[str]:
    label = _label(value)
    if _is_single(value):
        yield from _single(value, label, widest, style, width)
        return
    yield f"{_INDENT}~ {label}"
    lines = list(_listed(value, style))
    yield from lines or [f"{_INDENT}    (changed in a part that is not shown)"]


def _single(value: ValueChange, label: str, widest: int, style: Style, width: int) -> Iterator[str]:
    if not value.before or not value.after:
        added = bool(value.after)
        text = clean((value.after or value.before or ("",))[0])
        line = f"{'+' if added else '-'} {label:{widest}}  {text}".rstrip()
        yield _INDENT + style(line, "green" if added else "red")
        return
    before, after = clean(value.before[0]), clean(value.after[0])
    hidden = "  (changed)" if before == after else ""
    if len(_INDENT) + widest + len(before) + len(after) + 8 <= width:
        yield f"{_INDENT}~ {label:{widest}}  {style(before, 'red')} -> {style(after, 'green')}{hidden}"
        return
    yield f"{_INDENT}~ {label}{hidden}"
    yield f"{_INDENT}    {style('- ' + before, 'red')}"
    yield f"{_INDENT}    {style('+ ' + after, 'green')}"


def _listed(value: ValueChange, style: Style) -> Iterator[str]:
    """Lines that go, lines that come, and lines that move."""
    common = Counter(value.before) & Counter(value.after)
    gone, stayed_before = _parted(value.before, common)
    new, stayed_after = _parted(value.after, common)
    ordered = _order_matters(value)
    for _, line in gone:
        yield f"{_INDENT}    {style('- ' + clean(line), 'red')}"
    for number, line in new:
        where = f"  (line {number} of {len(value.after)})" if ordered and value.before else ""
        yield f"{_INDENT}    {style('+ ' + clean(line), 'green')}{where}"
    if ordered and stayed_before != stayed_after:
        yield from _moved(stayed_before, stayed_after, style)


def _parted(lines: Sequence[str], unchanged: Counter[str]) -> tuple[list[tuple[int, str]], list[str]]:
    """The lines that are only on this side, numbered from 1, and those that are on both."""
    left = unchanged.copy()
    own: list[tuple[int, str]] = []
    common: list[str] = []
    for number, line in enumerate(lines, start=1):
        if left[line] > 0:
            left[line] -= 1
            common.append(line)
        else:
            own.append((number, line))
    return own, common


def _moved(before: list[str], after: list[str], style: Style) -> Iterator[str]:
    yield _INDENT + "    " + style("the order changes:", "yellow")
    if len(before) > _MOST_MOVES:
        yield f"{_INDENT}    ~ the same {len(after)} lines in another order (--diff shows it)"
        return
    matcher = SequenceMatcher(a=before, b=after, autojunk=False)
    for what, _, _, start, end in matcher.get_opcodes():
        if what in ("insert", "replace"):
            for line in after[start:end]:
                place = f"after {clean(after[start - 1])}" if start else "first"
                start += 1
                yield f"{_INDENT}    {style('~ ' + clean(line), 'yellow')}  ({place})"


def _order_matters(value: ValueChange) -> bool:
    return not value.name or any(spec.ordered for spec in catalogue().anywhere(value.name))
