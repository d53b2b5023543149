"""From content to text in the canonical layout: four blanks, one directive a line, every line with its origin."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pmtaform.diagnostics import Diagnostics, Place
from pmtaform.diagnostics.codes.secrets import UNSAFE_SECRET
from pmtaform.errors import SecretUnavailable
from pmtaform.secrets import Secret
from pmtaform.stack.content import Item, Key, Lines, SectionBody, SectionItem, SectionText, StackLine
from pmtaform.stack.lines import placeholder
from pmtaform.stack.values import secret_text

Resolve = Callable[[str, Place], Secret]

INDENT = "    "


class Writer:
    """Collects lines and where each came from."""

    def __init__(self, resolve: Resolve | None, problems: Diagnostics) -> None:
        self.lines: list[str] = []
        self.origins: list[Place | None] = []
        self._resolve = resolve
        self._problems = problems

    @property
    def text(self) -> str:
        """All lines so far."""
        return "".join(self.lines)

    def items(self, items: Mapping[Key, Item], indent: str = "") -> None:
        """Write items in their order, directives before sections. Native blocks have their own text: not here."""
        for item in items.values():
            if isinstance(item, Lines):
                for line in item.lines:
                    self._put(f"{indent}{line.name} {self._value(line)}\n", line.place)
        for item in items.values():
            if isinstance(item, SectionItem):
                for body in item.bodies:
                    self._section(item, body, indent)

    def _section(self, section: SectionItem, body: SectionBody | SectionText, indent: str) -> None:
        opening = f"{section.tag} {section.argument}" if section.argument else section.tag
        self._put(f"{indent}<{opening}>\n", section.place)
        inner = indent + INDENT
        if isinstance(body, SectionText):
            for text, place in body.lines:
                self._put(f"{inner}{text}\n", place)
        else:
            self.items(body.items, inner)
        self._put(f"{indent}</{section.tag}>\n", section.place)

    def _put(self, line: str, place: Place) -> None:
        self.lines.append(line)
        self.origins.append(place)

    def _value(self, line: StackLine) -> str:
        if line.secret is None:
            return line.value
        secret = placeholder(line.secret) if self._resolve is None else self._reveal(line, self._resolve)
        return f"{line.value} {secret}".strip()

    def _reveal(self, line: StackLine, resolve: Resolve) -> str:
        assert line.secret is not None  # the caller looked
        try:
            secret = resolve(line.secret, line.place)
        except SecretUnavailable as error:
            self._problems.extend(error.diagnostics)
            return placeholder(line.secret)
        text = secret_text(line.name, secret.reveal())
        if text is None:
            self._problems.report(UNSAFE_SECRET, unsafe(line.secret), line.place)
            return placeholder(line.secret)
        return text


def unsafe(reference: str) -> str:
    """The detail for a secret that cannot be a directive's value."""
    return (
        f"The value of {reference} cannot be written into a configuration: it is empty, or has a line break, a `#` "
        "or a control character. Choose another secret."
    )
