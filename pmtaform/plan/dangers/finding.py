"""What a check of the effect reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pmtaform.lang.blocks import Address

if TYPE_CHECKING:
    from pmtaform.plan.dangers.sides import Sides


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One danger of a change.

    `code` is one of `CODES`. `detail` is a sentence with numbers, complete by itself: who is concerned, what was, what
    will be, because of which line. `cause` is the changed block that brings it about; None: the host as a whole.
    `weight` orders findings of one code, the worst first (for a limit: how many times more it allows).
    """

    code: str
    detail: str
    cause: Address | None = None
    weight: float = field(default=1.0, compare=False)


Check = Callable[["Sides"], Iterator[Finding]]
