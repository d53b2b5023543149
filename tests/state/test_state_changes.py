"""A large state is saved by its changes: what a kill, a full disk or a damaged byte at any place leaves of it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from state_samples import document, documents, host, hosts

from pmtaform.errors import PmtaformError, Stale, StateDamaged
from pmtaform.state import FileBackend, HostState, Intent, LockInfo, StateDocument, StateKeeper
from pmtaform.state.decoding import with_changes
from pmtaform.state.encoding import encode, encode_changes
from pmtaform.state.files import Remembered

INTENT = Intent(
    transaction="t-1", blocks={"domain[a]": "ef" * 32}, at="2026-01-31T12:00:00Z", plan="p-1", who="ann@ops1"
)
FOUR = {f"mta{number}": host(number) for number in range(1, 5)}


def opened(folder: Path) -> FileBackend:
    """A separate backend, as another process has, which appends whatever the size of the state."""
    return FileBackend(folder, "demo", whole_below=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def first(folder: Path) -> StateDocument:
    """The state that an earlier run left."""
    kept = document(1, hosts=FOUR)
    FileBackend(folder, "demo").save(kept, over=None)
    return kept


def run_of_two(folder: Path) -> list[StateDocument]:
    """The documents of a run that intends, changes two hosts, and is killed before it releases the lock."""
    backend = opened(folder)
    keeper = StateKeeper(backend)
    made = [keeper.document]
    for step in (
        lambda: keeper.intend({"mta1": INTENT, "mta2": INTENT}),
        lambda: keeper.update_host("mta1", host(8)),
        lambda: keeper.update_host("mta2", host(9)),
        lambda: keeper.remove_host("mta4"),
    ):
        step()
        made.append(keeper.document)
        assert opened(folder).load() == keeper.document
    return made


def written(kept: StateDocument) -> bytes:
    return b"".join(encode(kept))


# -- the text of changes -----------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(documents, documents)
def test_changes_lead_from_one_document_to_another(earlier: StateDocument, later: StateDocument) -> None:
    text = encode_changes(earlier, later).decode("ascii")
    assert with_changes(earlier, text, 7).hosts == later.hosts


@given(documents, st.text(max_size=3), hosts)
def test_changes_are_those_of_one_host(any_document: StateDocument, name: str, state: HostState) -> None:
    changed = any_document.with_host(name, state)
    text = encode_changes(any_document, changed)
    assert with_changes(any_document, text.decode("ascii"), changed.serial) == changed
    assert text.count(b'\n   "generation": ') == 1


# -- a run -------------------------------------------------------------------------------------------------------------


def test_a_run_writes_the_state_only_once_it_is_over(folder: Path, first: StateDocument) -> None:
    before = (folder / "demo.json").read_bytes()
    backend = opened(folder)
    with backend.lock(LockInfo.mine("apply")):
        keeper = StateKeeper(opened(folder))
        keeper.update_host("mta1", host(8))
        size = (folder / "demo.changes").stat().st_size
        keeper.update_host("mta2", host(9))
        assert (folder / "demo.json").read_bytes() == before
        assert (folder / "demo.json.backup").read_bytes() == before
        assert (folder / "demo.changes").stat().st_size < 2 * size
        assert (folder / "demo.changes").stat().st_mode & 0o777 == 0o600
    assert not (folder / "demo.changes").exists()
    assert (folder / "demo.json").read_bytes() == written(keeper.document)
    assert (folder / "demo.json.backup").read_bytes() == before
    assert keeper.document.hosts == {**first.hosts, "mta1": host(8), "mta2": host(9)}


def test_a_long_run_does_not_append_for_ever(folder: Path, first: StateDocument) -> None:
    keeper = StateKeeper(opened(folder))
    most = 0
    for number in range(60):
        keeper.update_host("mta1", host(number))
        assert opened(folder).load() == keeper.document
        with suppress(FileNotFoundError):
            most = max(most, (folder / "demo.changes").stat().st_size)
    assert 0 < most <= len(written(first)) + 2_000


def test_a_run_after_a_killed_one_begins_from_all_of_its_changes(folder: Path, first: StateDocument) -> None:
    last = run_of_two(folder)[-1]
    with opened(folder).lock(LockInfo.mine("apply")):
        assert (folder / "demo.json").read_bytes() == written(last)
        keeper = StateKeeper(opened(folder))
        keeper.update_host("mta3", host(7))
        assert (folder / "demo.json.backup").read_bytes() == written(last)
    assert FileBackend(folder, "demo").load() == last.with_host("mta3", host(7))
    assert first.serial == 1


def test_a_run_that_could_not_fold_goes_on_from_the_changes_of_a_killed_one(folder: Path, first: StateDocument) -> None:
    last = run_of_two(folder)[-1]
    keeper = StateKeeper(opened(folder))  # without the lock, which folds
    keeper.update_host("mta3", host(7))
    assert opened(folder).load() == keeper.document == last.with_host("mta3", host(7))
    assert first.serial == 1


def test_another_key_is_written_as_a_whole(folder: Path, first: StateDocument) -> None:
    keeper = StateKeeper(opened(folder))
    keeper.update_host("mta1", host(8))
    keeper.rekey("another")
    assert (folder / "demo.json").read_bytes() == written(keeper.document)
    assert not (folder / "demo.changes").exists()
    assert first.key_id != "another"


@pytest.mark.usefixtures("first")
def test_a_run_notices_another_that_appended_or_folded(folder: Path) -> None:
    keeper = StateKeeper(opened(folder))
    keeper.update_host("mta1", host(8))
    other = StateKeeper(opened(folder))
    other.update_host("mta2", host(9))
    with pytest.raises(Stale):
        keeper.update_host("mta3", host(7))
    other.update_host("mta2", host(10))
    other.update_host("mta2", host(11))
    with pytest.raises(Stale):
        keeper.save()
    assert opened(folder).load() == other.document


# -- changes that belong to another state ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kept", "is_reported"),
    [
        pytest.param(None, True, id="removed"),
        pytest.param(document(0), True, id="older"),
        pytest.param(document(3), True, id="between"),
        pytest.param(document(9), False, id="later, with the changes in it"),
        pytest.param(document(1, lineage="1" * 8 + "-1111" * 3 + "-" + "1" * 12), True, id="another lineage"),
    ],
)
def test_changes_of_another_state_are_left_out_and_reported(
    folder: Path, first: StateDocument, kept: StateDocument | None, is_reported: bool
) -> None:
    run_of_two(folder)
    if kept is None:
        (folder / "demo.json").unlink()
    else:
        (folder / "demo.json").write_bytes(written(kept))
    assert opened(folder).load() == kept
    with opened(folder).lock(LockInfo.mine("apply")) as held:
        assert not (folder / "demo.changes").exists()
        assert [notice.code for notice in held.notices] == ["changes-left-out"] * is_reported
        assert all("pmtaform plan" in notice.detail for notice in held.notices)
    assert opened(folder).load() == kept
    assert first.serial == 1


def test_changes_of_this_state_are_folded_without_a_word(folder: Path, first: StateDocument) -> None:
    made = run_of_two(folder)
    with opened(folder).lock(LockInfo.mine("apply")) as held:
        assert held.notices == ()
        assert opened(folder).load() == made[-1] != first


# -- kills, full disks, damage -----------------------------------------------------------------------------------------


def test_changes_that_are_cut_anywhere_are_those_up_to_a_whole_record(folder: Path, first: StateDocument) -> None:
    made = run_of_two(folder)
    content = (folder / "demo.changes").read_bytes()
    seen = []
    ends = [content.index(f"\n{each.serial} ".encode()) + 1 for each in made[1:]] + [len(content)]
    lengths = {*range(0, len(content), 11), *(length for end in ends for length in range(end - 3, end + 3))}
    for length in sorted(length for length in lengths if length <= len(content)):
        (folder / "demo.changes").write_bytes(content[:length])
        kept = opened(folder).load()
        assert kept in made
        assert kept is not None
        seen.append(kept.serial)
    assert seen == sorted(seen)
    assert sorted(set(seen)) == [each.serial for each in made]
    assert first.serial == 1


@settings(max_examples=150)
@given(data=st.data())
def test_a_changed_byte_is_found(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("state")
    FileBackend(folder, "demo").save(document(1, hosts=FOUR), over=None)
    made = run_of_two(folder)
    content = bytearray((folder / "demo.changes").read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    (folder / "demo.changes").write_bytes(content)
    last_record = bytes(content).rindex(f"\n{made[-1].serial} ".encode()) if place else 0
    try:
        assert opened(folder).load() == made[-2]
        assert place > last_record  # the last record alone could have been cut short
    except StateDamaged as damage:
        (finding,) = damage.diagnostics
        assert finding.code == "state-damaged"
        assert finding.place is not None
        assert finding.place.file.endswith("demo.changes")


STEPS = ["os.write", "os.fsync", "pathlib.Path.replace", "pathlib.Path.unlink", "os.open", "os.ftruncate"]
RUN = """
import os, pathlib, sys
sys.path.insert(0, sys.argv[2])
from state_samples import document, host
from pmtaform.state import FileBackend, LockInfo, StateKeeper

def run(folder, step, left):
    owner = {"os": os, "pathlib.Path": pathlib.Path}[step.rpartition(".")[0]]
    name = step.rpartition(".")[2]
    real = getattr(owner, name)
    def count(*given, **named):
        nonlocal left
        if not left:
            os._exit(9)
        left -= 1
        return real(*given, **named)
    setattr(owner, name, count)
    with FileBackend(folder, "demo", whole_below=0).lock(LockInfo.mine("apply")):
        keeper = StateKeeper(FileBackend(folder, "demo", whole_below=0))
        for number in (7, 8, 9):
            keeper.update_host(f"mta{number - 6}", host(number))
            with open(folder / "reported", "a") as reported:
                reported.write(f"{number} ")

calls, status = 0, 1
while status:
    folder = pathlib.Path(sys.argv[1]) / str(calls)
    FileBackend(folder, "demo").save(document(1, hosts={f"mta{n}": host(n) for n in range(1, 5)}), over=None)
    child = os.fork()
    if not child:
        run(folder, sys.argv[3], calls)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    calls += 1
print(calls)
"""


@pytest.mark.parametrize("step", STEPS)
def test_a_run_that_is_killed_at_any_step_has_what_it_reported(tmp_path: Path, step: str) -> None:
    """Kills the run at the first, second, ... call of the system, until it ends by itself."""
    arguments = [sys.executable, "-c", RUN, str(tmp_path), str(Path(__file__).parent), step]
    calls = int(subprocess.run(arguments, check=True, capture_output=True, text=True).stdout)
    for folder in (tmp_path / str(number) for number in range(calls)):
        report = folder / "reported"
        reported = [int(word) for word in report.read_text().split()] if report.exists() else []
        kept = opened(folder).load()
        assert kept is not None
        assert kept.serial - 1 in (len(reported), len(reported) + 1)
        assert [kept.hosts[f"mta{number - 6}"].generation for number in reported] == reported
        if folder.name == str(calls - 1):
            assert not (folder / "demo.changes").exists()
        opened(folder).unlock()
        with opened(folder).lock(LockInfo.mine("apply")):
            assert (folder / "demo.json").read_bytes() == written(kept)
            assert not (folder / "demo.changes").exists()
            assert not list(folder.glob(".demo.json*.tmp"))


def fail_with(number: int) -> Callable[..., int]:
    def fail(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("has_appended", [False, True])
@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("write", errno.ENOSPC),
        ("fsync", errno.EIO),
        ("open", errno.EROFS),
        ("open", errno.EACCES),
        ("open", errno.EMFILE),
    ],
)
def test_an_append_that_fails_leaves_the_old_state(
    folder: Path, first: StateDocument, monkeypatch: pytest.MonkeyPatch, name: str, number: int, *, has_appended: bool
) -> None:
    keeper = StateKeeper(opened(folder))
    if has_appended:
        keeper.update_host("mta1", host(8))
    old = keeper.document
    with monkeypatch.context() as patch:
        patch.setattr(os, name, fail_with(number))
        with pytest.raises(PmtaformError) as caught:
            keeper.update_host("mta2", host(9))
    assert caught.value.diagnostics[0].code == "state-not-written"
    assert os.strerror(number).lower() in str(caught.value)
    assert opened(folder).load() == old
    assert [path for path in folder.iterdir() if path.suffix == ".tmp"] == []
    keeper.save()
    assert opened(folder).load() == keeper.document == old.with_host("mta2", host(9))
    assert first.serial == 1


@pytest.mark.parametrize("room", range(0, 2_000, 97))
def test_a_disk_that_fills_in_the_middle_of_a_record(
    folder: Path, first: StateDocument, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    keeper = StateKeeper(opened(folder))
    keeper.update_host("mta1", host(8))
    old, write, left = keeper.document, os.write, [room]

    def short(descriptor: int, content: bytes) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        outcome = write(descriptor, content[: min(left[0], 60)])
        left[0] -= outcome
        return outcome

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", short)
        patch.setattr(os, "ftruncate", fail_with(errno.EIO))
        with suppress(PmtaformError):
            keeper.update_host("mta2", host(9))
    assert opened(folder).load() == (old if left[0] == 0 else keeper.document)
    keeper.save()
    assert opened(folder).load() == keeper.document
    assert first.serial == 1


@pytest.mark.usefixtures("first")
def test_a_disk_that_is_full_when_the_lock_is_released_loses_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = opened(folder).lock(LockInfo.mine("apply"))
    keeper = StateKeeper(opened(folder))
    keeper.update_host("mta1", host(8))
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", fail_with(errno.ENOSPC))
        held.release()
    assert opened(folder).lock_info() is None
    assert opened(folder).load() == keeper.document
    with opened(folder).lock(LockInfo.mine("apply")):
        assert (folder / "demo.json").read_bytes() == written(keeper.document)


@pytest.mark.usefixtures("first")
def test_a_lock_that_another_took_is_not_folded_by_the_first(folder: Path) -> None:
    held = opened(folder).lock(LockInfo.mine("first"))
    opened(folder).unlock()
    with opened(folder).lock(LockInfo.mine("second")):
        StateKeeper(opened(folder)).update_host("mta1", host(8))
        held.release()
        assert (folder / "demo.changes").exists()
    assert not (folder / "demo.changes").exists()


def shared(folder: Path) -> Callable[[], FileBackend]:
    """Backends of one process: each is a new object, and they remember together."""
    remembered = Remembered()
    return lambda: FileBackend(folder, "demo", whole_below=0, remembered=remembered)


def settle(path: Path) -> None:
    """Have the file be of an hour ago, so that its time tells of any change."""
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns - 3600 * 10**9))


def test_backends_of_one_process_read_a_state_once(folder: Path, first: StateDocument) -> None:
    settle(folder / "demo.json")
    backends = shared(folder)
    kept = backends().load()
    assert kept == first
    assert backends().load() is kept
    with backends().lock(LockInfo.mine("apply")):
        keeper = StateKeeper(backends())
        assert keeper.document is kept
        keeper.update_host("mta1", host(8))
    assert opened(folder).load() == keeper.document == backends().load()


@pytest.mark.usefixtures("first")
def test_what_is_remembered_is_not_what_another_process_wrote(folder: Path) -> None:
    settle(folder / "demo.json")
    backends = shared(folder)
    backends().load()
    other = StateKeeper(opened(folder))
    other.update_host("mta1", host(8))
    assert backends().load() == other.document
    other.update_host("mta1", host(9))
    assert backends().load() == other.document
    (folder / "demo.json").write_bytes(written(document(9)))
    assert backends().load() == document(9)
    (folder / "demo.json").unlink()
    assert backends().load() is None


def test_a_file_that_was_written_just_now_is_read_again(folder: Path, first: StateDocument) -> None:
    backends = shared(folder)
    assert backends().load() == first
    content = (folder / "demo.json").read_bytes()
    stat = (folder / "demo.json").stat()
    (folder / "demo.json").write_bytes(content.replace(b'"generation": 1', b'"generation": 2'))
    os.utime(folder / "demo.json", ns=(stat.st_atime_ns, stat.st_mtime_ns))  # a clock of coarse steps
    kept = backends().load()
    assert kept is not None
    assert kept.hosts["mta1"].generation == 2


@pytest.mark.usefixtures("first")
def test_changes_of_a_killed_run_that_end_in_half_a_record_are_not_appended_to(folder: Path) -> None:
    backends = shared(folder)
    keeper = StateKeeper(backends())
    keeper.update_host("mta1", host(8))
    killed = StateKeeper(opened(folder))
    killed.update_host("mta2", host(9))
    killed.update_host("mta2", host(10))
    with (folder / "demo.changes").open("ab") as changes:
        changes.write(b"99 1000 abc")
    settle(folder / "demo.json")
    again = StateKeeper(backends())
    assert again.document == killed.document
    again.update_host("mta3", host(7))
    again.update_host("mta3", host(8))
    assert opened(folder).load() == again.document
