"""The rules of a pattern list, asked about a message: what may come of them.

The first match is used (guide 3.3.14). Three things are not documented, and leave both ways open: a match that names no
virtual MTA, a called or nested list in which nothing matches, and whether patterns ignore case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pmtaform.lang.effective.model import SourceLine
from pmtaform.lang.effective.reading import EffectiveReading, Nodes
from pmtaform.lang.tree import Directive, Section, Tree
from pmtaform.lang.values.text import rule_parts, split, unquoted

_LIST: Final = "pattern-list"
_CALL: Final = re.compile(r"call-to:\s*(\S+)")
# What Python's expressions read in another way than PCRE, or not at all.
_FOREIGN: Final = re.compile(r"\[\[?[:.=]|\\[QEhHKRX]|\(\*")

Outcome = str | None  # a virtual MTA; None: the list chooses none


@dataclass(frozen=True, slots=True)
class Message:
    """What is known of a message; None where it is not. `headers` by name in small letters; without a value: none."""

    mail_from: str | None = None
    rcpt_to: str | None = None
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    virtual_mta_header: str | None = None
    merge_variable: str | None = None

    @property
    def recipient_domain(self) -> str:
        """The domain of the recipient; empty when it is not known."""
        return (self.rcpt_to or "").rpartition("@")[2].lower()


class Rules:
    """One walk over the rules for one message. `doubts` are open questions, `last` and `line` the rule that decided."""

    def __init__(self, reading: EffectiveReading, message: Message) -> None:
        self._lists: dict[str, Nodes] = {}
        for nodes in reading.sections.get(_LIST, ()):
            self._lists.setdefault(unquoted(nodes.section.argument), nodes)
        self._message = message
        self.doubts: list[str] = []
        self.last = ""
        self.line: SourceLine | None = None

    def outcomes(self, name: str, above: tuple[str, ...] = ()) -> set[Outcome]:
        """The virtual MTAs that a list may choose."""
        nodes = self._lists.get(name)
        if nodes is None or name in above:
            self._doubt(f"There is no <{_LIST} {name}>." if nodes is None else f"<{_LIST} {name}> calls itself.")
            return {None}
        return self._of(list(nodes.walk()), (*above, name))

    def _of(self, rules: list[tuple[Tree, object]], above: tuple[str, ...]) -> set[Outcome]:
        possible: set[Outcome] = set()
        for tree, node in rules:
            if not isinstance(node, Directive | Section):
                continue
            matched = self._matches(tree, node)
            if matched is False:
                continue
            outcome = self._result(tree, node, above)
            possible |= outcome
            if matched and None not in outcome:
                return possible
            if matched:
                self._doubt(f"Whether rules after {_text(tree, node)} are tried is not documented.")
        return possible | {None}

    # -- one rule ------------------------------------------------------------------------------------------------------

    def _matches(self, tree: Tree, node: Directive | Section) -> bool | None:
        """Whether a rule matches; None where that is not known."""
        name, value = node.lead or ("", "") if isinstance(node, Section) else (node.name, node.value)
        name = name.lower()
        if name == "*":
            return True
        parts = rule_parts(value)
        if parts is None or name not in ("mail-from", "rcpt-to", "header"):
            self._unknown(tree, node, "the rule cannot be read")
            return None
        before, regex, _ = parts
        texts = self._texts(name, before.strip().lower())
        if texts is None:
            self._unknown(tree, node, f"{before.strip() or name} of the message is not given")
            return None
        results = {self._search(regex[1:-1], text) for text in texts}
        if True in results:
            return True
        if None not in results:
            return False
        self._unknown(tree, node, "case, or the pattern, may be read in two ways")
        return None

    def _texts(self, name: str, header: str) -> tuple[str, ...] | None:
        if name == "header":
            return self._message.headers.get(header)
        text = self._message.mail_from if name == "mail-from" else self._message.rcpt_to
        return None if text is None else (text,)

    def _search(self, body: str, text: str) -> bool | None:
        if _FOREIGN.search(body):
            return None
        try:
            exact, loose = (re.search(body, text, flags) is not None for flags in (0, re.IGNORECASE))
        except (re.error, RecursionError):
            return None
        return exact if exact == loose else None

    def _unknown(self, tree: Tree, node: Directive | Section, why: str) -> None:
        self._doubt(f"Whether {_text(tree, node)} matches is not known: {why}.")

    def _doubt(self, text: str) -> None:
        if text not in self.doubts:
            self.doubts.append(text)

    def _result(self, tree: Tree, node: Directive | Section, above: tuple[str, ...]) -> set[Outcome]:
        if isinstance(node, Section):
            return self._of([(tree, child) for child in node.children], above)
        parts = rule_parts(node.value) if node.name != "*" else None
        text = parts[2] if parts is not None else node.value
        if call := _CALL.search(text):
            return self.outcomes(unquoted(call[1]), above)
        targets = [item.partition("=")[2] for item in split(text) if item.strip().startswith("virtual-mta=")]
        self.last = _text(tree, node)
        self.line = SourceLine(node.name, node.value, node.line, f"<{_LIST} {above[-1]}>", tree)
        return {unquoted(targets[0].strip())} if targets else {None}


def _text(tree: Tree, node: Directive | Section) -> str:
    """A rule as it is written, for messages."""
    return tree.lines[node.line - 1].partition("#")[0].strip()


__all__ = ["Message", "Rules"]
