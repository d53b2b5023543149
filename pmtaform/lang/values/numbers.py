"""Durations, rates, sizes, truth values and networks, as PowerMTA spells them (docs/powermta/language.md section 2)."""

from __future__ import annotations

import ipaddress
import math
import re
from dataclasses import dataclass
from functools import lru_cache

RATE_UNITS = {"d": 86400, "day": 86400, "h": 3600, "hr": 3600, "m": 60, "min": 60, "s": 1, "sec": 1}
DURATION_UNITS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
TRUTHS = {"yes": True, "true": True, "no": False, "false": False}

# No more than 18 digits: no one sets a longer number, and int() rejects very long ones.
_N = "[0-9]{1,18}"
_DURATION = re.compile(f"(?:{_N}[wdhms])+")
_DURATION_PART = re.compile(f"({_N})([wdhms])")
_RATE = re.compile(f"({_N})/((?:[1-9][0-9]{{0,8}})?)(day|d|hr|h|min|m|sec|s)")
_VOLUME = re.compile(f"({_N})([bkmgtBKMGT]?)/((?:[1-9][0-9]{{0,8}})?)(day|d|hr|h|min|m|sec|s)")
_SIZE = re.compile(f"({_N})([bkmgtBKMGT]?)")
_SHORT_V4 = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3}){0,2})/(0|[1-9][0-9]?)")
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PLAIN_V4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")  # 20 times faster than `ipaddress`, and most addresses are so
_ADDRESS = re.compile(r"([0-9A-Fa-f.:]+)(?:/(0|[1-9][0-9]{0,2}))?")


def parse_bool(text: str) -> bool | None:
    """`yes`, `true`, `no`, `false`; None for anything else (`on` and `1` are not documented).

    Case is not documented either; any is understood, since a `YES` that opens a relay must be seen.
    """
    return TRUTHS.get(text.strip().lower())


def parse_duration(text: str) -> int | None:
    """Seconds of a time interval (`4d12h`, `300s`, `0`); None when it is none, `never` among them."""
    text = text.strip()
    if text == "0":
        return 0
    if _DURATION.fullmatch(text) is None:
        return None
    return sum(int(count) * DURATION_UNITS[unit] for count, unit in _DURATION_PART.findall(text))


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` in every `seconds`. `count` is None for `unlimited`; a plain `0` is `Rate(0, 0)`.

    `0` is a legal rate that the guide explains for one directive only, so it is no number to reckon with.
    """

    count: int | None
    seconds: int

    @property
    def per_second(self) -> float | None:
        """The rate as a number: infinite for `unlimited`, None for `0`, whose meaning is not documented."""
        if self.count is None:
            return math.inf
        return self.count / self.seconds if self.count and self.seconds else None


def parse_rate(text: str) -> Rate | None:
    """A rate `N/[M]unit`, `unlimited` or `0`; None when it is none."""
    text = text.strip()
    if text == "0":
        return Rate(0, 0)
    if text.lower() == "unlimited":
        return Rate(None, 1)
    match = _RATE.fullmatch(text)
    return match and Rate(int(match[1]), int(match[2] or 1) * RATE_UNITS[match[3]])


def faster_by(old: Rate | None, new: Rate | None) -> float | None:
    """How many times faster `new` is than `old`: infinite when a limit is lifted, None when it is not known."""
    if old is None or new is None or old.per_second is None or new.per_second is None:
        return None
    if new.count is None:
        return 1.0 if old.count is None else math.inf
    return 0.0 if old.count is None else (new.count * old.seconds) / (old.count * new.seconds)


@dataclass(frozen=True, slots=True)
class Size:
    """`number` of `unit` (one of `b k m g t`). `number` is None for `unlimited`.

    Whether `k` is 1000 or 1024 is not documented: sizes of different units are not to be compared.
    """

    number: int | None
    unit: str


def parse_size(text: str) -> Size | None:
    """A size `N{b k m g t}` in either case, a bare count of bytes, or `unlimited`; None when it is none."""
    text = text.strip()
    if text.lower() == "unlimited":
        return Size(None, "b")
    match = _SIZE.fullmatch(text)
    return match and Size(int(match[1]), match[2].lower() or "b")


@lru_cache(maxsize=8192)
def parse_cidr(text: str) -> str | None:
    """The network that an address, a CIDR or a short CIDR (`0/0`, `10/8`, `173.194/16`) names, in full.

    Bits beyond the mask are dropped. `0/0` is written as an IPv4 network: that it covers IPv6 is not documented.
    """
    if _PLAIN_V4.fullmatch(text):
        return f"{text}/32"
    short = _SHORT_V4.fullmatch(text)
    if short is not None:
        octets = short[1].split(".")
        text = ".".join(octets + ["0"] * (4 - len(octets))) + "/" + short[2]
    if _ADDRESS.fullmatch(text) is None:
        return None
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return None


def parse_address(text: str) -> str | None:
    """One IP address in its canonical spelling; None when it is none."""
    if _PLAIN_V4.fullmatch(text):
        return text
    if "/" in text or _ADDRESS.fullmatch(text) is None:
        return None
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def same_cidr(text: str) -> str:
    """The spelling under which a network is compared where only matching counts: `10/8` is `10.0.0.0/8`.

    With bits beyond the mask (`10.1.2.3/8`) it stays as written: whether PowerMTA accepts that is not documented.
    """
    network = parse_cidr(text)
    if network is None:
        return text
    address, _, _ = text.partition("/")
    known = parse_address(address)
    if known is not None and "/" in text and not network.startswith(known + "/"):
        return text
    if known is None and not _short_without_host_bits(address, network):
        return text
    return network


def _short_without_host_bits(address: str, network: str) -> bool:
    full = network.partition("/")[0].split(".")
    given = address.split(".")
    return [str(int(octet)) for octet in given] == full[: len(given)]


def same_address(text: str) -> str:
    """As `same_cidr`, but a single address and its /32 stay apart.

    A CIDR in `smtp-source-host` means "those of the local addresses that match, except 127.0.0.1"; an address
    means that address.
    """
    return same_cidr(text) if "/" in text else (parse_address(text) or text)


def same_duration(text: str) -> str:
    """A duration in seconds, when its units stand from large to small as in every documented example."""
    if text == "0":
        return text
    parts = _DURATION_PART.findall(text)
    sizes = [DURATION_UNITS[unit] for _, unit in parts]
    if _DURATION.fullmatch(text) is None or sizes != sorted(set(sizes), reverse=True):
        return text
    if any(len(count) > 1 and count[0] == "0" for count, _ in parts):
        return text
    seconds = sum(int(count) * DURATION_UNITS[unit] for count, unit in parts)
    return f"{seconds}s" if seconds else "0"


def same_rate(text: str) -> str:
    """A rate with its unit spelled one way. Days stay days: that they are 24 hours from now is not documented."""
    match = _RATE.fullmatch(text)
    if match is None:
        return text
    return match[1] + "/" + _period(match[2], match[3])


def same_volume(text: str) -> str:
    """A data volume rate with its units spelled one way; bytes are the default."""
    match = _VOLUME.fullmatch(text)
    if match is None:
        return text
    return match[1] + match[2].lower().replace("b", "") + "/" + _period(match[3], match[4])


def _period(count: str, unit: str) -> str:
    number = int(count or 1)
    return f"{number}d" if unit in ("d", "day") else f"{number * RATE_UNITS[unit]}s"


def same_size(text: str) -> str:
    """A size with its letter in lower case and the letter of bytes dropped."""
    return text[:-1] + text[-1].lower().replace("b", "") if _SIZE.fullmatch(text) else text


def is_volume_rate(text: str) -> bool:
    """Whether it is `N[b k m g t]/[X]unit`, `unlimited` or `0`."""
    if text == "0" or text.lower() == "unlimited":
        return True
    match = _VOLUME.fullmatch(text)
    return match is not None and int(match[1]) > 0
