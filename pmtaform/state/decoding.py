"""A state file as it is read: strictly, and what is wrong with it, at which line.

A file that is laid out as we write it is read host by host. Each is checked, and kept as its text: 10,000 hosts are
read in 0.4 s of CPU. Any other file (a person edited it, or it is damaged) is read as a whole, which takes twice as
long and finds the line of a mistake.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final, NoReturn, TypeVar

from pmtaform.codec import DecodeError, load_json
from pmtaform.diagnostics import Place
from pmtaform.diagnostics.codes.state import STATE_DAMAGED, STATE_TOO_NEW
from pmtaform.errors import StateDamaged
from pmtaform.state.document import FORMAT, HostState, StateDocument
from pmtaform.state.encoding import DOCUMENT, HEADER, HOST, packed_host, packed_intent
from pmtaform.state.entries import Entries, Packed

T = TypeVar("T")

_CONFLICT = re.compile(r"^(<<<<<<<|=======|>>>>>>>)", re.MULTILINE)
_HOSTS: Final = re.compile(r',\n "hosts": \{(?=\n  ")')
_END: Final = "\n }\n}\n"
_ENTRY: Final = re.compile(r'\n  ("(?:[^"\\\n]|\\.)*+"): ')  # of a table at the first level
_INTENTS: Final = '{\n "under-way": {'
_THEN_HOSTS: Final = '},\n "hosts": {'


def decode(content: bytes, *, file: str, stack: str) -> StateDocument:
    """The document that `content` holds. `file` is named in errors; `stack` is whose state it must be.

    Raises `StateDamaged`: `state-too-new` for a later format, `state-damaged` for all else, with the line.
    """
    text = _text(content, file, stack)
    document = _as_written(text)
    if document is None or document.stack != stack:
        document = _strictly(text, file, stack)
    return document


# -- as we write it ----------------------------------------------------------------------------------------------------


def _as_written(text: str) -> StateDocument | None:
    """The document, where the text is laid out as we write it and nothing is wrong with it."""
    start = _HOSTS.search(text)
    if start is None or not text.endswith(_END) or not text.isascii():
        return None
    try:
        head = load_json(text[: start.start()] + "}")
        if not isinstance(head, dict) or type(head.get("format")) is not int or head.pop("format") != FORMAT:
            return None
        return replace(HEADER.read(head), hosts=_hosts(text, start.end()))
    except (DecodeError, ValueError, RecursionError):
        return None


def _hosts(text: str, start: int) -> Entries[HostState]:
    """The hosts as their texts, each checked. Raises `DecodeError` and `ValueError`."""
    hosts: dict[str, HostState | Packed[HostState]] = {}
    for name, entry in _entries(text, start, len(text) - len(_END)):
        if name in hosts:
            raise DecodeError("a name appears twice")
        HOST.read(load_json(entry))
        hosts[name] = packed_host(entry)
    return Entries(hosts)


def _entries(text: str, start: int, end: int) -> Iterator[tuple[str, str]]:
    """The names and texts of a table's entries. Raises `ValueError` unless commas are between them, and only there.

    A line of an entry has more than two spaces, and no text in JSON has a line end, so that the lines which begin with
    two spaces and a quotation mark divide it.
    """
    at = _ENTRY.match(text, start, end)
    while at is not None:
        following = _ENTRY.search(text, at.end(), end)
        stop = end if following is None else following.start() - 1
        if following is not None and text[stop] != ",":
            raise ValueError("no comma")
        yield json.loads(at[1]), text[at.end() : stop]
        at = following


# -- changes -----------------------------------------------------------------------------------------------------------


def with_changes(document: StateDocument, text: str, serial: int) -> StateDocument:
    """`document` with the changes that `encode_changes` made the text of. Raises `ValueError` for any other text."""
    middle = text.index(_THEN_HOSTS)
    intents = _changed(document.intents, text, (len(_INTENTS), middle), packed_intent)
    hosts = _changed(document.hosts, text, (middle + len(_THEN_HOSTS), len(text) - len("}\n}\n")), packed_host)
    return replace(document, serial=serial, intents=intents, hosts=hosts)


def _changed(
    entries: Mapping[str, T], text: str, span: tuple[int, int], packed: Callable[[str], Packed[T]]
) -> Entries[T]:
    """`entries` with the changes of one table, which is between its braces in `span`."""
    start, end = span
    changes = dict(_entries(text, start, end - 2 if text.endswith("\n ", start, end) else end))
    changed = Entries.of(entries).with_entries({n: packed(entry) for n, entry in changes.items() if entry != "null"})
    for name in (name for name, entry in changes.items() if entry == "null"):
        changed = changed.without(name)
    return changed


# -- any other ---------------------------------------------------------------------------------------------------------


def _strictly(text: str, file: str, stack: str) -> StateDocument:
    tree = _tree(text, file, stack)
    _refuse_later_format(tree.get("format"), file)
    try:
        document = _read(tree)
    except DecodeError as wrong:
        where = " → ".join(str(part) for part in wrong.path)
        problem = f"{where}: {wrong.problem}" if where else wrong.problem
        damaged(problem, Place(file, _line(text, wrong.path)), stack)

    if document.stack != stack:
        problem = f'stack: it is the state of stack "{document.stack}", not of "{stack}"'
        damaged(problem, Place(file, _line(text, ("stack",))), stack)
    return document


def _read(tree: dict[str, object]) -> StateDocument:
    if "format" not in tree:
        raise DecodeError('"format" is missing')
    if type(tree["format"]) is not int or tree["format"] != FORMAT:
        raise DecodeError("there is no such format", "format")
    return DOCUMENT.read({name: value for name, value in tree.items() if name != "format"})


def _text(content: bytes, file: str, stack: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        damaged("it is not text in UTF-8", Place(file, line), stack)


def _tree(text: str, file: str, stack: str) -> dict[str, object]:
    if not text.strip("\0 \t\r\n"):
        damaged("it is empty", Place(file), stack)
    try:
        tree = load_json(text)
    except json.JSONDecodeError as problem:
        conflict = _CONFLICT.search(text)
        if conflict:
            line = text.count("\n", 0, conflict.start()) + 1
            damaged("it holds the marks of an unfinished Git merge", Place(file, line), stack)
        damaged(f"it is not JSON ({problem.msg.lower()})", Place(file, problem.lineno, problem.colno), stack)
    except DecodeError as wrong:
        damaged(wrong.problem, Place(file, _line(text, wrong.path, last=True)), stack)
    except (ValueError, RecursionError):
        damaged("it is not JSON that a state could be (a number or a nesting is too large)", Place(file), stack)
    if not isinstance(tree, dict):
        damaged("it is JSON, but no state", Place(file, 1), stack)
    return tree


def _refuse_later_format(format_: object, file: str) -> None:
    if type(format_) is int and format_ > FORMAT:
        detail = (
            f"it has format {format_}, and this pmtaform reads formats up to {FORMAT}: a later pmtaform wrote it. "
            "Upgrade pmtaform on this machine (pip install --upgrade pmtaform); nothing was read or changed."
        )
        raise StateDamaged.of(STATE_TOO_NEW, detail, place=Place(file))


def damaged(problem: str, place: Place, stack: str) -> NoReturn:
    """Raise the error that the state of `stack` is damaged, and what to do."""
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
