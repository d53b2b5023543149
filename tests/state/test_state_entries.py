"""Entries: a mapping in the order of its names, which knows what differs from an earlier one."""

from __future__ import annotations

import pickle

from hypothesis import given
from hypothesis import strategies as st

from pmtaform.state.entries import Entries, Packed

names = st.text(st.characters(exclude_categories=()), max_size=3)
tables = st.dictionaries(names, st.integers(), max_size=20)


@given(tables)
def test_they_are_a_mapping_in_the_order_of_names(table: dict[str, int]) -> None:
    entries = Entries(table)
    assert entries == table
    assert list(entries) == sorted(table)
    assert len(entries) == len(table)
    assert Entries.of(entries) is entries
    assert pickle.loads(pickle.dumps(entries)) == entries


@given(tables, tables, names)
def test_a_change_makes_new_ones_and_leaves_the_old(table: dict[str, int], more: dict[str, int], gone: str) -> None:
    entries = Entries(table)
    changed = entries.with_entries(more).without(gone)
    assert changed == {name: number for name, number in {**table, **more}.items() if name != gone}
    assert len(changed) == len(dict(changed))
    assert (gone in changed) is False
    assert entries == table


@given(tables, tables, st.sets(names))
def test_what_changed_makes_the_later_of_the_earlier(
    table: dict[str, int], more: dict[str, int], gone: set[str]
) -> None:
    earlier = Entries(table)
    later = earlier.with_entries(more)
    for name in gone:
        later = later.without(name)
    made = dict(table)
    for name, entry in later.changes_since(earlier).items():
        if entry is None:
            del made[name]
        else:
            assert not isinstance(entry, Packed)
            made[name] = entry
    assert made == later
    assert later.changes_since(later) == {}


def test_a_change_of_one_is_found_without_looking_at_the_others() -> None:
    earlier = Entries({f"mta{number}": number for number in range(1000)})
    assert earlier.with_entries({"mta7": -1}).changes_since(earlier) == {"mta7": -1}


def test_a_packed_entry_is_read_when_it_is_asked_for() -> None:
    asked: list[str] = []

    def read(text: str) -> int:
        asked.append(text)
        return int(text)

    entries = Entries({"a": Packed("1", read), "b": 2})
    assert len(entries) == 2
    assert "a" in entries
    assert asked == []
    assert dict(entries) == {"a": 1, "b": 2}
    assert asked == ["1"]
