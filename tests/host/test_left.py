"""What the host keeps of what a transaction left, and who may read it."""

from __future__ import annotations

import stat
from dataclasses import replace

import pytest
from hostroot import CONFIG, NEW, OLD, transaction
from ways import Host

from pmtaform.host import (
    Activation,
    FileKind,
    FileWrite,
    LeftFile,
    LeftRecord,
    Status,
    digest,
    kept_copies,
    last_left,
    way_back,
)
from pmtaform.host.left import decode, encode

KEY = "/etc/pmta/keys/s1.pem"
LEFT = LeftRecord(
    stack="fleet",
    files={CONFIG: LeftFile(digest(NEW), 0o640, "pmta", "pmta"), KEY: LeftFile(digest(b"key"))},
    sizes={CONFIG: len(NEW)},
    patterns={"/etc/pmta/conf.d/*": ()},
    blocks=("setting[postmaster]", "domain[é]"),
    keys={"dkim-key[example.com/s1]": KEY},
    unmanaged=3,
)


def test_a_record_is_read_as_it_was_written() -> None:
    assert decode(encode(LEFT)) == replace(LEFT, blocks=tuple(sorted(LEFT.blocks)))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"1",
        b"[" * 100_000,
        b'{"format":2}',
        b'{"format":1}',
        encode(LEFT).replace(b'"files":{', b'"files":[],"x":{'),
        encode(LEFT).replace(b'"unmanaged":3', b'"unmanaged":"many"'),
        encode(LEFT)[:-20],
    ],
)
def test_what_is_no_record_says_nothing(content: bytes) -> None:
    assert decode(content) is None


def recorded(*writes: FileWrite | tuple[str, bytes], left: LeftRecord = LEFT, **more: object):
    return replace(transaction(*writes, **more), record=encode(left), base=tuple(left.sizes))  # type: ignore[arg-type]


def test_the_host_keeps_the_record_and_the_configuration_of_the_last_transaction(host: Host) -> None:
    assert last_left(host.session, host.spec, contents=True) is None
    assert host.apply(recorded((CONFIG, NEW))).status is Status.APPLIED
    record = last_left(host.session, host.spec, contents=True)
    assert record is not None
    assert (record.generation, record.who, record.what) == (1, "anna@laptop", "a test")
    assert record.left == decode(encode(LEFT))
    assert record.contents == {CONFIG: NEW}
    short = last_left(host.session, host.spec)
    assert short is not None
    assert short.contents is None, "a copy is sent on request"


def test_the_record_and_the_copy_are_for_their_owner_alone(disk: Host) -> None:
    disk.apply(recorded((CONFIG, NEW)))
    folder = disk.root.at("/var/lib/pmtaform/generations/000001")
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in ("left", "base")} == {0o600}


def test_only_the_last_transaction_keeps_a_copy_and_each_its_record(folder: Host) -> None:
    extra = ("/etc/pmta/conf.d/a.conf", b"# a\n")
    folder.apply(recorded((CONFIG, NEW)))
    second = replace(
        LEFT,
        blocks=("setting[host-name]",),
        files={CONFIG: LeftFile(digest(NEW)), extra[0]: LeftFile(digest(extra[1]))},
        sizes={CONFIG: len(NEW), extra[0]: len(extra[1])},
    )
    assert folder.apply(recorded(extra, left=second, expect={CONFIG: digest(NEW)})).generation == 2
    last = last_left(folder.session, folder.spec, contents=True)
    assert last is not None
    assert last.contents == {CONFIG: NEW, extra[0]: extra[1]}, "what is not written is kept too"
    first = last_left(folder.session, folder.spec, generation=1, contents=True)
    assert first is not None
    assert (first.left, first.contents) == (decode(encode(LEFT)), None)
    assert last_left(folder.session, folder.spec, generation=9) is None


def test_a_copy_that_is_not_what_the_record_says_is_none(folder: Host) -> None:
    folder.apply(recorded((CONFIG, NEW)))
    copy = folder.root.at("/var/lib/pmtaform/generations/000001/base")
    for content in (NEW[:-1], NEW.replace(b"new", b"odd"), NEW + b"#\n", b""):
        copy.write_bytes(content)
        record = last_left(folder.session, folder.spec, contents=True)
        assert record is not None
        assert record.contents is None
    copy.unlink()
    record = last_left(folder.session, folder.spec, contents=True)
    assert record is not None
    assert (record.left is not None, record.contents) == (True, None)


def test_a_change_that_is_rolled_back_leaves_no_record(folder: Host) -> None:
    folder.apply(recorded((CONFIG, NEW)))
    folder.root.tell("fail-reload")
    later = recorded((CONFIG, OLD), left=replace(LEFT, blocks=()), expect={CONFIG: digest(NEW)})
    assert folder.apply(later).status is Status.ROLLED_BACK
    record = last_left(folder.session, folder.spec, contents=True)
    assert record is not None
    assert (record.generation, record.contents) == (1, {CONFIG: NEW})


def test_a_transaction_without_a_record_takes_the_copy_with_it(folder: Host) -> None:
    folder.apply(recorded((CONFIG, NEW)))
    folder.apply(transaction((CONFIG, OLD), expect={CONFIG: digest(NEW)}))
    record = last_left(folder.session, folder.spec, contents=True)
    assert record is not None
    assert (record.generation, record.left, record.contents) == (2, None, None)
    assert not list(folder.root.at("/var/lib/pmtaform/generations").glob("*/base"))


def test_a_record_is_made_without_a_change(folder: Host) -> None:
    before = folder.root.tree()
    left = replace(LEFT, files={CONFIG: LeftFile(digest(OLD))}, sizes={CONFIG: len(OLD)})
    outcome = folder.apply(recorded(left=left, activation=Activation.NONE, test_config=False))
    assert (outcome.status, outcome.generation) == (Status.APPLIED, 1)
    assert folder.root.tree() == before
    assert folder.root.calls == []
    record = last_left(folder.session, folder.spec, contents=True)
    assert record is not None
    assert record.contents == {CONFIG: OLD}
    assert folder.root.leftovers() == []


def test_kept_copies_are_read_by_name_and_nothing_else_is(folder: Host) -> None:
    key = FileWrite(path=KEY, content=b"key", kind=FileKind.KEY)
    folder.apply(recorded((CONFIG, NEW), key))
    way = way_back(folder.session, folder.spec, 1)
    assert {change.path for change in way.changes} == {CONFIG, KEY}
    assert (way.before, way.newest, way.digests[CONFIG]) == (0, 1, digest(OLD))
    names = {change.path: change.kept for change in way.changes if change.kept}
    assert kept_copies(folder.session, folder.spec, names) == {CONFIG: OLD}
    others = {"a": "000001/info", "b": "../../../etc/pmta/config", "c": "/etc/pmta/config", "d": "000001/9"}
    assert kept_copies(folder.session, folder.spec, others) == {}
