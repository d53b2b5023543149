"""Signatures that protect less, or survive less on their way, than before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.effective import Value
from pmtaform.lang.values.text import unquoted
from pmtaform.plan.dangers import words

# The value that is worse than the other: SHA-1 is retired (RFC 8301), `simple` breaks where a relay folds a line.
_WORSE: Final = {"dkim-algorithm": "rsa-sha1", "dkim-headers-canon": "simple", "dkim-body-canon": "simple"}
_BODY_LIMIT: Final = "dkim-add-body-limit"  # content may be added to mail that is signed so
_EXPIRES: Final = "dkim-expire-after"  # a signature that ends while mail waits is none when it arrives
_WAITS: Final = "bounce-after"
_HEADERS: Final = ("dkim-headers", "dkim-disallow-adding-headers")
_BETWEEN: Final = re.compile(r"[\s,:;]+")


def weakened(was: Mapping[str, Value], now: Mapping[str, Value], prefix: str) -> Iterator[str]:
    """Each directive by which signatures become weaker, as `name before -> after`."""
    for name, worse in _WORSE.items():
        left, right = (_text(side, prefix + name) for side in (was, now))
        if right == worse != left:
            yield _change(was, now, prefix + name)
    if _is_on(now, prefix + _BODY_LIMIT) and not _is_on(was, prefix + _BODY_LIMIT):
        yield _change(was, now, prefix + _BODY_LIMIT)
    if _expires(now, prefix) < min(_expires(was, prefix), _seconds(now, _WAITS)):
        yield _change(was, now, prefix + _EXPIRES)
    for name in _HEADERS:
        if _items(was, prefix + name) - _items(now, prefix + name):
            yield _change(was, now, prefix + name)


def _text(side: Mapping[str, Value], name: str) -> str:
    value = side.get(name)
    return unquoted(value.values[-1]).lower() if value is not None and value.values else ""


def _is_on(side: Mapping[str, Value], name: str) -> bool:
    return values.parse_bool(_text(side, name)) is True


def _items(side: Mapping[str, Value], name: str) -> set[str]:
    return set(filter(None, _BETWEEN.split(_text(side, name))))


def _change(was: Mapping[str, Value], now: Mapping[str, Value], name: str) -> str:
    return f"{name} {words.value(was.get(name))} -> {words.value(now.get(name))}"


def _expires(side: Mapping[str, Value], prefix: str) -> float:
    return _seconds(side, prefix + _EXPIRES)


def _seconds(side: Mapping[str, Value], name: str) -> float:
    """A time; infinite for `never`, or where nothing is set."""
    seconds = values.parse_duration(_text(side, name)) if name in side else None
    return float("inf") if seconds is None else float(seconds)
