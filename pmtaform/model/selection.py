r"""Which blocks a run is about: addresses, and patterns of addresses.

    *                 any text: domain[*.com], mta1:*, virtual-mta[mkt-*]
    \*                a star itself: domain[\*.com] is <domain *.com> alone; a backslash is \\
    domain[*]         the catch-all <domain *> itself, as every report writes it; all domains are domain[**]

Only `domain` has a block that is named `*`, so `source[*]` and the like mean all of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from pmtaform.lang.blocks import Address

CATCH_ALL: Final = "domain[*]"
ALL_DOMAINS: Final = "domain[**]"
_PART: Final = re.compile(r"\\[\\*]|\*|[^\\*]+|\\", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which blocks a run is about: address patterns. Empty targets: all."""

    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    also: frozenset[Address] = frozenset()  # of the host that is looked at, taken along with its targets

    def takes(self, host: str, address: Address) -> bool:
        """Whether a block of a host is selected. A pattern may name the host (`mta1:domain[*]`) or not."""
        return self.targeted(host, address) and not self.excluded(host, address)

    def targeted(self, host: str, address: Address) -> bool:
        """Whether the targets name a block of a host, or there are none."""
        return not self.targets or address in self.also or _names(self.targets, host, address)

    def excluded(self, host: str, address: Address) -> bool:
        """Whether a block of a host is named to be left out."""
        return _names(self.excludes, host, address)


def _names(patterns: tuple[str, ...], host: str, address: Address) -> bool:
    return any(matches(p, name) for p in patterns for name in (str(address), f"{host}:{address}"))


def is_catch_all(pattern: str) -> bool:
    """Whether a pattern names the block `<domain *>`, of some host or any."""
    return pattern == CATCH_ALL or pattern.endswith(f":{CATCH_ALL}")


def exactly(address: str) -> str:
    """The pattern that names this address and no other."""
    return address if is_catch_all(address) else address.replace("\\", "\\\\").replace("*", "\\*")


@cache
def _pattern(text: str) -> re.Pattern[str]:
    if is_catch_all(text):
        text = text[: -len(CATCH_ALL)] + "domain[\\*]"
    return re.compile("".join(map(_part, _PART.findall(text))), re.DOTALL)


def _part(part: str) -> str:
    if part == "*":
        return ".*"
    return re.escape(part[1:] if part in ("\\*", "\\\\") else part)


def matches(pattern: str, name: str) -> bool:
    """Whether an address matches a pattern; see the head of this file for what patterns can be."""
    return _pattern(pattern).fullmatch(name) is not None
