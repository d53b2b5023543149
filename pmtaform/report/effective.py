"""What a queue would use, as text for people and JSON for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pmtaform.diagnostics import Place
from pmtaform.lang.effective import Assumption, EffectiveSettings, Source, SourceLine, Value
from pmtaform.lang.values import mask
from pmtaform.report.style import WIDTH, Style, clean, counted, named, wrapped
from pmtaform.report.views import Screen, json_document

Where = Callable[[Place], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """One queue to show, and notes on it.

    `only` are the directives to show (None: all); `owner`: also those of the virtual MTA itself; `like` are the virtual
    MTAs that do exactly the same. `begins`: whether anything puts the queue into back-off; None: not asked for.
    """

    settings: EffectiveSettings
    only: frozenset[str] | None = None
    owner: bool = True
    like: tuple[str, ...] = ()
    begins: bool | None = None


@dataclass(slots=True)
class Printer:
    """Collects lines; assumptions are numbered, and explained once at the end."""

    where: Where
    style: Style
    width: int
    every: bool  # also what keeps its default
    assumed: dict[Assumption, int] = field(default_factory=dict)

    def marks(self, value: Value) -> str:
        """The numbers of a value's assumptions, with a blank before them."""
        numbers = [self.assumed.setdefault(each, len(self.assumed) + 1) for each in value.assumptions]
        return " " + " ".join(f"[{number}]" for number in numbers) if numbers else ""


def assumption_lines(printer: Printer) -> Iterator[str]:
    """What the printed values rest on, by number."""
    yield printer.style("Assumptions where the guides are silent:", "bold")
    for each, number in printer.assumed.items():
        yield from _hanging(f"[{number}] ", each.sentence, printer.width)


def note_lines(notes: Iterable[str], printer: Printer) -> Iterator[str]:
    """What a reader has to know besides the values."""
    yield printer.style("To know:", "bold")
    for note in notes:
        yield from _hanging("- ", note, printer.width)


def _hanging(mark: str, text: str, width: int) -> list[str]:
    first, *rest = wrapped(text, width - 2 - len(mark), "")
    return [f"  {mark}{first}", *(" " * (2 + len(mark)) + line for line in rest)]


def _queue(queue: QueueView, notes: Sequence[str], printer: Printer) -> Iterator[str]:
    settings = queue.settings
    style = printer.style
    more = f" (and the same in {named(queue.like)})" if queue.like else ""
    yield style(clean(settings.queue), "bold", "cyan") + more
    for note in notes:
        yield from wrapped(note, printer.width, "  ")
    values = [v for name, v in settings.values.items() if queue.only is None or name in queue.only]
    yield from value_lines(values, printer)
    own = [value for value in settings.virtual_mta.values() if value.is_set]
    if queue.owner and queue.only is None and (own or printer.every):
        yield ""
        yield style(f"  the virtual MTA {clean(settings.vmta)} itself", "bold")
        yield from value_lines(list(settings.virtual_mta.values()), printer)
    if queue.begins is not None:
        yield ""
        yield from _backoff(settings, queue.begins, printer)


def value_lines(values: Sequence[Value], printer: Printer) -> Iterator[str]:
    """Values with the lines behind them; those that are not set last, or counted."""
    set_values = [value for value in values if value.is_set]
    widest = min(40, max((len(value.name) for value in set_values), default=0))
    for value in set_values:
        yield from _value(value, widest, printer)
    rest = [value for value in values if not value.is_set]
    if not rest:
        return
    if not printer.every:
        defaults = counted(len(rest), "other directive keeps its", "other directives keep their")
        yield printer.style(f"  {defaults} default (--all shows them)", "dim")
        return
    yield printer.style("  not set:", "dim")
    widest = min(40, max(len(value.name) for value in rest))
    for value in rest:
        yield from _unset(value, widest, printer)


def _value(value: Value, widest: int, printer: Printer) -> Iterator[str]:
    style, margin = printer.style, "    "
    texts = _shown(value, value.values) or ['""']
    for number, text in enumerate(texts):
        name = clean(value.name) if number == 0 else ""
        yield f"  {name:{widest}}  {style(text, 'bold')}{printer.marks(value) if number == 0 else ''}"
        if number < len(value.lines):
            yield margin + style(line_place(value.lines[number], printer.where), "dim")
    for each in value.overruled:
        overruled = _shown(value, (each.line.value,))[0] or "(no value)"
        where = line_place(each.line, printer.where)
        yield from wrapped(f"overrules {overruled} of {where}: {each.why}", printer.width, margin)


def _unset(value: Value, widest: int, printer: Printer) -> Iterator[str]:
    if value.source is Source.NONE:
        text = '""  (no default is documented)'
    elif value.source is Source.FALLBACK:
        text = f"{clean(value.text)}  (from {value.via})"
    elif value.values:
        text = clean(value.text) + (f"  ({value.words})" if value.words else "")
    else:
        text = f"({value.words})"
    yield f"  {value.name:{widest}}  {text}{printer.marks(value)}"


def _backoff(settings: EffectiveSettings, begins: bool, printer: Printer) -> Iterator[str]:
    style = printer.style
    yield style("  in back-off mode", "bold")
    changed = {n: v for n, v in settings.in_backoff().items() if v.source is not Source.NONE}
    widest = max(len(name) for name in changed)
    for name, value in changed.items():
        why = line_place(value.lines[0], printer.where) if value.lines else "default"
        same = f"as {value.via}, " if value.source is Source.FALLBACK else ""
        text = clean(value.text)
        yield f"  {name:{widest}}  {style(text, 'bold')}{printer.marks(value)}  {style(f'({same}{why})', 'dim')}"
    if not begins:
        text = (
            "No rule moves this queue into back-off: its smtp-pattern-list has no rule with mode=backoff, and "
            "backoff-upon-all-sources-disabled is off. Only `pmta set queue --mode=backoff` does."
        )
        yield from wrapped(text, printer.width, "  ")


def line_place(line: SourceLine, where: Where) -> str:
    """Where a line is, in words."""
    section = f" in {clean(line.section)}" if line.section else ""
    return clean(where(line.place)) + section


def _shown(value: Value, texts: Iterable[str]) -> list[str]:
    return [clean(mask(value.spec, value.name, text)) for text in texts]


# -- JSON --------------------------------------------------------------------------------------------------------------


def _json_queue(queue: QueueView, where: Where, used: dict[Assumption, None], *, every: bool) -> dict[str, Any]:
    settings = queue.settings

    def values(all_values: Mapping[str, Value], only: frozenset[str] | None = None) -> dict[str, Any]:
        chosen = {n: v for n, v in all_values.items() if (every or v.is_set) and (only is None or n in only)}
        return {name: json_value(value, where, used) for name, value in chosen.items()}

    result = {
        "domain": settings.domain,
        "virtual_mta": settings.vmta,
        "queue": settings.queue,
        "queue_to": settings.queue_to or None,
        "same_in": list(queue.like),
        "values": values(settings.values, queue.only),
        "virtual_mta_values": values(settings.virtual_mta) if queue.owner and queue.only is None else {},
        "notes": list(settings.notes),
    }
    if queue.begins is not None:
        modes = settings.in_backoff()
        result["backoff"] = {
            "begins": queue.begins,
            "values": {name: json_value(value, where, used) for name, value in modes.items()},
        }
    return result


def json_value(value: Value, where: Where, used: dict[Assumption, None]) -> dict[str, Any]:
    """A value as JSON has it; its assumptions are added to `used`."""
    used |= dict.fromkeys(value.assumptions)
    return {
        "values": [mask(value.spec, value.name, text) for text in value.values],
        "source": value.source.value,
        "lines": [json_line(line, where) for line in value.lines],
        "overruled": [
            {"value": mask(value.spec, value.name, each.line.value), **json_line(each.line, where), "why": each.why}
            for each in value.overruled
        ],
        "assumptions": [each.value for each in value.assumptions],
        "default": value.words or None,
        "from": value.via or None,
    }


def json_line(line: SourceLine, where: Where) -> dict[str, Any]:
    """Where a line is, as JSON has it."""
    place = line.place
    return {"file": where(Place(place.file)), "line": place.line, "section": line.section or None}


@dataclass(frozen=True, slots=True)
class Queues:
    """The queues of a configuration; `every`: also the directives that keep their default."""

    queues: Sequence[QueueView]
    where: Where
    every: bool = False

    def text(self, screen: Screen) -> str:
        """Queue by queue: each value with the line that decided."""
        printer = Printer(self.where, Style(screen.colour), WIDTH, self.every)
        lines: list[str] = []
        notes = (
            [note for note in self.queues[0].settings.notes if all(note in q.settings.notes for q in self.queues)]
            if self.queues
            else []
        )
        for queue in self.queues:
            own = [note for note in queue.settings.notes if note not in notes] if queue.only is None else []
            lines += [*_queue(queue, own, printer), ""]
        if printer.assumed:
            lines += [*assumption_lines(printer), "Confirm it with `pmta show settings DOMAIN/VMTA` on the server.", ""]
        if notes:
            lines += [*note_lines(notes, printer), ""]
        return "\n".join(lines[:-1]) + "\n" if lines else "Nothing is configured for any queue.\n"

    def json(self) -> str:
        """A document of kind `pmtaform-effective`."""
        used: dict[Assumption, None] = {}
        shown = [_json_queue(queue, self.where, used, every=self.every) for queue in self.queues]
        says = {each.value: each.sentence for each in used}
        return json_document("pmtaform-effective", {"queues": shown, "assumptions": says})
