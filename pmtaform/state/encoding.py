"""A state document as text, an entry a line: the codecs of its parts, and how it is written.

People read it in Git: a change of one block is a changed line, and a damaged line has a number. The header comes
first, so that a save can compare serials without reading the rest. `decoding.py` reads it.

The codec is ours and not pydantic: whose first model costs more start-up time than reading the state of a hundred
hosts, and every command that plans reads a state.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, TypeVar

from pmtaform.codec import (
    COUNT,
    TEXT,
    Codec,
    DecodeError,
    EntryName,
    an_object,
    laid_out,
    matching,
    optional,
    record,
    several,
    table,
)
from pmtaform.state.document import FORMAT, FileState, HostInputs, HostState, Intent, StateDocument
from pmtaform.state.entries import Entries, Packed

T = TypeVar("T")

_DIGEST = re.compile(r"[0-9a-f]{32,128}")
_LENGTHS = frozenset(range(32, 129))
_TIME = matching(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", "a time in UTC, as 2026-01-31T12:00:00Z")


def _moment(value: object) -> str:
    text = _TIME.read(value)
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise DecodeError("there is no such time") from None
    return text


def _digests(value: object) -> dict[str, str]:
    """The one table that is large: a few calls for all entries of a host, where nothing is wrong."""
    entries = an_object(value)
    with suppress(TypeError, ValueError):  # something that is no text, or no digest
        lengths, joined = set(map(len, entries.values())), "".join(entries.values())  # type: ignore[arg-type]
        # `fromhex` skips spaces, and accepts capital letters.
        if lengths <= _LENGTHS and 2 * len(bytes.fromhex(joined)) == len(joined) and joined == joined.lower():
            return entries  # type: ignore[return-value]  # just checked
    for name, digest in entries.items():
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            raise DecodeError("must be a digest in hexadecimal digits", EntryName(name))
    return entries  # type: ignore[return-value]  # just checked


_OCTAL = matching("[0-7]{4}", "a mode of four octal digits")
_MODE: Codec[int] = Codec(lambda mode: f"{mode:04o}", lambda value: int(_OCTAL.read(value), 8), _OCTAL.schema)
_MOMENT: Codec[str] = Codec(str, _moment, _TIME.schema)
_BLOCKS: Codec[dict[str, str]] = Codec(lambda blocks: dict(sorted(blocks.items())), _digests, table(TEXT).schema)
_SEALED = matching("[0-9a-f]{64}", "a digest of 64 hexadecimal digits")
_FILE = record(
    FileState,
    digest=_SEALED,
    mode=_MODE,
    owner=TEXT,
    group=TEXT,
)
_INPUTS = record(
    HostInputs,
    None,
    {"references": (), "secrets": "", "since": "", "until": ""},
    sources=_SEALED,
    references=several(TEXT),
    secrets=_SEALED,
    since=_MOMENT,
    until=_MOMENT,
)
HOST = record(
    HostState,
    {"machine_id": "machine", "version_stamp": "version-stamp", "applied_at": "applied-at"},
    {"inputs": None},
    machine_id=TEXT,
    generation=COUNT,
    version=optional(TEXT),
    version_stamp=TEXT,
    applied_at=_MOMENT,
    plan=TEXT,
    commit=optional(TEXT),
    who=TEXT,
    unmanaged=COUNT,
    inputs=_INPUTS,
    files=table(_FILE),
    patterns=table(several(TEXT)),
    blocks=_BLOCKS,
    keys=table(TEXT),
)
INTENT = record(
    Intent,
    transaction=TEXT,
    at=_MOMENT,
    plan=TEXT,
    commit=optional(TEXT),
    who=TEXT,
    blocks=_BLOCKS,
    keys=table(TEXT),
)
_HEAD: Final[dict[str, Codec[Any]]] = {
    "lineage": matching("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "a lineage"),
    "serial": COUNT,
    "stack": TEXT,
    "key_id": TEXT,
    "intents": table(INTENT),
}
_NAMES: Final = {"key_id": "key", "intents": "under-way"}
HEADER = record(StateDocument, _NAMES, {"intents": {}}, **_HEAD)
DOCUMENT = record(StateDocument, _NAMES, {"intents": {}}, **_HEAD, hosts=table(HOST))


# -- entries -----------------------------------------------------------------------------------------------------------


def _read_host(text: str) -> HostState:
    return HOST.read(json.loads(text))


def _read_intent(text: str) -> Intent:
    return INTENT.read(json.loads(text))


def packed_host(text: str) -> Packed[HostState]:
    """A host by its text."""
    return Packed(text, _read_host)


def packed_intent(text: str) -> Packed[Intent]:
    """An intent by its text."""
    return Packed(text, _read_intent)


def pack_host(state: HostState) -> Packed[HostState]:
    """`state` as the text that a file has of it."""
    return packed_host(_laid_out(HOST, state))


def pack_intent(intent: Intent) -> Packed[Intent]:
    """`intent` as the text that a file has of it."""
    return packed_intent(_laid_out(INTENT, intent))


def _laid_out(codec: Codec[T], value: T) -> str:
    return laid_out(codec.write(value), indent=2, levels=2)


# -- writing -----------------------------------------------------------------------------------------------------------


def encode(document: StateDocument) -> Iterator[bytes]:
    """The whole file, in pieces. ASCII; the same document always gives the same bytes.

    In pieces, because the text of 10,000 hosts is 32 MB, and it is there already.
    """
    head = {"format": FORMAT, **HEADER.write(replace(document, intents={}))}
    lines = [f'"{name}": {laid_out(value, indent=1, levels=1)}' for name, value in head.items()]
    yield ("{\n " + ",\n ".join(lines)).encode("ascii")
    if document.intents:
        yield b',\n "under-way": '
        yield from _table(_texts(Entries.of(document.intents), INTENT))
    yield b',\n "hosts": '
    yield from _table(_texts(Entries.of(document.hosts), HOST))
    yield b"\n}\n"


def encode_changes(earlier: StateDocument, later: StateDocument) -> bytes:
    """The entries of `later` that are not as in `earlier`, null where they are gone."""
    intents = Entries.of(later.intents).changes_since(Entries.of(earlier.intents))
    hosts = Entries.of(later.hosts).changes_since(Entries.of(earlier.hosts))
    tables = (
        b'{\n "under-way": ',
        *_table((name, _text(intents[name], INTENT)) for name in sorted(intents)),
        b',\n "hosts": ',
        *_table((name, _text(hosts[name], HOST)) for name in sorted(hosts)),
        b"\n}\n",
    )
    return b"".join(tables)


def _texts(entries: Entries[T], codec: Codec[T]) -> Iterator[tuple[str, str]]:
    return ((name, _text(entries.stored(name), codec)) for name in entries)


def _text(entry: T | Packed[T] | None, codec: Codec[T]) -> str:
    if entry is None:
        return "null"
    return entry.text if isinstance(entry, Packed) else _laid_out(codec, entry)


def _table(texts: Iterable[tuple[str, str]]) -> Iterator[bytes]:
    """A table at the first level of a document, from the texts of its entries."""
    before = "{"
    for name, text in texts:
        yield f"{before}\n  {json.dumps(name)}: {text}".encode("ascii")
        before = ","
    yield b"{}" if before == "{" else b"\n }"
