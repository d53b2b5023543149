"""The journal: what is noted stays, whatever is cut short."""

from __future__ import annotations

import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pmtaform.errors import PmtaformError, StateDamaged
from pmtaform.state import FileBackend, Journal, JournalEvent, JournalKind, StateBackend

NOW = "2026-01-31T12:00:00Z"


@pytest.fixture
def journal(backend: StateBackend) -> Journal:
    return Journal(backend.events, clock=lambda: NOW)


def on_disk(folder: Path) -> tuple[Journal, Path]:
    backend = FileBackend(folder, "demo")
    return Journal(backend.events, clock=lambda: NOW), backend.events.path


def test_a_run_is_noted_from_start_to_end(journal: Journal) -> None:
    assert journal.read() == ((), ())
    journal.start("r1", who="ann@ops", what="apply demo", plan="p1", commit="abc")
    journal.host("r1", "mta1", "applied", generation=4)
    journal.host("r1", "mta2", "rolled-back", reason="line 1\nline 2 ü \x1b[31m")
    assert journal.read().unfinished() == ("r1",)
    journal.end("r1", "failed")
    assert journal.read().unfinished() == ()
    assert journal.read().events == (
        JournalEvent(
            at=NOW,
            run="r1",
            kind=JournalKind.STARTED,
            facts={"who": "ann@ops", "what": "apply demo", "plan": "p1", "commit": "abc"},
        ),
        JournalEvent(
            at=NOW, run="r1", kind=JournalKind.HOST, facts={"host": "mta1", "outcome": "applied", "generation": "4"}
        ),
        JournalEvent(
            at=NOW,
            run="r1",
            kind=JournalKind.HOST,
            facts={"host": "mta2", "outcome": "rolled-back", "reason": "line 1\nline 2 ü \x1b[31m"},
        ),
        JournalEvent(at=NOW, run="r1", kind=JournalKind.ENDED, facts={"outcome": "failed"}),
    )


def test_many_threads_write_whole_lines(journal: Journal) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: journal.host("r", f"mta{number}", "applied"), range(100)))
    history = journal.read()
    assert {event.facts["host"] for event in history.events} == {f"mta{number}" for number in range(100)}
    assert not history.damaged


def test_every_torn_last_line_is_passed_over_and_spoils_nothing_later(tmp_path: Path) -> None:
    journal, path = on_disk(tmp_path)
    journal.end("first", "done")
    whole = path.read_bytes()
    for cut in range(1, len(whole) - 1):
        path.write_bytes(whole + whole[:cut])
        assert [event.run for event in journal.read().events] == ["first"]
        assert journal.read().damaged == (2,)
        journal.end("next", "done")
        assert [event.run for event in journal.read().events] == ["first", "next"]


@pytest.mark.parametrize("line", [b"{", b"[]", b"1", b"{}", b'{"at": 1}', b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_line_is_numbered_and_the_rest_is_read(tmp_path: Path, line: bytes) -> None:
    journal, path = on_disk(tmp_path)
    journal.end("a", "done")
    path.write_bytes(path.read_bytes() + line + b"\n")
    journal.end("b", "done")
    assert [event.run for event in journal.read().events] == ["a", "b"]
    assert journal.read().damaged == (2,)


def test_it_is_for_its_owner_only(tmp_path: Path) -> None:
    journal, path = on_disk(tmp_path)
    before = os.umask(0)
    try:
        journal.end("r", "done")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_full_disk_is_reported_and_what_was_noted_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, _ = on_disk(tmp_path)
    journal.end("r", "done")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(PmtaformError, match="no space left"):
            journal.end("r2", "done")
    assert [event.run for event in journal.read().events] == ["r"]


def test_one_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    journal, path = on_disk(tmp_path)
    path.mkdir()
    with pytest.raises(StateDamaged, match="is a directory"):
        journal.read()


def test_a_symbolic_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    journal, path = on_disk(tmp_path)
    (tmp_path / "victim").write_text("x")
    path.symlink_to(tmp_path / "victim")
    with pytest.raises(PmtaformError):
        journal.end("r", "done")
    assert (tmp_path / "victim").read_text() == "x"


def test_lines_that_wait_for_others_go_out_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = FileBackend(tmp_path, "demo").events
    syncing, go_on, fsync, syncs = threading.Event(), threading.Event(), os.fsync, []

    def slow(descriptor: int) -> None:
        syncs.append(descriptor)
        syncing.set()
        go_on.wait()
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    threads = [threading.Thread(target=log.append, args=(b"%d\n" % number,)) for number in range(9)]
    threads[0].start()
    syncing.wait()
    for thread in threads[1:]:
        thread.start()
    while len(log._queue) < 8:
        os.sched_yield()
    go_on.set()
    for thread in threads:
        thread.join()
    assert len(syncs) == 2
    assert sorted(log.read().split()) == [b"%d" % number for number in range(9)]


def test_each_line_that_could_not_be_written_is_reported_to_its_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = FileBackend(tmp_path, "demo").events
    log.append(b"first\n")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def append(number: int) -> bool:
        try:
            log.append(b"%d\n" % number)
        except PmtaformError:
            return False
        return True

    with monkeypatch.context() as patch, ThreadPoolExecutor(8) as pool:
        patch.setattr(os, "write", full)
        assert not any(pool.map(append, range(40)))
    assert log.read() == b"first\n"
    log.append(b"last\n")
    assert log.read() == b"first\nlast\n"
