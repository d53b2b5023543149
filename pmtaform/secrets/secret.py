"""One type for every secret: it cannot be printed, formatted, pickled or copied into JSON by accident."""

from __future__ import annotations

import hashlib
import hmac
from typing import NoReturn


class Secret:
    """A secret value in memory, with the reference that it came from.

    `reveal()` is the only way to the bytes; every use of it is a place to read with care.
    """

    __slots__ = ("__value", "reference")

    def __init__(self, value: bytes, reference: str) -> None:
        self.__value = value
        self.reference = reference

    def reveal(self) -> bytes:
        """The bytes themselves."""
        return self.__value

    def digest(self, key: bytes) -> str:
        """A keyed digest, hex: equal for equal secrets under one key, useless for guessing without it."""
        return hmac.new(key, self.__value, hashlib.sha256).hexdigest()

    def __repr__(self) -> str:
        return f"<secret {self.reference}>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self.__value, other.reveal())

    def __hash__(self) -> int:
        return hash(self.__value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled or copied")
