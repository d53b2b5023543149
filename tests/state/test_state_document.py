"""The document: round trips, and every kind of damage, each with its line and its remedy."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from state_samples import document, documents, host, hosts

from pmtaform.diagnostics import Exit
from pmtaform.errors import StateDamaged
from pmtaform.state import HostState, StateDocument
from pmtaform.state.decoding import decode
from pmtaform.state.encoding import encode
from pmtaform.state.entries import Entries, Packed

FILE = "state/demo.json"


def written(any_document: StateDocument) -> bytes:
    return b"".join(encode(any_document))


def read(content: bytes) -> StateDocument:
    return decode(content, file=FILE, stack="demo")


def broken(content: bytes) -> StateDamaged:
    with pytest.raises(StateDamaged) as caught:
        read(content)
    return caught.value


@given(documents)
def test_what_is_written_is_read_back(any_document: StateDocument) -> None:
    content = written(any_document)
    assert read(content) == any_document
    assert content.isascii()


@given(documents)
def test_writing_what_was_read_gives_the_same_bytes(any_document: StateDocument) -> None:
    content = written(any_document)
    assert written(read(content)) == content


@given(documents, st.text(max_size=5), hosts)
def test_hosts_that_were_read_are_written_as_new_ones_are(
    any_document: StateDocument, name: str, state: HostState
) -> None:
    gone = next(iter(any_document.hosts), "")
    changed = read(written(any_document)).with_host(name, state).without_host(gone)
    assert written(changed) == written(any_document.with_host(name, state).without_host(gone))


@given(documents)
def test_what_is_laid_out_anew_is_read_as_the_same(any_document: StateDocument) -> None:
    text = json.dumps(json.loads(written(any_document)))
    assert read(text.encode()) == any_document


def test_hosts_are_kept_as_texts_until_they_are_asked_for() -> None:
    hosts_read = read(written(document())).hosts
    assert isinstance(hosts_read, Entries)
    assert isinstance(hosts_read.stored("mta1"), Packed)
    assert hosts_read["mta1"] == host()


def test_a_change_makes_a_new_document_of_the_same_lineage() -> None:
    first = document(serial=4)
    second = first.with_host("mta2", host())
    assert (first.serial, second.serial, second.without_host("mta2").serial) == (4, 5, 6)
    assert set(first.hosts) == {"mta1"}
    assert second.lineage == first.lineage
    assert StateDocument.new("demo").lineage != StateDocument.new("demo").lineage


def test_one_changed_block_is_one_changed_line() -> None:
    before = written(document()).splitlines()
    after = written(document(hosts={"mta1": host(blocks={"mta1:domain[gmail.com]": "ef" * 32})})).splitlines()
    assert len(before) == len(after)
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"\0" * 512, b"[]", b"1", b'"x"', b"null", b"\xff\xfe{}", b"[" * 100_000, b"9" * 5000]
)
def test_what_is_no_document_is_damaged(content: bytes) -> None:
    error = broken(content)
    assert error.exit_code is Exit.ERROR
    (finding,) = error.diagnostics
    assert finding.code == "state-damaged"
    assert finding.place is not None
    assert finding.place.file == FILE
    for remedy in ["Git", "state/demo.json.backup", "No host is at risk"]:
        assert remedy in finding.detail


def test_no_truncation_is_read() -> None:
    content = written(document()).rstrip()
    for length in range(len(content)):
        broken(content[:length])


@given(st.data())
def test_a_changed_byte_is_a_document_or_an_expected_error(data: st.DataObject) -> None:
    content = bytearray(written(document()))
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(StateDamaged):
        read(bytes(content))


def test_a_syntax_error_has_its_line() -> None:
    lines = written(document()).splitlines()
    lines[3] = b' "serial": 1 oops,'
    place = broken(b"\n".join(lines)).diagnostics[0].place
    assert place is not None
    assert place.line == 4


def test_an_unfinished_merge_is_recognised() -> None:
    lines = written(document()).splitlines()
    lines.insert(3, b"<<<<<<< HEAD")
    (finding,) = broken(b"\n".join(lines)).diagnostics
    assert "unfinished Git merge" in finding.detail
    assert finding.place is not None
    assert finding.place.line == 4


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["format"], "1"),
        (["format"], True),
        (["format"], 0),
        (["lineage"], "x"),
        (["serial"], -1),
        (["serial"], 1.0),
        (["serial"], True),
        (["stack"], "other"),
        (["key"], None),
        (["hosts"], []),
        (["extra"], 1),
        (["hosts", "mta1"], 3),
        (["hosts", "mta1", "machine"], 7),
        (["hosts", "mta1", "generation"], "1"),
        (["hosts", "mta1", "version"], 5),
        (["hosts", "mta1", "applied-at"], "yesterday"),
        (["hosts", "mta1", "applied-at"], "2026-02-31T12:00:00Z"),
        (["hosts", "mta1", "applied-at"], "2026-02-01T12:00:00+02:00"),
        (["hosts", "mta1", "commit"], []),
        (["hosts", "mta1", "extra"], 1),
        (["hosts", "mta1", "files"], None),
        (["hosts", "mta1", "files", "/etc/pmta/config", "mode"], 416),
        (["hosts", "mta1", "files", "/etc/pmta/config", "mode"], "0999"),
        (["hosts", "mta1", "files", "/etc/pmta/config", "digest"], "ABC"),
        (["hosts", "mta1", "patterns", "/etc/pmta/conf.d/*.conf"], "x"),
        (["hosts", "mta1", "patterns", "/etc/pmta/conf.d/*.conf"], [1]),
        (["hosts", "mta1", "blocks", "mta1:domain[gmail.com]"], "secret"),
    ],
)
def test_a_wrong_entry_is_named_with_its_line(path: list[str], value: object) -> None:
    tree = json.loads(written(document()))
    inner = tree
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    text = json.dumps(tree, indent=1)
    (finding,) = broken(text.encode()).diagnostics
    assert " → ".join(path) in finding.detail
    assert finding.place is not None
    assert finding.place.line is not None
    assert json.dumps(path[-1]) in text.splitlines()[finding.place.line - 1]


@pytest.mark.parametrize("missing", ["format", "lineage", "serial", "stack", "key", "hosts"])
def test_a_missing_entry_is_named(missing: str) -> None:
    tree = json.loads(written(document()))
    del tree[missing]
    assert f'"{missing}" is missing' in broken(json.dumps(tree).encode()).diagnostics[0].detail


def test_an_entry_that_stands_twice_is_not_half_ignored() -> None:
    text = written(document()).replace(b' "serial": 1,', b' "serial": 1,\n "serial": 2,')
    (finding,) = broken(text).diagnostics
    assert '"serial" appears twice' in finding.detail
    assert finding.place is not None
    assert finding.place.line == 5


def test_a_number_that_is_none_is_refused() -> None:
    broken(written(document()).replace(b'"serial": 1', b'"serial": NaN'))


def test_a_later_format_says_to_upgrade_and_not_that_it_is_damaged() -> None:
    text = written(document()).replace(b'"format": 1', b'"format": 2, "unheard-of": []')
    (finding,) = broken(text).diagnostics
    assert finding.code == "state-too-new"
    assert "Upgrade pmtaform" in finding.detail


def test_reading_a_state_does_not_import_pydantic() -> None:
    program = "import sys, pmtaform.state.encoding, pmtaform.state\nassert 'pydantic' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
