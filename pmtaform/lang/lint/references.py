"""Which names lead to what: the references of a configuration, as data."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pmtaform.lang.lint.facts import Facts, Line, Part

_MACRO: Final = re.compile(r"\$([A-Za-z0-9_]+)")
_TARGET: Final = re.compile(r"virtual-mta=([^\s,]+)")
_CALL: Final = re.compile(r"call-to:\s*([^\s,<]+)")
VMTAS: Final = ("virtual-mta", "virtual-mta-pool")
_RESERVED: Final = frozenset({"{default}", "by-smtp-source-ip", '"by-smtp-source-ip"'})


@dataclass(frozen=True, slots=True)
class NameReference:
    """A name in a line, and the kinds of section that it may name."""

    line: Line
    name: str
    kinds: tuple[str, ...]

    @property
    def noun(self) -> str:
        """`virtual-mta`, as it is called in rules' names."""
        return self.kinds[0]


def _names(line: Line) -> list[str]:
    """The names in a comma list or a single value, quotes removed."""
    return [name for item in line.value.split(",") if (name := item.strip().strip('"'))]


def _one(line: Line) -> list[str]:
    words = line.value.split()
    return [words[0].strip('"')] if len(words) == 1 else []


def _targets(line: Line) -> list[str]:
    return _TARGET.findall(line.value)


def _calls(line: Line) -> list[str]:
    return _CALL.findall(line.value)


def _filter(line: Line) -> list[str]:
    """The filter that enable-signals names, where it is no switch."""
    return [] if line.value.partition(",")[0].strip().lower() in ("true", "false", "yes", "no") else _one(line)


def _listener(line: Line) -> list[str]:
    return [w.partition("=")[2] for w in line.value.split() if w.startswith("source=") and len(w) > 7]


Find = Callable[[Line], list[str]]

# (scope, directive) -> how its names are found, and what they may name. An empty scope: any.
_TABLE: Final[tuple[tuple[str, str, Find, tuple[str, ...]], ...]] = (
    ("virtual-mta-pool", "virtual-mta", _one, ("virtual-mta",)),
    ("source", "default-virtual-mta", _one, VMTAS),
    ("domain", "reroute-to-virtual-mta", _one, VMTAS),
    ("domain", "backoff-reroute-to-virtual-mta", _one, VMTAS),
    ("", "cold-virtual-mta", _one, ("virtual-mta",)),
    ("global", "invalid-virtual-mta-fallback", _one, ("virtual-mta",)),
    ("pattern-list", "mail-from", _targets, VMTAS),
    ("pattern-list", "rcpt-to", _targets, VMTAS),
    ("pattern-list", "header", _targets, VMTAS),
    ("pattern-list", "*", _targets, VMTAS),
    ("pattern-list", "mail-from", _calls, ("pattern-list",)),
    ("pattern-list", "rcpt-to", _calls, ("pattern-list",)),
    ("pattern-list", "header", _calls, ("pattern-list",)),
    ("pattern-list", "*", _calls, ("pattern-list",)),
    ("source", "pattern-list", _one, ("pattern-list",)),
    ("source", "source-group", _one, ("source-group",)),
    ("source", "suppression-lists", _names, ("address-list", "suppression-list")),
    ("", "rewrite-list", _one, ("rewrite-list",)),
    ("smtp-user", "source", _one, ("source",)),
    ("smtp-listener", "source", _one, ("source",)),
    ("global", "smtp-listener", _listener, ("source",)),
    ("domain", "smtp-pattern-list", _one, ("smtp-pattern-list",)),
    ("", "use-proxy", _names, ("proxy",)),
    ("", "enable-signals", _filter, ("signals-filter",)),
)


class References:
    """Every reference of a configuration, worked out once."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    @cached_property
    def all(self) -> list[NameReference]:
        """Those of the table, in the order of the files."""
        collected = [
            NameReference(line, name, kinds)
            for scope, directive, names, kinds in _TABLE
            for line in self.facts.named(directive)
            if not scope or line.scope == scope
            for name in names(line)
        ]
        return sorted(collected, key=lambda r: r.line.order)

    @cached_property
    def macros(self) -> list[tuple[Line | Part, str]]:
        """Every use of a macro: in sections' arguments, in other macros, in relay-domain, keys and address lists."""
        uses: list[tuple[Line | Part, str]] = []
        for part in self.facts.by_tag.get("domain", ()):
            if "$" in part.node.argument:
                uses += [(part, name) for name in _macro_names(part.node.argument)]
        for line in self.facts.named("domain-macro", "relay-domain", "domain-key", "domain"):
            if "$" in line.value:
                uses += [(line, name) for name in _macro_names(line.value)]
        return uses


def _macro_names(text: str) -> list[str]:
    return _MACRO.findall(text)


def references(facts: Facts) -> References:
    """The references of `facts`, kept with it."""
    known = facts.memory.get("references")
    if not isinstance(known, References):
        known = facts.memory["references"] = References(facts)
    return known


def is_given(name: str) -> bool:
    """Names that PowerMTA has of itself, and placeholders that another rule reports."""
    return not name or name in _RESERVED or "{" in name or "$" in name or '"' in name


def named_file(line: Line) -> str:
    """The absolute path of the file that a line names; empty when there is none, or it has macros in it."""
    text = line.value
    if line.name == "domain-key":
        fields = text.split(",", 2)
        text = fields[2].strip() if len(fields) == 3 else ""
    elif line.spec is not None and line.spec.type == "path+secret":
        text = text.split(None, 1)[0] if text else ""
    text = text.strip('"')
    return text if text.startswith("/") and "{" not in text and "$" not in text else ""


# Words of the lines with references, for `Rule.reads`.
VMTA_NAMING: Final = (
    "<virtual-mta-pool",
    "default-virtual-mta",
    "reroute-to-virtual-mta",
    "cold-virtual-mta",
    "invalid-virtual-mta-fallback",
    "virtual-mta=",
)
LIST_NAMING: Final = (
    "pattern-list",
    "call-to:",
    "source-group",
    "suppression-lists",
    "rewrite-list",
    "<smtp-user",
    "<smtp-listener",
    "smtp-listener",
    "use-proxy",
    "enable-signals",
)
NAMED: Final = tuple(dict.fromkeys(kind for *_, kinds in _TABLE for kind in kinds))
