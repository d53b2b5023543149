"""Back-off against normal mode: rates and retries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.lint.backoff import first_interval, starting_sections
from pmtaform.lang.lint.domains import Applies, inherited
from pmtaform.lang.lint.facts import Facts, Line
from pmtaform.lang.lint.hits import at
from pmtaform.lang.lint.model import WARNING, Family, Hit, Rule
from pmtaform.lang.lint.reads import Reads

_RATES: Final = (
    ("backoff-max-msg-rate", "max-msg-rate"),
    ("backoff-max-connect-rate", "max-connect-rate"),
)


_COUNTS: Final = (("backoff-max-smtp-out", "max-smtp-out"),)


@Rule(
    code="backoff-faster",
    severity=WARNING,
    family=Family.BACKOFF,
    summary="Back-off faster than normal mode",
    explanation="A site that rejects mail gets more of it, and blocks the address.",
    basis="inferred from guide 10.3; the default of backoff-max-smtp-out: 3.3.10.75",
    reads=(
        Reads(at=("backoff-max-",), others=("^<domain *>",)),
        Reads(
            at=("max-smtp-out",),
            others=(
                "<pattern-list",
                "<smtp-pattern-list",
                "smtp-pattern-list",
                "backoff-upon-all-sources-disabled",
                "backoff-max-smtp-out",
            ),
        ),
    ),
    wrong="""
        <domain *>
          max-msg-rate 10/h
          backoff-max-msg-rate 10/m
        </domain>
    """,
    right="""
        <domain *>
          max-msg-rate 10/m
          backoff-max-msg-rate 10/h
        </domain>
    """,
)
def backoff_faster(facts: Facts) -> Iterator[Hit]:
    for name, normal in _RATES:
        for line in facts.named(name):
            other = inherited(facts, line.within, normal) if line.within is not None else None
            factor = values.faster_by(
                values.parse_rate(other.value.strip('"')) if other else None, values.parse_rate(line.value.strip('"'))
            )
            if other is not None and factor is not None and factor > 1:
                yield _contrary(line, other)
    for name, normal in _COUNTS:
        for line in facts.named(name):
            other = inherited(facts, line.within, normal) if line.within is not None else None
            if other is not None and _count(line) > _count(other) > 0:
                yield _contrary(line, other)
    yield from _by_default_faster(facts)


def _by_default_faster(facts: Facts) -> Iterator[Hit]:
    """A limit that is smaller than what back-off has by default: only rates fall back to their normal counterpart."""
    for line, default in _against_defaults(facts, "max-smtp-out", "backoff-max-smtp-out", _is_lower):
        if 0 < _count(line) < int(default):
            detail = (
                f"In back-off, which is for sites that refuse mail, a queue may open {default} connections, more than "
                f"the {_count(line)} of normal mode: backoff-max-smtp-out is not set, and {default} is its default. "
                "Set backoff-max-smtp-out."
            )
            yield at(line, detail)


def _is_lower(line: Line, default: str) -> bool:
    return 0 < _count(line) < int(default)


def _is_later(line: Line, default: str) -> bool:
    mine = first_interval(line)
    after = values.parse_duration(default) if mine is not None else None
    return mine is not None and after is not None and mine > after


def _against_defaults(
    facts: Facts, normal: str, name: str, is_wrong: Callable[[Line, str], bool]
) -> Iterator[tuple[Line, str]]:
    """The lines with a wrong normal limit where back-off can start and its own limit keeps its default."""
    spec = catalogue().directive("domain", name)
    if spec is None or spec.default is None or not facts.whole or not facts.complete:
        return
    lines = [line for line in facts.named(normal) if line.scope == "domain" and is_wrong(line, spec.default)]
    if not lines:
        return
    holders = [*facts.holders(name), *(facts.defaults.holders(name) if facts.defaults is not None else ())]
    limited = Applies(part for part in holders if part.tag == "domain")
    may_back_off = Applies(starting_sections(facts))
    for line in lines:
        part = line.within
        if part is not None and may_back_off.may_hold_with(part) and not limited.may_hold_with(part):
            yield line, spec.default


def _contrary(line: Line, other: Line) -> Hit:
    detail = (
        f"{line.name} {values.shown(line.value)} allows more than {other.name} {values.shown(other.value)}: in "
        f"back-off, "
        "which is for sites that refuse mail, more is sent than before. Make it smaller."
    )
    return at(line, detail, related=(other.place,))


def _count(line: Line) -> int:
    text = line.value.strip('"')
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


@Rule(
    code="backoff-retries-sooner",
    severity=WARNING,
    family=Family.BACKOFF,
    summary="Back-off retries sooner than normal mode",
    explanation="A site that rejects mail gets more attempts.",
    basis="seen in published configurations; the default of backoff-retry-after: guide 3.3.10.40",
    reads=(
        Reads(at=("backoff-retry-after",), others=("^<domain *>",)),
        Reads(
            at=("retry-after",),
            others=(
                "<pattern-list",
                "<smtp-pattern-list",
                "smtp-pattern-list",
                "backoff-upon-all-sources-disabled",
                "backoff-retry-after",
            ),
        ),
    ),
    wrong="""
        <domain *>
          retry-after 1h
          backoff-retry-after 10m
        </domain>
    """,
    right="""
        <domain *>
          retry-after 10m
          backoff-retry-after 1h
        </domain>
    """,
)
def backoff_retries_sooner(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("backoff-retry-after"):
        other = inherited(facts, line.within, "retry-after") if line.within is not None else None
        mine = first_interval(line)
        normal = first_interval(other) if other is not None else None
        if mine is not None and normal is not None and other is not None and mine < normal:
            detail = (
                f"In back-off the site is tried again after {values.shown(line.value)}, sooner than the "
                f"{values.shown(other.value)} of normal mode. Make it longer; the default is 1h."
            )
            yield at(line, detail, related=(other.place,))
    for line, default in _against_defaults(facts, "retry-after", "backoff-retry-after", _is_later):
        mine, after = first_interval(line), values.parse_duration(default)
        if mine is not None and after is not None and mine > after:
            detail = (
                f"In back-off the site is tried again after {default}, sooner than the {values.shown(line.value)} of "
                f"normal mode: backoff-retry-after is not set, and {default} is its default. Set backoff-retry-after."
            )
            yield at(line, detail)
