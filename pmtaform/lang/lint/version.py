"""Versions of PowerMTA, as far as the guides tell them apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

_VERSION = re.compile(r"v?([0-9]{1,4})\.([0-9]{1,4})(?:\.[0-9]+)?(?:r([0-9]{1,6}))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Version:
    """`5.0r5` is (5, 0) and release 5. `release` is None where it is not known."""

    number: tuple[int, int]
    release: int | None = None

    @classmethod
    def parse(cls, text: str | None) -> Version | None:
        """The version that is in `text`; None when there is none."""
        match = _VERSION.search(text or "")
        if match is None:
            return None
        return cls((int(match[1]), int(match[2])), None if match[3] is None else int(match[3]))

    def __str__(self) -> str:
        release = "" if self.release is None else f"r{self.release}"
        return f"{self.number[0]}.{self.number[1]}{release}"

    def lacks(self, since: str | None) -> bool | None:
        """Whether what came with `since` is not in this version. None: that is not known.

        `since` is a version, or the catalogue's phrase for "a later 5.0": the 2019 guide (5.0r1) does not have it
        and the 2020 guide (5.0r5) does.
        """
        if not since:
            return False
        came = Version.parse(since)
        if came is None:
            return None
        if self.number != came.number:
            return self.number < came.number
        if "later 5.0" not in since:
            return False
        if self.release is None or 1 < self.release < 5:
            return None
        return self.release <= 1

    def has(self, since: str) -> bool:
        """Whether what came with `since` is certainly in this version."""
        return self.lacks(since) is False
