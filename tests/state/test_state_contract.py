"""The contract of every backend beside saving and locking: keys, journals and rotation histories of each stack."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from state_samples import document

from pmtaform.errors import UsageError
from pmtaform.model.rotation import KeyHistory, SelectorLife
from pmtaform.state import Backends, Journal, StateBackend

AT = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
HISTORY = KeyHistory(
    current="s1", lives=(SelectorLife(selector="s1", generated=AT, bounce_after=timedelta(hours=3), public="AQ=="),)
)


def test_the_key_is_made_once(backends: Backends) -> None:
    with ThreadPoolExecutor(16) as pool:
        ids = {key.id for key in pool.map(lambda _: backends("demo").key(), range(64))}
    assert len(ids) == 1
    assert backends("other").key().id not in ids


def test_lines_of_the_journal_are_kept_in_order(backend: StateBackend, backends: Backends) -> None:
    assert backend.events.read() == b""
    assert backend.events.place
    backend.events.append(b"one\n")
    backends("demo").events.append(b"two\n")
    assert backend.events.read() == b"one\ntwo\n"


def test_many_writers_append_whole_lines(backends: Backends) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: backends("demo").events.append(b"%d\n" % n), range(100)))
    assert sorted(map(int, backends("demo").events.read().split())) == list(range(100))


def test_a_journal_over_it_reads_what_another_wrote(backends: Backends) -> None:
    Journal(backends("demo").events).end("r1", "ok")
    assert [event.run for event in Journal(backends("demo").events).read().events] == ["r1"]


def test_histories_of_keys_are_replaced_as_one(backends: Backends) -> None:
    rotations = backends("demo").rotations
    assert rotations.load() == {}
    rotations.save({"a.example/s": HISTORY, "b.example/t": KeyHistory()})
    assert backends("demo").rotations.load() == {"a.example/s": HISTORY, "b.example/t": KeyHistory()}
    rotations.save({"b.example/t": KeyHistory()})
    assert backends("demo").rotations.load() == {"b.example/t": KeyHistory()}


def test_stacks_do_not_see_each_other(backends: Backends) -> None:
    demo, other = backends("demo"), backends("other")
    demo.save(document(1), over=None)
    demo.events.append(b"line\n")
    demo.rotations.save({"a.example/s": HISTORY})
    assert other.load() is None
    assert other.events.read() == b""
    assert other.rotations.load() == {}
    assert (demo.stack, other.stack) == ("demo", "other")


@pytest.mark.parametrize("name", ["", "..", "a/b", ".x", "a\nb"])
def test_a_name_that_could_lead_elsewhere_is_refused(backends: Backends, name: str) -> None:
    with pytest.raises(UsageError):
        backends(name)
