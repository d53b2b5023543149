"""One type for every secret: it cannot be printed, formatted, pickled or copied into JSON by accident."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any, NoReturn


class Secret:
    """A secret value in memory, with the reference that it came from.

    `reveal()` is the only way to the bytes; every use of it is a place to read with care. The bytes are kept in a
    closure and not in an attribute, so that nothing that lists attributes (a debugger's or a logger's dump, a trace
    with local variables) comes upon them.
    """

    __slots__ = ("__reveal", "reference")

    def __init__(self, value: bytes, reference: str) -> None:
        self.__reveal: Callable[[], bytes] = lambda: value
        self.reference = reference

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("a secret has no other kinds: they could print themselves")

    def reveal(self) -> bytes:
        """The bytes themselves."""
        return self.__reveal()

    def digest(self, key: bytes) -> str:
        """A keyed digest, hex: equal for equal secrets under one key, useless for guessing without it."""
        return hmac.new(key, self.__reveal(), hashlib.sha256).hexdigest()

    def __repr__(self) -> str:
        return f"<secret {self.reference}>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self.__reveal(), other.reveal())

    def __hash__(self) -> int:
        return hash(self.__reveal())

    def __copy__(self) -> NoReturn:
        _refuse()

    def __deepcopy__(self, memo: object) -> NoReturn:
        _refuse()

    def __getstate__(self) -> NoReturn:
        _refuse()

    def __setstate__(self, state: object) -> NoReturn:
        _refuse()

    def __reduce__(self) -> NoReturn:
        _refuse()

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        _refuse()


def _refuse() -> NoReturn:
    raise TypeError("a secret is not pickled or copied")
