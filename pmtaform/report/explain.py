"""Explanations as text for people and JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pmtaform.lang.explain import Explanation, Fact, Meaning, Mistake, Related, WordMatch
from pmtaform.report.style import WIDTH, Style, clean, wrapped
from pmtaform.report.views import Screen, json_document

if TYPE_CHECKING:
    from pmtaform.api.origins import Origins

_LABEL = 16


def explanation_text(explanation: Explanation, *, colour: bool = False, width: int = WIDTH) -> str:
    """Every meaning with its facts; then what belongs to it, and what people write instead."""
    style = Style(colour)
    lines: list[str] = []
    several = len(explanation.meanings) > 1
    if several:
        lines += [f"{explanation.name} has {len(explanation.meanings)} meanings, by its section.", ""]
    for meaning in explanation.meanings:
        lines += [*_meaning(meaning, style, width), ""]
    if explanation.related:
        lines += [style("Related", "bold"), *_related(explanation.related, width), ""]
    if explanation.mistakes:
        lines += [style("Common mistakes", "bold"), *_mistakes(explanation.mistakes, width), ""]
    return "\n".join(lines[:-1]) + "\n"


def _meaning(meaning: Meaning, style: Style, width: int) -> Iterator[str]:
    yield style(clean(meaning.title), "bold", "cyan")
    yield from wrapped(meaning.summary, width, "  ")
    for label, facts in _by_label(meaning.facts):
        for number, fact in enumerate(facts):
            text = fact.text + (f" [{fact.basis}]" if fact.basis else "")
            yield from _labelled(label if number == 0 else "", text, style, width)
    if meaning.notes:
        yield from _labelled("notes", meaning.notes, style, width)
    if meaning.directives:
        yield from _labelled("directives", ", ".join(meaning.directives), style, width)
    for number, line in enumerate(meaning.example.splitlines()):
        yield f"  {style('example' if number == 0 else '', 'dim'):{_LABEL}}{line}".rstrip()
    yield from _labelled("known from", meaning.basis, style, width)
    for number, source in enumerate(meaning.sources):
        yield from _labelled("sources" if number == 0 else "", source, style, width)


def _by_label(facts: Iterable[Fact]) -> Iterator[tuple[str, list[Fact]]]:
    grouped: dict[str, list[Fact]] = {}
    for fact in facts:
        grouped.setdefault(fact.label, []).append(fact)
    yield from grouped.items()


def _labelled(label: str, text: str, style: Style, width: int) -> Iterator[str]:
    """`label   text`, the text broken behind its column; a long label has its own line."""
    margin = " " * (_LABEL + 2)
    lines = wrapped(text, width, margin)
    if len(label) >= _LABEL:
        yield "  " + style(clean(label), "dim")
    else:
        lines[0] = "  " + style(f"{label:{_LABEL}}", "dim") + lines[0].lstrip()
    yield from lines


def _related(related: Sequence[Related], width: int) -> Iterator[str]:
    by_reason: dict[str, list[str]] = {}
    for each in related:
        by_reason.setdefault(each.why, []).append(each.name)
    for why, names in by_reason.items():
        yield from _hanging(f"{', '.join(names)}: {why}", width)


def _mistakes(mistakes: Sequence[Mistake], width: int) -> Iterator[str]:
    by_remedy: dict[str, list[str]] = {}
    for each in mistakes:
        by_remedy.setdefault(each.remedy, []).append(each.name)
    for remedy, names in by_remedy.items():
        them = "it" if len(names) == 1 else "them"
        yield from _hanging(f"PowerMTA has no {', '.join(names)}, although tutorials use {them}. {remedy}", width)


def _hanging(text: str, width: int) -> Iterator[str]:
    first, *rest = wrapped(text, width, "    ")
    yield "  " + first.lstrip()
    yield from rest


def json_explanation(explanation: Explanation) -> str:
    """A document of kind `pmtaform-explanation`."""
    return json_document("pmtaform-explanation", {**asdict(explanation)})


def hits_text(hits: Sequence[WordMatch], words: str, *, colour: bool = False, width: int = WIDTH) -> str:
    """What a search found, the best first."""
    if not hits:
        return f'The catalogue has no match for "{clean(words)}".\n'
    style = Style(colour)
    widest = min(40, max(len(hit.name) for hit in hits))
    lines = []
    for hit in hits:
        first, *rest = wrapped(hit.summary, width, " " * (widest + 2))
        lines += [f"{style(f'{hit.name:{widest}}', 'bold')}  {first.lstrip()}", *rest]
    return "\n".join(lines) + "\n"


# -- where the values of a block come from -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ExplanationView:
    """What is known of a directive or a section."""

    explanation: Explanation

    def text(self, screen: Screen) -> str:
        """The facts, each with its source."""
        return explanation_text(self.explanation, colour=screen.colour)

    def json(self) -> str:
        """A document of kind `pmtaform-explanation`."""
        return json_explanation(self.explanation)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The directives that a search found, the best first."""

    hits: Sequence[WordMatch]
    words: str

    def text(self, screen: Screen) -> str:
        """One line a directive."""
        return hits_text(self.hits, self.words, colour=screen.colour)

    def json(self) -> str:
        """A document of kind `pmtaform-search`."""
        hits = [asdict(hit) for hit in self.hits]
        return json_document("pmtaform-search", {"words": self.words, "hits": hits})


@dataclass(frozen=True, slots=True)
class OriginTable:
    """Where the values of blocks were written."""

    origins: Sequence[Origins]

    def text(self, screen: Screen) -> str:
        """Value by value, with layer and line."""
        style = Style(screen.colour)
        lines: list[str] = []
        for each in self.origins:
            lines += [style(f"{clean(each.host)}:{clean(each.address)}", "bold", "cyan")]
            rows = [(" ".join((*row.path, row.name)), row.value, row) for row in each.rows]
            widest = min(40, max((len(clean(name)) for name, _, _ in rows), default=0))
            for name, value, row in rows:
                lines.append(f"  {clean(name):{widest}}  {style(clean(value), 'bold')}".rstrip())
                lines.append(style(f"    {clean(row.layer)}: {clean(str(row.place))}", "dim"))
            lines.append("")
        return "\n".join(lines[:-1]) + "\n"

    def json(self) -> str:
        """A document of kind `pmtaform-origins`."""
        blocks = [
            {
                "host": each.host,
                "address": each.address,
                "values": [
                    {
                        "path": list(row.path),
                        "name": row.name,
                        "value": row.value,
                        "layer": row.layer,
                        "file": row.place.file,
                        "line": row.place.line,
                    }
                    for row in each.rows
                ],
            }
            for each in self.origins
        ]
        return json_document("pmtaform-origins", {"blocks": blocks})
