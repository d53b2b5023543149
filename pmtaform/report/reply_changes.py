"""Replies that change their effect between two configurations, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pmtaform.policy.configured import ConfiguredAnswer
from pmtaform.policy.reply_changes import ReplyChange
from pmtaform.report.replies import configured_data, notes_on, reply_data
from pmtaform.report.style import Style, clean, counted, wrapped
from pmtaform.report.views import Screen, json_document

if TYPE_CHECKING:
    from pmtaform.api.replies import ReplyComparison


@dataclass(frozen=True, slots=True)
class ReplyChangeTable:
    """What each reply does before and after, the worst first."""

    comparison: ReplyComparison

    def text(self, screen: Screen) -> str:
        """The changes by their effect, and what they rest on."""
        comparison, style = self.comparison, Style(screen.colour)
        asked = counted(comparison.count, "reply", "replies")
        if not comparison.changes:
            return f"None of {asked} changes its effect.\n"
        worse = sum(change.is_worse for change in comparison.changes)
        better = sum(change.is_better for change in comparison.changes)
        lines = [
            style(f"{len(comparison.changes)} of {asked} change their effect: {worse} worse, {better} better", "bold"),
            *self._rows(screen, style),
            "To know:",
        ]
        answers = [side for change in comparison.changes for side in (change.before, change.after)]
        for note in notes_on(answers, comparison.after.where):
            first, *rest = wrapped(note, screen.width, "    ")
            lines += [f"  - {first.lstrip()}", *rest]
        return "\n".join(lines) + "\n"

    def _rows(self, screen: Screen, style: Style) -> Iterator[str]:
        groups: dict[tuple[str, str, str], list[ReplyChange]] = {}
        for change in sorted(self.comparison.changes, key=_rank):
            key = _verdict(change), _effect(change.before), _effect(change.after)
            groups.setdefault(key, []).append(change)
        for (verdict, before, after), changes in groups.items():
            yield ""
            colour = {"worse": ("red",), "better": ("green",)}.get(verdict, ())
            yield style(f"{verdict}: {clean(before)} -> {clean(after)}", "bold", *colour)
            for change in changes:
                about = f"{change.answer.provider or '-'}, {change.answer.reply_class or 'unknown'}"
                yield from wrapped(f"{change.answer.reply.text} ({about})", screen.width, "    ")
        yield ""

    def json(self) -> str:
        """A document of kind `pmtaform-reply-changes`."""
        comparison = self.comparison
        rows = [
            {
                **reply_data(change.answer, 1),
                "verdict": _verdict(change),
                "before": configured_data(change.before, comparison.before.where),
                "after": configured_data(change.after, comparison.after.where),
            }
            for change in sorted(comparison.changes, key=_rank)
        ]
        fields = {"version": comparison.version, "replies": comparison.count, "changes": rows}
        return json_document("pmtaform-reply-changes", fields)


def _rank(change: ReplyChange) -> int:
    return 0 if change.is_worse else 1 if not change.is_better else 2


def _verdict(change: ReplyChange) -> str:
    return ("worse", "different", "better")[_rank(change)]


def _effect(answer: ConfiguredAnswer) -> str:
    category = f" [{answer.category.category}]" if answer.category is not None else ""
    return (", ".join(answer.actions) or "nothing") + category
