"""Which blocks a run is about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate
from functools import cache

from pmtaform.lang.blocks import Address


@dataclass(frozen=True, slots=True)
class Selection:
    """Which blocks a run is about: address patterns with `*`. Empty targets: all."""

    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()

    def takes(self, host: str, address: Address) -> bool:
        """Whether a block of a host is selected. A pattern may name the host (`mta1:domain[*]`) or not."""
        names = (str(address), f"{host}:{address}")
        if self.targets and not any(matches(p, n) for p in self.targets for n in names):
            return False
        return not any(matches(p, n) for p in self.excludes for n in names)


@cache
def _pattern(text: str) -> re.Pattern[str]:
    literal = text.replace("[", "[[]").replace("?", "[?]")
    return re.compile(translate(literal), re.DOTALL)


def matches(pattern: str, name: str) -> bool:
    """Whether an address matches a pattern; `*` stands for any text and is the only wildcard."""
    return _pattern(pattern).match(name) is not None
