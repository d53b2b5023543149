"""Limits that limit nothing, contradict each other, or cannot be meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.lint.domains import inherited
from pmtaform.lang.lint.facts import Facts, Line
from pmtaform.lang.lint.hits import at, on
from pmtaform.lang.lint.model import INFO, WARNING, Family, Hit, Rule
from pmtaform.lang.lint.reads import BLOCK, Reads

_DAY: Final = 86_400
_IMPLAUSIBLE: Final = 2_000_000  # messages a day for one queue
_NO_LIMIT: Final = 200_000_000
_MESSAGES: Final = ("max-msg-rate", "backoff-max-msg-rate", "max-smtp-msg-rate", "source-ip-max-msg-rate")
_RATES: Final = (*_MESSAGES, "max-connect-rate", "backoff-max-connect-rate", "source-ip-max-connect-rate")


def rate_text(line: Line) -> str:
    value = line.value.strip('"')
    return value.rpartition(" ")[2] if line.spec is not None and line.spec.type.startswith("cidr-") else value


def _per_day(line: Line) -> float | None:
    rate = values.parse_rate(rate_text(line))
    if rate is None or rate.count is None or not rate.seconds:
        return None
    return rate.count * _DAY / rate.seconds


@Rule(
    code="implausible-rate",
    severity=WARNING,
    family=Family.RATES,
    summary="Implausibly high rate",
    explanation="Such a burst gets an address blocked for weeks. Rates per second are mostly a wrong unit.",
    basis="judgement: more than 2 million messages a day for one queue",
    reads=BLOCK,
    wrong="""
        <domain gmail.com>
          max-msg-rate 100/s
        </domain>
    """,
    right="""
        <domain gmail.com>
          max-msg-rate 300/h
        </domain>
    """,
)
def implausible_rate(facts: Facts) -> Iterator[Hit]:
    for line in facts.named(*_MESSAGES):
        daily = _per_day(line)
        if daily is not None and _IMPLAUSIBLE <= daily < _NO_LIMIT:
            detail = (
                f"{values.shown(rate_text(line))} is {daily:,.0f} messages a day"
                + (" for each queue" if line.scope == "domain" else "")
                + ". No receiver accepts that from one sender. Check the unit. A usual start is 300/h, raised with "
                "reputation."
            )
            yield at(line, detail)


@Rule(
    code="no-op-limit",
    severity=INFO,
    family=Family.RATES,
    summary="Limit without effect",
    explanation="It looks like a limit, and limits nothing.",
    basis="seen in published configurations",
    reads=BLOCK,
    wrong="""
        <domain gmail.com>
          max-msg-rate 99999999/h
        </domain>
    """,
    right="""
        <domain gmail.com>
          max-msg-rate unlimited
        </domain>
    """,
)
def no_op_limit(facts: Facts) -> Iterator[Hit]:
    for line in facts.named(*_RATES):
        daily = _per_day(line)
        if daily is not None and daily >= _NO_LIMIT:
            yield at(line, "A limit that large limits nothing. Write unlimited, or the intended limit.")


@Rule(
    code="zero-rate",
    severity=WARNING,
    family=Family.RATES,
    summary="Undocumented rate of 0",
    explanation="The guide explains 0 for smtp-max-auth-failure-rate only, where it is no limit.",
    basis="undocumented; guide 3.3.7.7",
    reads=BLOCK,
    wrong="""
        <domain *>
          max-msg-rate 0
        </domain>
    """,
    right="""
        <domain *>
          max-msg-rate unlimited
        </domain>
    """,
)
def zero_rate(facts: Facts) -> Iterator[Hit]:
    for line in facts.named(
        *_RATES, "max-data-volume-rate", "backoff-max-data-volume-rate", "max-smtp-data-volume-rate"
    ):
        if rate_text(line) == "0":
            detail = (
                f"0 is a legal rate, but its meaning for {line.name} is not documented: it may mean no limit, or no "
                "mail at all. Write unlimited, or the intended limit."
            )
            yield at(line, detail)


_MOST_PATTERNS: Final = 500  # of a suppression list, as the guide advises


@Rule(
    code="many-suppression-patterns",
    severity=WARNING,
    family=Family.RATES,
    summary="Many patterns in a suppression list",
    explanation="PowerMTA tries each pattern for each recipient: submission slows down.",
    basis="guide 3.3.5, 10.16; that submission slows down is inferred",
    reads=(Reads(at=("<address-list", "<suppression-list"), others=("suppression-lists",)),),
    wrong="<source 192.0.2.0/24>\n  suppression-lists gone\n</source>\n<address-list gone>\n"
    + "".join(f"  address /a{n}@example.com/\n" for n in range(501))
    + "</address-list>",
    right=r"""
        <source 192.0.2.0/24>
          suppression-lists gone
        </source>
        <address-list gone>
          address /@example\.com$/
        </address-list>
    """,
)
def many_suppression_patterns(facts: Facts) -> Iterator[Hit]:
    """Suppression lists with more patterns than the guide advises: each is tried for each recipient."""
    lists = facts.defined("address-list") | facts.defined("suppression-list")
    used = {name.strip().strip('"') for line in facts.named("suppression-lists") for name in line.value.split(",")}
    for name in sorted(used & lists.keys()):
        part = lists[name]
        count = sum(1 for line in part.named("address") if line.value.startswith("/"))
        if count > _MOST_PATTERNS and part.tree.path in facts.configuration.trees:
            detail = (
                f"The list has {count} patterns, and the guide advises no more than {_MOST_PATTERNS}. Write whole "
                "addresses or domains where you can."
            )
            yield on(part, detail)


@Rule(
    code="equals-default",
    severity=INFO,
    family=Family.RATES,
    summary="Value equal to the default",
    explanation="Remove the line, or keep it to show that the value is intended.",
    basis="defaults in guide 3.3",
    optional=True,
    reads=(Reads(others=("^<domain *>",)),),
    wrong="""
        <domain *>
          max-smtp-out 20
        </domain>
    """,
    right="""
        <domain *>
          max-smtp-out 10
        </domain>
    """,
)
def equals_default(facts: Facts) -> Iterator[Hit]:
    """Values that are the default, where no more general section says otherwise."""
    for line in facts.lines:
        spec = line.spec
        if spec is None or not spec.default or spec.accumulates or spec.sensitive or line.within is None:
            continue
        if line.scope != "domain" or values.normalise(spec, line.value) != values.normalise(spec, spec.default):
            continue
        general = inherited(facts, line.within, line.name)
        if general is line and line.within.within is None:
            yield at(line, f"{values.shown(line.value)} is the default of {line.name}.")


@Rule(
    code="alias",
    severity=INFO,
    family=Family.RATES,
    summary="Alias of a directive",
    explanation="Two names for one directive are hard to search for.",
    basis="guide 3.3.10",
    optional=True,
    reads=BLOCK,
    wrong="""
        <domain *>
          max-rcpt-per-transaction 100
        </domain>
    """,
    right="""
        <domain *>
          max-rcpt-per-message 100
        </domain>
    """,
)
def alias(facts: Facts) -> Iterator[Hit]:
    for line in facts.lines:
        if line.spec is not None and line.spec.canonical:
            yield at(line, f"{line.name} is another name of {line.spec.canonical}.", mark=line.node.name)
