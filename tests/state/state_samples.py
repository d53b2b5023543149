"""Documents for tests: one by hand, and any that can be."""

from __future__ import annotations

from hypothesis import strategies as st

from pmtaform.state import FileState, HostState, StateDocument

LINEAGE = "0f8fad5b-d9cb-469f-a165-70867728950e"


def host(generation: int = 1, **more: object) -> HostState:
    fields: dict[str, object] = {
        "machine_id": "b08dfa6083e7567a1921a715000001fb",
        "generation": generation,
        "version": "PowerMTA v5.0r8",
        "version_stamp": "1234-5678",
        "files": {"/etc/pmta/config": FileState(digest="ab" * 32, mode=0o640, owner="pmta", group="pmta")},
        "patterns": {"/etc/pmta/conf.d/*.conf": ("/etc/pmta/conf.d/a.conf",)},
        "blocks": {"mta1:domain[gmail.com]": "cd" * 32},
        "keys": {"dkim-key[example.com/s1]": "/etc/pmta/dkim/s1.example.com.pem"},
        "unmanaged": 3,
        "applied_at": "2026-01-31T12:00:00Z",
        "plan": "p-1",
        "commit": None,
        "who": "ann@ops1",
    }
    return HostState(**(fields | more))  # type: ignore[arg-type]


def document(serial: int = 1, **more: object) -> StateDocument:
    fields: dict[str, object] = {"stack": "demo", "lineage": LINEAGE, "serial": serial, "hosts": {"mta1": host()}}
    return StateDocument(**(fields | more))  # type: ignore[arg-type]


_text = st.text(max_size=20)
_any_text = st.text(st.characters(exclude_categories=()), max_size=20)  # lone surrogates too: names of odd files
_count = st.integers(0, 2**63)

files = st.builds(
    FileState,
    digest=st.text("0123456789abcdef", min_size=64, max_size=64),
    mode=st.integers(0, 0o7777),
    owner=_text,
    group=_text,
)
hosts = st.builds(
    HostState,
    machine_id=_text,
    generation=_count,
    version=st.none() | _text,
    version_stamp=_text,
    files=st.dictionaries(_any_text, files, max_size=3),
    patterns=st.dictionaries(_any_text, st.lists(_any_text, max_size=3).map(tuple), max_size=3),
    blocks=st.dictionaries(_any_text, st.text("0123456789abcdef", min_size=32, max_size=64), max_size=4),
    keys=st.dictionaries(_any_text, _any_text, max_size=3),
    unmanaged=_count,
    applied_at=st.datetimes().map(lambda moment: moment.replace(microsecond=0).isoformat() + "Z"),
    plan=_text,
    commit=st.none() | _text,
    who=_text,
)
documents = st.builds(
    StateDocument,
    stack=st.just("demo"),
    lineage=st.uuids().map(str),
    serial=_count,
    key_id=_text,
    hosts=st.dictionaries(_any_text, hosts, max_size=3),
)
