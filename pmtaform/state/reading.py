"""Reading a state document, strictly, and saying exactly what is wrong with one.

The checks are written out rather than left to pydantic: its first model costs more start-up time than reading the
state of a hundred hosts, and every command that plans reads a state.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NoReturn, TypeVar

from pmtaform.diagnostics import Place
from pmtaform.diagnostics.codes.state import STATE_DAMAGED, STATE_TOO_NEW
from pmtaform.errors import StateDamaged
from pmtaform.state.document import FORMAT, FileState, HostState, Intent, StateDocument

_FILE_DIGEST = re.compile(r"[0-9a-f]{64}")
_BLOCK_DIGEST = re.compile(r"[0-9a-f]{32,128}")
_LINEAGE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MODE = re.compile(r"[0-7]{4}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
_CONFLICT = re.compile(r"^(<<<<<<<|=======|>>>>>>>)", re.MULTILINE)

T = TypeVar("T")


class _Wrong(Exception):
    """What is wrong, at which entry: the names that lead to it."""

    def __init__(self, problem: str, path: tuple[str, ...] = ()) -> None:
        self.problem = problem
        self.path = path
        super().__init__(problem)


def decode(content: bytes, *, file: str, stack: str) -> StateDocument:
    """The document that `content` holds. `file` is named in errors; `stack` is whose state it must be.

    Raises `StateDamaged`: `state-too-new` for a later format, `state-damaged` for all else, with the line.
    """
    text = _text(content, file, stack)
    tree = _tree(text, file, stack)
    _refuse_later_format(tree.get("format"), file)
    try:
        return _document(tree, stack)
    except _Wrong as wrong:
        where = " → ".join(wrong.path)
        problem = f"{where}: {wrong.problem}" if where else wrong.problem
        _damaged(problem, Place(file, _line(text, wrong.path)), stack)


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
        tree = json.loads(text, object_pairs_hook=_pairs, parse_constant=_no_constant)
    except json.JSONDecodeError as problem:
        conflict = _CONFLICT.search(text)
        if conflict:
            line = text.count("\n", 0, conflict.start()) + 1
            _damaged("it holds the marks of an unfinished Git merge", Place(file, line), stack)
        _damaged(f"it is not JSON ({problem.msg.lower()})", Place(file, problem.lineno, problem.colno), stack)
    except _Wrong as wrong:
        _damaged(wrong.problem, Place(file, _line(text, wrong.path, last=True)), stack)
    except (ValueError, RecursionError):
        _damaged("it is not JSON that a state could be (a number or a nesting is too large)", Place(file), stack)
    if not isinstance(tree, dict):
        _damaged("it is JSON, but no state", Place(file, 1), stack)
    return tree


def _refuse_later_format(found: object, file: str) -> None:
    if type(found) is int and found > FORMAT:
        detail = (
            f"it has format {found}, and this pmtaform reads formats up to {FORMAT}: a later pmtaform wrote it. "
            "Upgrade pmtaform on this machine (pip install --upgrade pmtaform); nothing was read or changed."
        )
        raise StateDamaged.of(STATE_TOO_NEW, detail, place=Place(file))


def _damaged(problem: str, place: Place, stack: str) -> NoReturn:
    detail = (
        f"{problem}. Restore it from Git, or take the copy from before the last run "
        f"(state/{stack}.json.backup), or move it away to begin a new one. No host is at risk: without a state, "
        "pmtaform cannot tell drift from a change of the stack, and leaves alone what it once made and the stack "
        "no longer has."
    )
    raise StateDamaged.of(STATE_DAMAGED, detail, place=place)


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Wrong(f'"{key}" stands twice', (key,))
            seen.add(key)
    return tree


def _no_constant(name: str) -> NoReturn:
    raise _Wrong(f"{name} is no number that a state has", ())


def _document(tree: dict[str, object], stack: str) -> StateDocument:
    if _integer(_take(tree, "format"), ("format",)) != FORMAT:
        raise _Wrong("there is no such format", ("format",))
    fields = _Fields(tree, ())
    document = StateDocument(
        lineage=fields.text("lineage", _LINEAGE, "a lineage"),
        serial=fields.count("serial"),
        stack=fields.text("stack"),
        key_id=fields.text("key"),
        hosts=fields.table("hosts", _host),
        intents=fields.table("under-way", _intent) if "under-way" in tree else {},
    )
    fields.done("format")
    if document.stack != stack:
        raise _Wrong(f'it is the state of stack "{document.stack}", not of "{stack}"', ("stack",))
    return document


def _host(value: object, path: tuple[str, ...]) -> HostState:
    fields = _Fields(value, path)
    state = HostState(
        machine_id=fields.text("machine"),
        generation=fields.count("generation"),
        version=fields.optional("version"),
        version_stamp=fields.text("version-stamp"),
        applied_at=fields.moment("applied-at"),
        plan=fields.text("plan"),
        commit=fields.optional("commit"),
        who=fields.text("who"),
        unmanaged=fields.count("unmanaged"),
        files=fields.table("files", _file),
        patterns=fields.table("patterns", _paths),
        blocks=fields.blocks(),
        keys=fields.table("keys", _string),
    )
    fields.done()
    return state


def _intent(value: object, path: tuple[str, ...]) -> Intent:
    fields = _Fields(value, path)
    intent = Intent(
        transaction=fields.text("transaction"),
        at=fields.moment("at"),
        plan=fields.text("plan"),
        commit=fields.optional("commit"),
        who=fields.text("who"),
        blocks=fields.blocks(),
        keys=fields.table("keys", _string),
    )
    fields.done()
    return intent


def _file(value: object, path: tuple[str, ...]) -> FileState:
    fields = _Fields(value, path)
    state = FileState(
        digest=fields.text("digest", _FILE_DIGEST, "a digest of 64 hexadecimal digits"),
        mode=int(fields.text("mode", _MODE, "a mode of four octal digits"), 8),
        owner=fields.text("owner"),
        group=fields.text("group"),
    )
    fields.done()
    return state


def _paths(value: object, path: tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _Wrong("a list is wanted", path)
    return tuple(_string(item, path) for item in value)


class _Fields:
    """One object of the file, taken apart field by field; what is left over at the end is an error."""

    def __init__(self, value: object, path: tuple[str, ...]) -> None:
        if not isinstance(value, dict):
            raise _Wrong("an object in braces is wanted", path)
        self._value: dict[str, object] = value
        self._path = path
        self._taken: set[str] = set()

    def _get(self, name: str) -> object:
        self._taken.add(name)
        return _take(self._value, name, self._path)

    def text(self, name: str, form: re.Pattern[str] | None = None, what: str = "") -> str:
        text = _string(self._get(name), (*self._path, name))
        if form is not None and not form.fullmatch(text):
            raise _Wrong(f"{what} is wanted", (*self._path, name))
        return text

    def optional(self, name: str) -> str | None:
        return None if self._get(name) is None else self.text(name)

    def count(self, name: str) -> int:
        return _integer(self._get(name), (*self._path, name))

    def moment(self, name: str) -> str:
        text = self.text(name, _TIME, "a time in UTC, as 2026-01-31T12:00:00Z,")
        try:
            datetime.fromisoformat(text)
        except ValueError:
            raise _Wrong("there is no such time", (*self._path, name)) from None
        return text

    def table(self, name: str, read: Callable[[object, tuple[str, ...]], T]) -> Mapping[str, T]:
        value = self._get(name)
        path = (*self._path, name)
        if not isinstance(value, dict):
            raise _Wrong("an object in braces is wanted", path)
        return {key: read(entry, (*path, key)) for key, entry in value.items()}

    def blocks(self) -> Mapping[str, str]:
        """The one table that is large: without a call and a path for each entry that is right."""
        value = self._get("blocks")
        path = (*self._path, "blocks")
        if not isinstance(value, dict):
            raise _Wrong("an object in braces is wanted", path)
        matches = _BLOCK_DIGEST.fullmatch
        for key, entry in value.items():
            if not isinstance(entry, str) or not matches(entry):
                raise _Wrong("a digest in hexadecimal digits is wanted", (*path, key))
        return value

    def done(self, *known: str) -> None:
        for name in self._value:
            if name not in self._taken and name not in known:
                raise _Wrong("no state has such an entry", (*self._path, name))


def _take(tree: Mapping[str, object], name: str, path: tuple[str, ...] = ()) -> object:
    if name not in tree:
        raise _Wrong(f'"{name}" is missing', path)
    return tree[name]


def _string(value: object, path: tuple[str, ...]) -> str:
    if not isinstance(value, str):
        raise _Wrong("a text is wanted", path)
    return value


def _integer(value: object, path: tuple[str, ...]) -> int:
    if type(value) is not int or value < 0:
        raise _Wrong("a whole number from 0 on is wanted", path)
    return value


def _line(text: str, path: tuple[str, ...], *, last: bool = False) -> int | None:
    """The line on which the entry that `path` leads to stands, as well as can be told from the text."""
    position = 0
    for name in path:
        form = re.compile(re.escape(json.dumps(name)) + r"\s*:")
        found = [match.start() for match in form.finditer(text, position)]
        if not found:
            break
        position = found[-1] if last else found[0]
    return text.count("\n", 0, position) + 1 if path else None
