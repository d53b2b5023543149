"""Which hosts and blocks a run is about."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from pmtaform.diagnostics import did_you_mean, some_of
from pmtaform.diagnostics.codes.command_line import NO_SUCH_HOST
from pmtaform.errors import UsageError
from pmtaform.model.selection import Selection, matches
from pmtaform.model.shard import Shard


class Grouped(Protocol):
    """A host of a stack, as far as a choice looks at it."""

    @property
    def groups(self) -> Collection[str]:
        """The groups that the host is in."""
        ...


class HostsByName(Protocol):
    """A stack, as far as a choice looks at it."""

    @property
    def name(self) -> str:
        """The name of the stack, for messages."""
        ...

    @property
    def hosts(self) -> Mapping[str, Grouped]:
        """All hosts of the stack."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which hosts and blocks a run is about, as patterns with `*`. Empty: all.

    `shard` is the part of these hosts that the run is about; it may have none.
    """

    hosts: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    shard: Shard | None = None

    @classmethod
    def of_patterns(cls, patterns: Mapping[str, Iterable[str]]) -> Choice:
        """The choice that `patterns` wrote. Raises `UsageError` for a shard that is none."""
        shards = [Shard.parse(text) for text in patterns.get("shard", ())]
        hosts, targets, excludes = (tuple(patterns.get(name, ())) for name in ("hosts", "targets", "excludes"))
        return cls(hosts=hosts, targets=targets, excludes=excludes, shard=shards[0] if shards else None)

    @property
    def patterns(self) -> dict[str, tuple[str, ...]]:
        """The choice as texts, as plans and journals keep it."""
        shard = {"shard": (str(self.shard),)} if self.shard is not None else {}
        return {"hosts": self.hosts, "targets": self.targets, "excludes": self.excludes, **shard}

    def select(self, stack: HostsByName) -> list[str]:
        """Return the names of the chosen hosts. Raises `UsageError` for a pattern that no host matches."""
        names = self.all_parts(stack)
        return names if self.shard is None else self.shard.of(names)

    def all_parts(self, stack: HostsByName) -> list[str]:
        """The names of the hosts of all shards together. Raises as `select`."""
        names = list(stack.hosts)
        if not self.hosts:
            return names
        chosen: dict[str, None] = {}
        for pattern in self.hosts:
            matching = [n for n in names if matches(pattern, n) or pattern in stack.hosts[n].groups]
            if not matching:
                raise UsageError.of(
                    NO_SUCH_HOST,
                    f'"{pattern}" matches no host and no group of stack "{stack.name}".'
                    + (did_you_mean(pattern, names) or f" Its hosts are: {some_of(names)}."),
                )
            chosen.update(dict.fromkeys(matching))
        return list(chosen)

    @property
    def selection(self) -> Selection:
        """The choice of blocks."""
        return Selection(self.targets, self.excludes)
