"""The entries of a state document by host: a mapping that does not change, and is cheap to change one entry of.

A run over 10,000 hosts makes 20,000 documents. Copying a dict for each cost 0.1 ms and grew with the fleet; here a
change copies one bucket of 256, and the difference of two documents looks only at the buckets that are not the same.

An entry may be packed: the text that a state file has of it, decoded whenever it is asked for. 10,000 hosts of 25
blocks take 32 MB as text, and three times that as objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Generic, TypeVar
from zlib import crc32

T = TypeVar("T")

_BUCKETS: Final = 256


class Packed(Generic[T]):
    """A value as `text`, which `read` makes the value of."""

    __slots__ = ("_read", "text")

    def __init__(self, text: str, read: Callable[[str], T]) -> None:
        self.text = text
        self._read = read

    def value(self) -> T:
        """The value, made again at each call."""
        return self._read(self.text)


class Entries(Mapping[str, T]):
    """Entries by name, in the order of their names. `with_entries` and `without` make new ones."""

    __slots__ = ("_buckets", "_size")

    def __init__(self, entries: Mapping[str, T | Packed[T]] | None = None) -> None:
        buckets: tuple[dict[str, T | Packed[T]], ...] = tuple({} for _ in range(_BUCKETS))
        for name, entry in (entries or {}).items():
            buckets[_place(name)][name] = entry
        self._buckets = buckets
        self._size = len(entries or ())

    @classmethod
    def of(cls, entries: Mapping[str, T]) -> Entries[T]:
        """`entries`, as they are where they are such already."""
        return entries if isinstance(entries, cls) else cls(entries)

    def __getitem__(self, name: str) -> T:
        entry = self._buckets[_place(name)][name]
        return entry.value() if isinstance(entry, Packed) else entry

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._buckets[_place(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(name for bucket in self._buckets for name in bucket))

    def __len__(self) -> int:
        return self._size

    def __repr__(self) -> str:
        return repr(dict(self))

    def stored(self, name: str) -> T | Packed[T]:
        """The entry as it is kept: not decoded where it is packed."""
        return self._buckets[_place(name)][name]

    def with_entries(self, entries: Mapping[str, T | Packed[T]]) -> Entries[T]:
        """These entries, and others in the place of those of the same names."""
        changed: dict[int, dict[str, T | Packed[T]]] = {}
        for name, entry in entries.items():
            place = _place(name)
            if place not in changed:
                changed[place] = dict(self._buckets[place])
            changed[place][name] = entry
        return self._with(changed)

    def without(self, name: str) -> Entries[T]:
        """These entries except that of `name`."""
        place = _place(name)
        if name not in self._buckets[place]:
            return self
        return self._with({place: {other: entry for other, entry in self._buckets[place].items() if other != name}})

    def changes_since(self, earlier: Entries[T]) -> dict[str, T | Packed[T] | None]:
        """The entries that are not the ones of `earlier`, as they are kept; None for those that are gone."""
        changes: dict[str, T | Packed[T] | None] = {}
        for bucket, before in zip(self._buckets, earlier._buckets, strict=True):
            if bucket is not before:
                changes |= {name: entry for name, entry in bucket.items() if before.get(name) is not entry}
                changes |= dict.fromkeys(before.keys() - bucket.keys())
        return changes

    def _with(self, changed: Mapping[int, dict[str, T | Packed[T]]]) -> Entries[T]:
        buckets = list(self._buckets)
        fresh: Entries[T] = Entries.__new__(Entries)
        fresh._size = self._size
        for place, bucket in changed.items():
            fresh._size += len(bucket) - len(buckets[place])
            buckets[place] = bucket
        fresh._buckets = tuple(buckets)
        return fresh


def _place(name: str) -> int:
    """The bucket of a name: the same in every process, which a hash of a text is not."""
    return crc32(name.encode("utf-8", "surrogatepass")) % _BUCKETS
