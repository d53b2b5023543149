"""The factor between two values of a limit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.catalogue import DirectiveSpec
from pmtaform.lang.effective import Value
from pmtaform.lang.values.text import unquoted

# Counts that limit. `0` of those in `_ZERO_IS_NONE` is no limit (guide 3.3.10.71/72); of others the guide does not say.
COUNTS: Final = frozenset(
    {
        "max-smtp-out",
        "backoff-max-smtp-out",
        "max-smtp-out-per-source-ip",
        "max-msg-per-connection",
        "max-errors-per-connection",
        "max-rcpt-per-message",
        "max-rcpt-per-transaction",
        "max-msg-per-hour",
        "backoff-max-msg-per-hour",
        "total-max-smtp-out",
    }
)
_ZERO_IS_NONE: Final = frozenset(
    {"max-msg-per-connection", "max-errors-per-connection", "max-rcpt-per-message", "max-rcpt-per-transaction"}
)
_INTERVALS: Final = frozenset(
    {
        "retry-after",
        "backoff-retry-after",
        "retry-after-dns-error",
        "retry-recipients-after",
        "smtp-out-rampup-interval",
    }
)
_RATES: Final = frozenset({"rate", "volume-rate", "day-rate-list", "cidr-rate", "cidr-int", "mx-limit", "ip-limit"})
_BYTES: Final = {"b": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def is_limit(spec: DirectiveSpec | None) -> bool:
    """Whether a directive limits how much is sent how fast."""
    return spec is not None and (spec.type in _RATES or spec.name in COUNTS or spec.name in _INTERVALS)


def factor_of(before: Value, after: Value) -> float | None:
    """The factor by which `after` allows more: infinite when the limit is lifted; None when that is not known.

    A value whose meaning is not documented (a rate of `0`) counts as no limit where it replaces one.
    """
    spec = after.spec or before.spec
    if spec is None or not is_limit(spec):
        return None
    if spec.type.startswith(("cidr-", "mx-", "ip-")):
        return _each_network(spec, before, after)
    left, right = _text(before), _text(after)
    if spec.name in _INTERVALS:
        return _sooner(left, right)
    return _ratio(_level(spec, left), _level(spec, right))


def _text(value: Value) -> str:
    return unquoted(value.values[-1]) if value.values else ""


def _ratio(before: list[float] | None, after: list[float] | None) -> float | None:
    """The largest ratio of two series; the last item of the shorter goes on."""
    if not before or not after:
        return None
    longest = max(len(before), len(after))
    pairs = [(before[min(n, len(before) - 1)], after[min(n, len(after) - 1)]) for n in range(longest)]
    known = [_times(left, right) for left, right in pairs]
    return max(known)


def _times(before: float, after: float) -> float:
    if before == math.inf:
        return 1.0 if after == math.inf else 0.0
    if after == math.inf or before == 0:
        return math.inf if after else 1.0
    return after / before


def _level(spec: DirectiveSpec, text: str) -> list[float] | None:
    """The amount that a value allows, in a unit of its type; infinite without a limit, None if it is not understood."""
    if not text or text.lower() == "unlimited":
        return [math.inf]
    kind = spec.type.removeprefix("cidr-")
    if kind == "day-rate-list":
        counts = [item.partition("/")[0].strip() for item in text.split(",")]
        return [float(count) for count in counts] if all(count.isdigit() for count in counts) else None
    if kind == "volume-rate" or (kind == "rate" and _is_volume(text)):
        return _volume(text)
    if kind == "rate":
        rate = values.parse_rate(text)
        return None if rate is None else [rate.per_second or math.inf]
    first = text.split(None, 1)[0].rstrip(",")
    if not first.isdigit():
        return None
    return [math.inf] if int(first) == 0 and spec.name in _ZERO_IS_NONE else [float(first)]


def _is_volume(text: str) -> bool:
    return text.partition("/")[0][-1:].lower() in _BYTES


def _volume(text: str) -> list[float] | None:
    """Bytes a second. Whether `k` is 1000 or 1024 is not documented; 1024 is assumed on both sides."""
    if text == "0":
        return [math.inf]
    amount, _, time = text.partition("/")
    size, period = bytes_of(amount), values.parse_rate(f"1/{time}")
    return None if size is None or period is None or period.per_second is None else [size * period.per_second]


def bytes_of(text: str) -> float | None:
    """A size in bytes, without the meaning of `0` and `unlimited`; None if it is not understood."""
    size = values.parse_size(text)
    return None if size is None or size.number is None else size.number * 1024.0 ** _BYTES[size.unit]


def _sooner(before: str, after: str) -> float | None:
    """The largest factor by which a retry follows sooner than before."""
    series = [_seconds(text) for text in (before, after)]
    if series[0] is None or series[1] is None:
        return None
    return _ratio(series[1], series[0])


def _seconds(text: str) -> list[float] | None:
    intervals = [values.parse_duration(item) for item in (text or "0").split(",")]
    return [float(item) for item in intervals if item is not None] if None not in intervals else None


def _each_network(spec: DirectiveSpec, before: Value, after: Value) -> float | None:
    """The largest factor of the entries of both sides; an entry that is removed is a limit that is lifted."""
    left, right = _entries(before), _entries(after)
    factors = [
        _ratio(_level(spec, text), _level(spec, right[network]) if network in right else [math.inf])
        for network, text in left.items()
    ]
    return max((factor for factor in factors if factor is not None), default=None)


def _entries(value: Value) -> Mapping[str, str]:
    pairs = [text.split(None, 1) for text in value.values]
    return {pair[0]: pair[1].strip() for pair in pairs if len(pair) == 2}
