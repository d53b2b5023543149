"""An index over many name patterns, so that a name is compared with the few that can match it.

ssh_config and known_hosts may have ten thousand of them: to try each for each host takes their product.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class NamePatterns:
    """Numbers of entries by their patterns. `special`: the characters with which the wild part of a pattern begins,
    `closing`: those with which it ends.

    A pattern is filed under the text before its wild part, else under the text behind it. `!` patterns match nothing.
    """

    special: str
    closing: str
    _exact: dict[str, list[int]] = field(default_factory=dict)
    _before: dict[str, list[int]] = field(default_factory=dict)
    _behind: dict[str, list[int]] = field(default_factory=dict)
    _always: list[int] = field(default_factory=list)

    def add(self, patterns: Iterable[str], number: int) -> None:
        """File the entry `number`, which a name matches if it matches one of `patterns`."""
        for pattern in patterns:
            if not pattern.startswith("!"):
                self._place(pattern).append(number)

    def add_always(self, number: int) -> None:
        """File an entry that must be looked at for every name."""
        self._always.append(number)

    def candidates(self, name: str) -> list[int]:
        """The entries that `name` may match, each once, in their order."""
        matches = {*self._always, *self._exact.get(name, ())}
        if self._before:
            matches.update(*(self._before.get(name[:end], ()) for end in range(1, len(name) + 1)))
        if self._behind:
            matches.update(*(self._behind.get(name[start:], ()) for start in range(len(name))))
        return sorted(matches)

    def _place(self, pattern: str) -> list[int]:
        start = next((at for at, char in enumerate(pattern) if char in self.special), None)
        if start is None:
            return self._exact.setdefault(pattern, [])
        if start:
            return self._before.setdefault(pattern[:start], [])
        end = max(pattern.rfind(char) for char in self.special + self.closing) + 1
        return self._behind.setdefault(pattern[end:], []) if end < len(pattern) else self._always
