"""What PowerMTA would use for one queue, as data: each value with the lines behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from pmtaform.diagnostics import Place
from pmtaform.lang import values as spelling
from pmtaform.lang.catalogue import DirectiveSpec
from pmtaform.lang.tree import Tree

DEFAULT_VMTA: Final = "{default}"  # the implicit virtual MTA, when none is selected


class Source(StrEnum):
    """Where a value comes from."""

    SET = "set"  # a line of the configuration
    FALLBACK = "fallback"  # another directive's value, which the guide names as the default
    DEFAULT = "default"  # the guide's default
    NONE = "none"  # nothing sets it, and the guide gives no default


class Assumption(StrEnum):
    """What a value rests on where the guides are silent; `sentence` states it."""

    LAYER_OVER_NAME = "layer-over-name"
    REPEATED_LINE = "repeated-line"
    MERGED_SECTIONS = "merged-sections"
    TWO_MACROS = "two-macros"
    SAME_SUFFIX = "same-suffix"
    LIST_REPLACED = "list-replaced"
    CLEARED = "cleared"
    VENDOR_DEFAULTS = "vendor-defaults"
    SEVERAL_POOLS = "several-pools"
    LAYER_ADDS = "layer-adds"
    LAYER_REPLACES = "layer-replaces"
    LOCAL_NAMES = "local-names"
    UNKNOWN_DIRECTIVE = "unknown-directive"
    DOUBTFUL_VALUE = "doubtful-value"
    DEFAULT_IN_WORDS = "default-in-words"
    SAME_MACRO_TWICE = "same-macro-twice"
    MACRO_REST = "macro-rest"
    NAMED_SOURCE = "named-source"
    TWO_NAMED_SOURCES = "two-named-sources"
    GLOBAL_RELAYING = "global-relaying"

    @property
    def sentence(self) -> str:
        """The assumption as one sentence (basis: docs/powermta/language.md sections 4 to 6)."""
        return _SENTENCES[self]


_SENTENCES: Final = {
    Assumption.LAYER_OVER_NAME: (
        "The guide does not state that a general domain of a virtual MTA or pool has precedence over a more "
        "specific "
        "one of a pool or at top level; it is assumed to."
    ),
    Assumption.REPEATED_LINE: (
        "The effect of the same directive twice is not documented; the last line is assumed to win."
    ),
    Assumption.MERGED_SECTIONS: (
        "The effect of two sections with the same name is not documented; they are assumed to be read as one, the "
        "later line winning."
    ),
    Assumption.TWO_MACROS: (
        "Which of two domains that come from macros has precedence is not documented; the later one is assumed to."
    ),
    Assumption.SAME_SUFFIX: "Which of *.name and [*.]name is the more specific is not documented; *.name is assumed "
    "to be.",
    Assumption.LIST_REPLACED: "Whether the lines of a more specific domain add to those of a general one is not "
    "documented; they are assumed to replace them.",
    Assumption.CLEARED: 'The guide does not state that "" clears this directive; it is assumed to be empty.',
    Assumption.VENDOR_DEFAULTS: (
        "The precedence of config-defaults and the configuration is not documented; the configuration is assumed to "
        "be read later and to win."
    ),
    Assumption.SEVERAL_POOLS: "Which pool's value a virtual MTA in several pools inherits is not documented; the last "
    "pool is assumed.",
    Assumption.LAYER_ADDS: (
        "The precedence of a pool's lines is not documented; they are assumed to be between those of the virtual "
        "MTA and of the top "
        "level."
    ),
    Assumption.LAYER_REPLACES: "Whether a virtual MTA's lines replace those at top level is not documented for this "
    "directive; they are assumed to.",
    Assumption.LOCAL_NAMES: (
        "The precedence of <domain local> among other patterns is not documented; it is assumed to come before "
        "wildcards and after the name itself."
    ),
    Assumption.UNKNOWN_DIRECTIVE: "This directive is not known in this section; PowerMTA may reject the line.",
    Assumption.DOUBTFUL_VALUE: "The guide does not allow this value; PowerMTA may reject the configuration.",
    Assumption.DEFAULT_IN_WORDS: "The guide gives the default in words, or differently in its editions.",
    Assumption.SAME_MACRO_TWICE: (
        "The effect of a domain-macro that is defined twice is not documented; its parts are assumed to add up."
    ),
    Assumption.MACRO_REST: (
        "A domain that is written out has precedence over the same from a macro. Whether the other settings of "
        "the macro's section still apply is not "
        "documented; they are assumed to."
    ),
    Assumption.NAMED_SOURCE: (
        "A named source has precedence over the sources by address. Whether their other settings still apply is "
        "not documented; they are assumed "
        "to."
    ),
    Assumption.TWO_NAMED_SOURCES: (
        "Which named source has precedence, that of a listener or that of a user who logged in, is not "
        "documented; the user's is assumed "
        "to."
    ),
    Assumption.GLOBAL_RELAYING: "The guide describes always-allow-relaying among the global directives and shows it in "
    "sources. The guide leaves open whether it counts at top level; it is assumed to.",
}


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One directive in one place. `name` is its canonical name, `section` what it is in, in words."""

    name: str
    value: str
    number: int
    section: str
    tree: Tree = field(repr=False, compare=False)

    @property
    def place(self) -> Place:
        """Where it was written."""
        return self.tree.place(self.number)


@dataclass(frozen=True, slots=True)
class Overruled:
    """A line that would hold, were it not for the one that decided; `why` completes "overruled, because …"."""

    line: SourceLine
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What one directive is.

    `values` has one item for a single value and any number for a list; it is empty when the directive is unset or
    emptied. `lines` are the lines that decided; `overruled` those that did not, the strongest first. `words` is the
    guide's default in its own terms, `via` the directive that a fallback is taken from.
    """

    name: str
    spec: DirectiveSpec | None
    values: tuple[str, ...] = ()
    source: Source = Source.SET
    lines: tuple[SourceLine, ...] = ()
    overruled: tuple[Overruled, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    words: str = ""
    via: str = ""

    @property
    def text(self) -> str:
        """The value as one line; `""` when there is none."""
        return ", ".join(self.values) if self.values else '""'

    @property
    def normal(self) -> tuple[str, ...]:
        """The values as compared: equal where PowerMTA sees no difference."""
        normalised = [spelling.normalise(self.spec, value) for value in self.values]
        return tuple(normalised if self.spec is None or self.spec.ordered else sorted(normalised))

    @property
    def is_set(self) -> bool:
        """Whether a line of the configuration says something of this very directive."""
        return self.source is Source.SET


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveSettings:
    """Everything that PowerMTA would use for the queue `domain/vmta`.

    `values` are the directives of domains, `virtual_mta` those of the virtual MTA itself, both in the catalogue's
    order. `queue_to` is the domain whose queue the mail is put in instead, if any.
    """

    domain: str
    vmta: str
    values: Mapping[str, Value]
    virtual_mta: Mapping[str, Value]
    notes: tuple[str, ...] = ()
    queue_to: str = ""

    @property
    def queue(self) -> str:
        """The queue's name."""
        return f"{self.domain}/{self.vmta}"

    def in_backoff(self) -> dict[str, Value]:
        """What replaces normal limits in back-off mode, by the normal directive (docs/powermta/language.md section 10).

        A directive has a counterpart where the catalogue knows `backoff-` before its name.
        """
        return {name: self.values[f"backoff-{name}"] for name in self.values if f"backoff-{name}" in self.values}
