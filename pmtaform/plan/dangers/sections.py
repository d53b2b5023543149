"""Sections of one side that are not about queues: sources, lists, accounting files, spools; includes followed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.effective.model import SourceLine
from pmtaform.lang.effective.reading import Nodes
from pmtaform.lang.includes import Configuration
from pmtaform.lang.tree import Directive, Section, Tree
from pmtaform.lang.values.text import split, unquoted

# What a host has that can have mail: one without any of these has none to lose.
_MAIL: Final = ("source", "virtual-mta", "virtual-mta-pool", "domain", "smtp-listener")


@dataclass(frozen=True, slots=True)
class SectionEntry:
    """A line of a list or a source, with the rules above it where it is in a nested list."""

    line: SourceLine
    above: tuple[str, ...] = ()


class MergedSection:
    """All sections with one tag and one name, as one."""

    def __init__(self, tag: str, name: str) -> None:
        self.tag = tag
        self.name = name
        self.parts: list[Nodes] = []

    @property
    def title(self) -> str:
        """The section in words."""
        return f"<{self.tag} {self.name}>" if self.name else f"<{self.tag}>"

    @property
    def written(self) -> tuple[str, ...] | None:
        """Its text; None where equal texts may mean different things (an include)."""
        texts = tuple(nodes.tree.text_of(nodes.section) for nodes in self.parts)
        return None if any("include" in text.lower() for text in texts) else texts

    @cached_property
    def entries(self) -> tuple[SectionEntry, ...]:
        """Every line, those of nested lists with the rule that leads to them."""
        return tuple(entry for nodes in self.parts for entry in _entries(nodes.walk(), nodes, self, ()))

    def lines(self, *names: str) -> list[SourceLine]:
        """The lines with one of these names, in order."""
        return [entry.line for entry in self.entries if entry.line.name in names]

    def last(self, name: str) -> SourceLine | None:
        """The line that decides a single value: the last (an assumption, where there are several)."""
        lines = self.lines(name)
        return lines[-1] if lines else None

    def value(self, name: str, default: str = "") -> str:
        """A single value without quotes."""
        line = self.last(name)
        return unquoted(line.value.strip()) if line is not None else default

    def is_on(self, name: str) -> bool:
        """Whether a switch is on."""
        return values.parse_bool(self.value(name)) is True

    def items(self, name: str, default: str = "") -> tuple[str, ...]:
        """The items of a list in one value."""
        return tuple(unquoted(item) for item in split(self.value(name, default)) if item and item != '""')


def _entries(
    nodes: Iterable[tuple[Tree, object]], inside: Nodes, body: MergedSection, above: tuple[str, ...]
) -> Iterator[SectionEntry]:
    for tree, node in nodes:
        if isinstance(node, Directive):
            yield SectionEntry(SourceLine(node.name.lower(), node.value, node.line, body.title, tree), above)
        elif isinstance(node, Section):
            deeper = Nodes(inside.configuration, tree, node)
            rule = " ".join(node.lead).strip() if node.lead else f"<{node.tag} {node.argument}>"
            yield from _entries(deeper.walk(), deeper, body, (*above, rule))


class Sections:
    """The sections and the top-level lines of one configuration."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._nodes: dict[str, list[tuple[Tree, Section]]] = {}
        self._by_tag: dict[str, dict[str, MergedSection]] = {}
        for tree, node in configuration.top_level():
            if isinstance(node, Section):
                self._nodes.setdefault(node.tag, []).append((tree, node))

    def of(self, tag: str) -> dict[str, MergedSection]:
        """The sections with a tag, by name, in the order of the configuration."""
        if tag not in self._by_tag:  # most tags are never asked for
            by_name = self._by_tag[tag] = dict[str, MergedSection]()
            for tree, section in self._nodes.get(tag, ()):
                name = values.normalise_argument(tag, section.argument)
                nodes = Nodes(self._configuration, tree, section)
                by_name.setdefault(name, MergedSection(tag, name)).parts.append(nodes)
        return self._by_tag[tag]

    def written(self, tag: str) -> tuple[tuple[str, tuple[str, ...]], ...] | None:
        """The text of all sections with a tag, to see quickly that nothing changed; None: that does not show."""
        texts = [(name, body.written) for name, body in self.of(tag).items()]
        return None if any(text is None for _, text in texts) else tuple((n, t) for n, t in texts if t is not None)

    @property
    def is_blank(self) -> bool:
        """Whether nothing is configured that mail could come or go by."""
        return not any(tag in self._nodes for tag in _MAIL)


def are_same(before: Sections, after: Sections, *tags: str) -> bool:
    """Whether the sections with these tags are the same text on both sides."""
    for tag in tags:
        written = before.written(tag)
        if written is None or written != after.written(tag):
            return False
    return True
