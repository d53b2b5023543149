"""A shard: one of N parts that the hosts of a stack are divided into."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from pmtaform.diagnostics.codes.command_line import BAD_SHARD
from pmtaform.errors import UsageError

_FORM = re.compile(r"([0-9]+)/([0-9]+)")
_MOST = 99_999  # parts


@dataclass(frozen=True, slots=True)
class Shard:
    """Part `number` of `count`, from 1 on.

    The SHA-256 of a host's name decides on its shard. So each host is in one shard, whatever other hosts there are: a
    new host moves none.
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """The shard that `I/N` names. Raises `UsageError`."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise UsageError.of(BAD_SHARD, f'"{text}" is not I/N. For the second of four parts:\n    --shard 2/4')
        if max(len(match[1]), len(match[2])) > len(str(_MOST)):
            raise UsageError.of(BAD_SHARD, f'"{text}": at most {_MOST:,} parts are possible.')
        number, count = int(match[1]), int(match[2])
        if not count:
            raise UsageError.of(BAD_SHARD, f'"{text}": 0 parts are not possible. For all hosts, omit --shard.')
        if not 1 <= number <= count:
            parts = f"from 1/{count} to {count}/{count}" if count > 1 else "only 1/1"
            raise UsageError.of(BAD_SHARD, f'"{text}": there is no part {number} of {count}. The parts are {parts}.')
        return cls(number, count)

    def has(self, host: str) -> bool:
        """Whether the host is in this shard."""
        value = int.from_bytes(hashlib.sha256(host.encode("utf-8", "surrogateescape")).digest()[:8], "big")
        return value % self.count == self.number - 1

    def of(self, hosts: Iterable[str]) -> list[str]:
        """Those of `hosts` that are in this shard, in their order."""
        return [host for host in hosts if self.has(host)]

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"
