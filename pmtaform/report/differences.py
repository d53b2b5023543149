"""What differs between configurations, as text for people and JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pmtaform.lang.effective import MOST_CHANGES, PairChange, Value, ValueMove
from pmtaform.lang.values import mask
from pmtaform.plan.model import Action
from pmtaform.report.changes import change_lines
from pmtaform.report.style import WIDTH, Style, clean, counted, named, wrapped
from pmtaform.report.views import Screen, json_document

if TYPE_CHECKING:
    from pmtaform.api.comparing import BlockDifference, Compared

_COLOURS = {Action.CREATE: "green", Action.UPDATE: "yellow", Action.DELETE: "red"}


def _compared(compared: Compared, style: Style, width: int) -> list[str]:
    names = f"{clean(compared.left.name)} -> {clean(compared.right.name)}"
    if compared.is_unsure:
        lines = [style(f"{names}: whether they differ to PowerMTA is not known.", "bold")]
    elif not compared.differ:
        lines = [style(f"{names}: no difference to PowerMTA.", "bold")]
    else:
        lines = [style(f"{names}: {_counts(compared)}.", "bold")]
    for each in compared.differences:
        lines += ["", *_difference(each, style, width)]
    if compared.unseen:
        values = counted(compared.unseen, "secret")
        what = (
            f"{values} of a stack could not be compared: a stack holds references to secrets, and none was looked up."
        )
        lines += ["", *wrapped(what, width, "")]
    for include in compared.moved:
        what = (
            f"`{clean(include.text)}` is in another place. Its contents were not seen, and order means something to "
            "http-access, keys and rules: whether the rest is the same is not known."
        )
        lines += ["", *wrapped(what, width, "")]
    if compared.pairs is not None:
        lines += ["", *_pairs(compared.pairs, style, width, unsure=bool(compared.moved))]
    return lines


def _counts(compared: Compared) -> str:
    words = {Action.CREATE: "only in the second", Action.UPDATE: "different", Action.DELETE: "only in the first"}
    numbers = {action: sum(1 for d in compared.differences if d.change.action is action) for action in words}
    total = counted(len(compared.differences), "block differs", "blocks differ")
    return f"{total} ({', '.join(f'{n} {words[action]}' for action, n in numbers.items() if n)})"


def _difference(difference: BlockDifference, style: Style, width: int) -> Iterator[str]:
    action = difference.change.action
    yield f"  {style(action.value, _COLOURS[action])} {style(clean(difference.change.address), 'bold')}"
    places = [clean(place) for place in (difference.left, difference.right) if place]
    yield "      " + style(" -> ".join(places), "dim")
    _, _, *values = change_lines(difference.change, style, width, None)
    yield from values


# -- queues ------------------------------------------------------------------------------------------------------------


def _pairs(pairs: Sequence[PairChange], style: Style, width: int, *, unsure: bool) -> Iterator[str]:
    if not pairs and unsure:
        yield style("Whether it changes a queue or a virtual MTA is not known.", "bold")
        return
    if not pairs:
        yield style("No queue and no virtual MTA is changed by it.", "bold")
        return
    yield style("Queues and virtual MTAs whose effective values differ:", "bold")
    for pair in pairs:
        yield ""
        yield from pair_lines(pair, style, width)
    if len(pairs) >= MOST_CHANGES:
        yield ""
        yield f"There may be more; these are the first {MOST_CHANGES}."


def pair_lines(pair: PairChange, style: Style, width: int) -> Iterator[str]:
    """One domain and the virtual MTAs for which it changes, with every value before and after."""
    yield "  " + style(f"{clean(pair.domain)}/" if pair.domain else "the virtual MTA ", "bold") + named(pair.vmtas)
    if all(move.before is None for move in pair.moves) and not pair.domain:
        yield style("      is added" if pair.moves else "      is added or removed, and sets nothing itself", "green")
    elif all(move.after is None for move in pair.moves):
        yield style("      is removed", "red")
    widest = min(40, max((len(clean(move.name)) for move in pair.moves), default=0))
    for move in pair.moves:
        before, after = _shown(move.before), _shown(move.after)
        if before == after:
            after += "  (changed)"
        line = f"      {clean(move.name):{widest}}  {style(before, 'red')} -> {style(after, 'green')}"
        yield from (
            [line] if len(before) + len(after) + widest + 12 <= width else _broken(move.name, before, after, style)
        )


def _broken(name: str, before: str, after: str, style: Style) -> list[str]:
    return [f"      {clean(name)}", f"        {style('- ' + before, 'red')}", f"        {style('+ ' + after, 'green')}"]


def _shown(value: Value | None) -> str:
    if value is None:
        return "(not there)"
    texts = ", ".join(clean(mask(value.spec, value.name, text)) for text in value.values) or '""'
    return texts if value.is_set else f"{texts} (default)"


# -- JSON --------------------------------------------------------------------------------------------------------------


def _json(compared: Compared) -> dict[str, Any]:
    return {
        "left": compared.left.name,
        "right": compared.right.name,
        "differ": None if compared.is_unsure else compared.differ,
        "unseen_includes_moved": [include.text for include in compared.moved],
        "secrets_not_compared": compared.unseen,
        "blocks": [_json_block(each) for each in compared.differences],
        "effective": None if compared.pairs is None else [json_pair(pair) for pair in compared.pairs],
    }


def _json_block(difference: BlockDifference) -> dict[str, Any]:
    change = difference.change
    return {
        "address": change.address,
        "action": change.action.verb,
        "left": difference.left or None,
        "right": difference.right or None,
        "values": [
            {"path": list(v.path), "name": v.name, "before": list(v.before), "after": list(v.after)}
            for v in change.values
        ],
    }


def json_pair(pair: PairChange) -> dict[str, Any]:
    """A changed pair as JSON has it."""
    return {
        "domain": pair.domain or None,
        "virtual_mtas": list(pair.vmtas),
        "values": [_json_move(move) for move in pair.moves],
    }


def _json_move(move: ValueMove) -> dict[str, Any]:
    def side(value: Value | None) -> dict[str, Any] | None:
        if value is None:
            return None
        shown = [mask(value.spec, value.name, text) for text in value.values]
        return {"values": shown, "source": value.source.value}

    return {"name": move.name, "before": side(move.before), "after": side(move.after)}


@dataclass(frozen=True, slots=True)
class Differences:
    """Configurations that were compared, pair by pair."""

    compared: Sequence[Compared]

    def text(self, screen: Screen) -> str:
        """Pair by pair: the blocks that differ, and the queues."""
        style = Style(screen.colour)
        blocks = [_compared(each, style, WIDTH) for each in self.compared]
        return "\n\n".join("\n".join(lines) for lines in blocks) + "\n"

    def json(self) -> str:
        """A document of kind `pmtaform-diff`."""
        return json_document("pmtaform-diff", {"comparisons": [_json(each) for each in self.compared]})
