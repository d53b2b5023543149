"""The inputs of a comparison: what a host has, and what we applied last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pmtaform.lang.blocks import Address, Block
from pmtaform.lang.includes import Configuration
from pmtaform.plan.files import LiveManagedFile


@dataclass(frozen=True, slots=True)
class LiveKey:
    """A key file on the host, as far as a plan needs it. `same`: it holds the wanted key.

    `as_left`: it is known to be as the last apply left it. `unread`: it holds the wanted key in a form that PowerMTA
    may not read, so that it is not the `same`.
    """

    exists: bool
    same: bool
    mode: int = 0
    owner: str = ""
    group: str = ""
    description: str = ""  # type and size, if another key is there
    as_left: bool = False
    unread: bool = False


@dataclass(frozen=True, slots=True)
class Previous:
    """What we applied last: the digest (`block_digests`) of each block that is ours, and the path of each file that is.

    `left` are the digests of what the last apply left, by any state; None: that was ours. `base` are the blocks
    themselves, with all others that were there; None: they are not known.
    """

    blocks: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)  # address -> path, of DKIM keys and managed files
    unmanaged: int = 0
    left: Mapping[str, str] | None = None
    base: Mapping[Address, Block] | None = None


@dataclass(frozen=True, slots=True)
class Live:
    """What a host has: its parsed files, and the other files that concern us, by path. `now`: when it was looked at."""

    configuration: Configuration
    keys: Mapping[str, LiveKey] = field(default_factory=dict)
    files: Mapping[str, LiveManagedFile] = field(default_factory=dict)
    now: datetime | None = None
