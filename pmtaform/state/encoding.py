"""A state document as text: written an entry a line, read strictly, and what is wrong with one, at which line.

People read it in Git: a change of one block is a changed line, and a damaged line has a number. The header comes
first, so that a save can compare serials without reading the rest.

The codec is ours and not pydantic: whose first model costs more start-up time than reading the state of a hundred
hosts, and every command that plans reads a state.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any, Final, NoReturn

from pmtaform.codec import (
    COUNT,
    TEXT,
    Codec,
    DecodeError,
    EntryName,
    an_object,
    laid_out,
    load_json,
    matching,
    optional,
    record,
    several,
    table,
)
from pmtaform.diagnostics import Place
from pmtaform.diagnostics.codes.state import STATE_DAMAGED, STATE_TOO_NEW
from pmtaform.errors import StateDamaged
from pmtaform.state.document import FORMAT, FileState, HostInputs, HostState, Intent, StateDocument

_CONFLICT = re.compile(r"^(<<<<<<<|=======|>>>>>>>)", re.MULTILINE)
_DIGEST = re.compile(r"[0-9a-f]{32,128}")
_TIME = matching(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", "a time in UTC, as 2026-01-31T12:00:00Z")


def _moment(value: object) -> str:
    text = _TIME.read(value)
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise DecodeError("there is no such time") from None
    return text


def _digests(value: object) -> dict[str, str]:
    """The one table that is large: without a call for each entry that is right."""
    entries = an_object(value)
    matches = _DIGEST.fullmatch
    for name, digest in entries.items():
        if not isinstance(digest, str) or not matches(digest):
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
    {"references": (), "secrets": ""},
    sources=_SEALED,
    references=several(TEXT),
    secrets=_SEALED,
)
_HOST = record(
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
_INTENT = record(
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
    "intents": table(_INTENT),
}
_NAMES: Final = {"key_id": "key", "intents": "under-way"}
_HEADER = record(StateDocument, _NAMES, {"intents": {}}, **_HEAD)
_DOCUMENT = record(StateDocument, _NAMES, {"intents": {}}, **_HEAD, hosts=table(_HOST))


# -- writing -----------------------------------------------------------------------------------------------------------


class Encoder:
    """Writes documents, and remembers how each host was written: of two saves only what changed costs."""

    def __init__(self) -> None:
        self._hosts: dict[str, tuple[HostState, bytes]] = {}

    def encode(self, document: StateDocument) -> bytes:
        """The whole file. ASCII; the same document always gives the same bytes."""
        known = self._hosts
        self._hosts = {}
        parts = [_header(document)]
        for name in sorted(document.hosts):
            state = document.hosts[name]
            before = known.get(name)
            if before is not None and before[0] is state:
                text = before[1]
            else:
                host = laid_out(_HOST.write(state), indent=2, levels=2)
                text = f"\n  {json.dumps(name)}: {host}".encode("ascii")
            self._hosts[name] = (state, text)
            parts += (b",", text) if len(parts) > 1 else (text,)
        parts.append(b"\n }\n}\n" if document.hosts else b"}\n}\n")
        return b"".join(parts)  # one copy: a large fleet's state is written once a host


def _header(document: StateDocument) -> bytes:
    header = {"format": FORMAT, **_HEADER.write(document)}
    lines = [f'"{name}": {laid_out(value, indent=1, levels=3)}' for name, value in header.items()]
    return ("{\n " + ",\n ".join([*lines, '"hosts": {'])).encode("ascii")


# -- reading -----------------------------------------------------------------------------------------------------------


def decode(content: bytes, *, file: str, stack: str) -> StateDocument:
    """The document that `content` holds. `file` is named in errors; `stack` is whose state it must be.

    Raises `StateDamaged`: `state-too-new` for a later format, `state-damaged` for all else, with the line.
    """
    text = _text(content, file, stack)
    tree = _tree(text, file, stack)
    _refuse_later_format(tree.get("format"), file)
    try:
        document = _read(tree)
    except DecodeError as wrong:
        where = " → ".join(str(part) for part in wrong.path)
        problem = f"{where}: {wrong.problem}" if where else wrong.problem
        _damaged(problem, Place(file, _line(text, wrong.path)), stack)

    if document.stack != stack:
        problem = f'stack: it is the state of stack "{document.stack}", not of "{stack}"'
        _damaged(problem, Place(file, _line(text, ("stack",))), stack)
    return document


def _read(tree: dict[str, object]) -> StateDocument:
    if "format" not in tree:
        raise DecodeError('"format" is missing')
    if type(tree["format"]) is not int or tree["format"] != FORMAT:
        raise DecodeError("there is no such format", "format")
    return _DOCUMENT.read({name: value for name, value in tree.items() if name != "format"})


def _text(content: bytes, file: str, stack: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        _damaged("it is not text in UTF-8", Place(file, line), stack)


def _tree(text: str, file: str, stack: str) -> dict[str, object]:
    if not text.strip("\0 \t\r\n"):
        _damaged("it is empty", Place(file), stack)
    try:
        tree = load_json(text)
    except json.JSONDecodeError as problem:
        conflict = _CONFLICT.search(text)
        if conflict:
            line = text.count("\n", 0, conflict.start()) + 1
            _damaged("it holds the marks of an unfinished Git merge", Place(file, line), stack)
        _damaged(f"it is not JSON ({problem.msg.lower()})", Place(file, problem.lineno, problem.colno), stack)
    except DecodeError as wrong:
        _damaged(wrong.problem, Place(file, _line(text, wrong.path, last=True)), stack)
    except (ValueError, RecursionError):
        _damaged("it is not JSON that a state could be (a number or a nesting is too large)", Place(file), stack)
    if not isinstance(tree, dict):
        _damaged("it is JSON, but no state", Place(file, 1), stack)
    return tree


def _refuse_later_format(format_: object, file: str) -> None:
    if type(format_) is int and format_ > FORMAT:
        detail = (
            f"it has format {format_}, and this pmtaform reads formats up to {FORMAT}: a later pmtaform wrote it. "
            "Upgrade pmtaform on this machine (pip install --upgrade pmtaform); nothing was read or changed."
        )
        raise StateDamaged.of(STATE_TOO_NEW, detail, place=Place(file))


def _damaged(problem: str, place: Place, stack: str) -> NoReturn:
    detail = (
        f"{problem}. Restore it from Git, or use the copy from before the last run "
        f"(state/{stack}.json.backup), or move it away to start a new one. No host is at risk: without a state, "
        "pmtaform cannot distinguish drift from a change of the stack, and leaves unchanged what it once made and the "
        "stack no longer has."
    )
    raise StateDamaged.of(STATE_DAMAGED, detail, place=place)


def _line(text: str, path: tuple[str | int, ...], *, last: bool = False) -> int | None:
    """The line of the entry that `path` leads to, as well as the text tells."""
    position = 0
    for name in path:
        if isinstance(name, int):
            break
        form = re.compile(re.escape(json.dumps(name)) + r"\s*:")
        places = [match.start() for match in form.finditer(text, position)]
        if not places:
            break
        position = places[-1] if last else places[0]
    return text.count("\n", 0, position) + 1 if path else None
