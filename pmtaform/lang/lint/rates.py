"""Limits that limit nothing, contradict each other, or cannot be meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.catalogue import GLOBAL
from pmtaform.lang.lint.backoff import first_interval
from pmtaform.lang.lint.domains import inherited
from pmtaform.lang.lint.facts import Facts, Line
from pmtaform.lang.lint.hits import at, on
from pmtaform.lang.lint.model import INFO, WARNING, Hit, Rule

_DAY: Final = 86_400
_IMPLAUSIBLE: Final = 2_000_000  # messages a day for one queue
_SEND_TIMEOUT: Final = 180
_NO_LIMIT: Final = 200_000_000
_MESSAGES: Final = ("max-msg-rate", "backoff-max-msg-rate", "max-smtp-msg-rate", "source-ip-max-msg-rate")
_RATES: Final = (*_MESSAGES, "max-connect-rate", "backoff-max-connect-rate", "source-ip-max-connect-rate")


def _text(line: Line) -> str:
    value = line.value.strip('"')
    return value.rpartition(" ")[2] if line.spec is not None and line.spec.type.startswith("cidr-") else value


def _per_day(line: Line) -> float | None:
    rate = values.parse_rate(_text(line))
    if rate is None or rate.count is None or not rate.seconds:
        return None
    return rate.count * _DAY / rate.seconds


def _implausible(facts: Facts) -> Iterator[Hit]:
    for line in facts.named(*_MESSAGES):
        daily = _per_day(line)
        if daily is not None and _IMPLAUSIBLE <= daily < _NO_LIMIT:
            detail = (
                f"{values.shown(_text(line))} is {daily:,.0f} messages a day"
                + (" for each queue" if line.scope == "domain" else "")
                + ". No receiver takes that from one sender; was another unit meant? 300/h is a usual beginning, "
                "raised with reputation."
            )
            yield at(line, detail)


def _no_op(facts: Facts) -> Iterator[Hit]:
    for line in facts.named(*_RATES):
        daily = _per_day(line)
        if daily is not None and daily >= _NO_LIMIT:
            yield at(line, "So large a limit is none. Write unlimited, or the limit that is meant.")


def _zero(facts: Facts) -> Iterator[Hit]:
    for line in facts.named(
        *_RATES, "max-data-volume-rate", "backoff-max-data-volume-rate", "max-smtp-data-volume-rate"
    ):
        if _text(line) == "0":
            detail = (
                f"0 is a legal rate, but what it means for {line.name} is not documented: no limit, or nothing at all. "
                "Write unlimited, or the limit that is meant."
            )
            yield at(line, detail)


def _short_retry(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("retry-after", "backoff-retry-after"):
        seconds = first_interval(line)
        if line.within is not None and line.within.key.startswith("{"):
            continue  # a queue inside PowerMTA, no site
        if seconds is not None and seconds < 60:
            detail = (
                f"A site that refuses mail is tried again after {values.shown(line.value.split(',')[0])}. That is "
                f"hammering, "
                "and gets addresses blocked. Minutes to hours are usual; the defaults are 10m, and 1h in back-off."
            )
            yield at(line, detail)


def _retry_too_late(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("retry-after", "backoff-retry-after"):
        other = line.within.last("bounce-after") if line.within is not None else None
        seconds = first_interval(line)
        limit = values.parse_duration(other.value.strip('"')) if other is not None else None
        if other is not None and seconds is not None and limit is not None and seconds >= limit > 0:
            detail = (
                f"The first retry comes after {values.shown(line.value.split(',')[0])}, and mail bounces after "
                f"{values.shown(other.value)}: it is tried once. Retry sooner, or bounce later."
            )
            yield at(line, detail, related=(other.place,))


def _above_total(facts: Facts) -> Iterator[Hit]:
    """A limit of one queue above the limit of the virtual MTA that the queue belongs to."""
    total = facts.setting("total-max-smtp-out")
    for line in facts.named("max-smtp-out"):
        if line.scope != "domain" or line.within is None:
            continue
        owner = line.within.within
        above = owner.last("max-smtp-out") if owner is not None else None
        for other in (above, total):
            if other is not None and _int(line) > _int(other) > 0:
                yield _beyond(line, other)
                break
    for line in facts.named("max-msg-rate"):
        owner = line.within.within if line.within is not None else None
        other = owner.last("max-smtp-msg-rate") if owner is not None else None
        if other is not None:
            factor = values.faster_by(values.parse_rate(_text(other)), values.parse_rate(_text(line)))
            if factor is not None and 1 < factor < float("inf"):
                yield _beyond(line, other)


def _beyond(line: Line, other: Line) -> Hit:
    where = other.within.title if other.within is not None else "the whole server"
    detail = (
        f"{line.name} {values.shown(line.value)} for one queue can never be reached: {where} has {other.name} "
        f"{values.shown(other.value)} in total."
    )
    return at(line, detail, related=(other.place,))


def _int(line: Line) -> int:
    text = line.value.strip('"')
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


# Server-wide limits, and what the guide advises not to exceed.
_ADVISED: Final = {"total-max-smtp-out": 7500, "total-max-smtp-in": 100}


def _above_advice(facts: Facts) -> Iterator[Hit]:
    for line in facts.named(*_ADVISED):
        most = _ADVISED[line.name]
        if line.scope == GLOBAL and _int(line) > most:
            detail = f"The guide advises against more than {most:,} for {line.name}; here it is {_int(line):,}."
            yield at(line, detail)


_MOST_PATTERNS: Final = 500  # of a suppression list, as the guide advises


def _many_patterns(facts: Facts) -> Iterator[Hit]:
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


def _short_send(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("data-send-timeout"):
        seconds = values.parse_duration(line.value.strip('"'))
        if seconds is not None and seconds < _SEND_TIMEOUT:
            yield at(line, "RFC 5321 asks for at least 3m, which is also the default. Set 3m or more.")


def _equals_default(facts: Facts) -> Iterator[Hit]:
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


def _alias(facts: Facts) -> Iterator[Hit]:
    for line in facts.lines:
        if line.spec is not None and line.spec.canonical:
            yield at(line, f"{line.name} is another name of {line.spec.canonical}.", mark=line.node.name)


RULES: Final = (
    Rule(
        id="implausible-rate",
        severity=WARNING,
        summary="The rate is implausibly high",
        why="A burst like that gets an address blocked for weeks; per-second rates are mostly a slip of the unit.",
        basis="judgement: more than 2 million messages a day for one queue",
        check=_implausible,
    ),
    Rule(
        id="no-op-limit",
        severity=INFO,
        summary="The limit limits nothing",
        why="It reads like a limit and is none.",
        basis="seen in published configurations",
        check=_no_op,
    ),
    Rule(
        id="zero-rate",
        severity=WARNING,
        summary="What a rate of 0 means is not documented",
        why="The guide explains it for smtp-max-auth-failure-rate only, where it is no limit.",
        basis="undocumented; guide 3.3.7.7",
        check=_zero,
    ),
    Rule(
        id="short-retry",
        severity=WARNING,
        summary="Retries come within a minute",
        why="It hammers a site that is refusing mail.",
        basis="seen in published configurations",
        check=_short_retry,
    ),
    Rule(
        id="retry-after-bounce",
        severity=WARNING,
        summary="Mail bounces before it is tried again",
        why="Every temporary refusal becomes a bounce.",
        basis="inferred from guide 3.3.10, retry-after and bounce-after",
        check=_retry_too_late,
    ),
    Rule(
        id="limit-above-total",
        severity=INFO,
        summary="A limit can never be reached",
        why="max-smtp-out in a domain is per queue, in a virtual MTA it is the total: the smaller one decides.",
        basis="guide 3.3.10, 3.3.12",
        check=_above_total,
    ),
    Rule(
        id="total-above-advice",
        severity=WARNING,
        summary="The server-wide limit is above what the guide advises",
        why="More connections than the machine can serve slow down all of them.",
        basis="guide 3.3.1.1, 3.3.1.2",
        check=_above_advice,
    ),
    Rule(
        id="many-suppression-patterns",
        severity=WARNING,
        summary="A suppression list has very many patterns",
        why="Each pattern is tried for each recipient: submission slows down.",
        basis="guide 3.3.5, 10.16; that submission slows down is inferred",
        check=_many_patterns,
    ),
    Rule(
        id="short-send-timeout",
        severity=INFO,
        summary="The time to send data is shorter than the RFC asks for",
        why="A slow receiver is given up on, and the message is sent again.",
        basis="guide 3.3.10.66; RFC 5321 section 4.5.3.2.5",
        check=_short_send,
    ),
    Rule(
        id="equals-default",
        severity=INFO,
        summary="The value is the default",
        why="The line can go, or stay to say that the value is meant.",
        basis="defaults in guide 3.3",
        check=_equals_default,
        optional=True,
    ),
    Rule(
        id="alias",
        severity=INFO,
        summary="The directive has another name",
        why="Two names for one thing are hard to search for.",
        basis="guide 3.3.10",
        check=_alias,
        optional=True,
    ),
)
