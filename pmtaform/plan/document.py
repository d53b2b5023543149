"""A plan as a JSON document: what `--out` writes, what `show` and `apply` read, what `--format json` prints.

Each kind of thing has one codec that writes it and reads it, so that the two cannot drift apart. Reading is strict:
a field too many, too few or of another type is damage, and so is a checksum that does not fit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, NoReturn, TypeVar

from pmtaform.diagnostics import Diagnostic, Place, Severity
from pmtaform.errors import StateDamaged
from pmtaform.lang.catalogue import Impact
from pmtaform.plan.model import Action, Change, Danger, HostPlan, Plan, Reason, ValueChange

FORMAT = 1
KIND = "pmtaform-plan"

# What a printed document says besides the plan itself. It is for readers, and not covered by the checksum.
_TOLD = ("verdict", "summary", "effects")
_HEAD = ("format", "kind", "checksum")

T = TypeVar("T")
E = TypeVar("E", bound=Enum)


class _Wrong(Exception):
    """What is wrong, at which entry: `hosts[0].changes[2].action`."""

    def __init__(self, problem: str, path: str = "") -> None:
        self.problem = problem
        self.path = path
        super().__init__(problem)


@dataclass(frozen=True, slots=True)
class _Codec(Generic[T]):
    """How one kind of thing is written as JSON, and read back."""

    write: Callable[[T], Any]
    read: Callable[[object, str], T]


def to_document(plan: Plan) -> dict[str, Any]:
    """The plan as JSON data, its checksum included. The same plan always gives the same document."""
    body: dict[str, Any] = {"format": FORMAT, "kind": KIND, **_PLAN.write(plan)}
    head = {"format": FORMAT, "kind": KIND, "checksum": _checksum(body)}
    return {**head, **{name: value for name, value in body.items() if name not in head}}


def dumps(plan: Plan) -> str:
    """The plan as the text of a plan file. ASCII, with a newline at its end."""
    return json.dumps(to_document(plan), indent=1) + "\n"


def loads(text: str | bytes, path: str = "") -> Plan:
    """The plan that a plan file holds. `path` is named in errors.

    Raises `StateDamaged`: `plan-too-new` for a later format, `plan-damaged` for all else.
    """
    tree = _tree(text, path)
    _refuse_other_formats(tree, path)
    try:
        plan = _plan(tree)
    except _Wrong as wrong:
        where = f"{wrong.path}: " if wrong.path else ""
        _damaged(where + wrong.problem, Place(path))
    return plan


def diagnostic_document(diagnostic: Diagnostic) -> dict[str, Any]:
    """A diagnostic as JSON data."""
    document: dict[str, Any] = _DIAGNOSTIC.write(diagnostic)
    return document


# -- reading -----------------------------------------------------------------------------------------------------------


def _tree(text: str | bytes, path: str) -> dict[str, object]:
    content = _decoded(text, path) if isinstance(text, bytes) else text
    if not content.strip("\0 \t\r\n"):
        _damaged("it is empty", Place(path))
    try:
        tree = json.loads(content, object_pairs_hook=_pairs, parse_constant=_no_constant)
    except json.JSONDecodeError as problem:
        _damaged(f"it is not JSON ({problem.msg.lower()})", Place(path, problem.lineno, problem.colno))
    except _Wrong as wrong:
        _damaged(wrong.problem, Place(path))
    except (ValueError, RecursionError):
        _damaged("it is not JSON that a plan could be (a number or a nesting is too large)", Place(path))
    if not isinstance(tree, dict):
        _damaged("it is JSON, but no plan", Place(path, 1))
    return tree


def _decoded(content: bytes, path: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        _damaged("it is not text in UTF-8", Place(path, content.count(b"\n", 0, problem.start) + 1))


def _refuse_other_formats(tree: Mapping[str, object], path: str) -> None:
    if tree.get("kind") != KIND:
        _damaged(f'it is JSON, but no plan: "kind" is not "{KIND}"', Place(path))
    found = tree.get("format")
    if type(found) is int and found > FORMAT:
        raise StateDamaged.of(
            "plan-too-new",
            "The plan is of a later format",
            f"It has format {found if found < 10**9 else 'of many digits'}, and this pmtaform reads formats up to "
            f"{FORMAT}: a later pmtaform wrote it. Upgrade pmtaform on this machine (pip install --upgrade pmtaform), "
            "or plan again with this one: pmtaform plan --out FILE.",
            place=Place(path),
        )


def _plan(tree: dict[str, object]) -> Plan:
    body = {name: value for name, value in tree.items() if name not in _TOLD and name != "checksum"}
    if type(tree.get("format")) is not int or tree["format"] != FORMAT:
        raise _Wrong("there is no such format", "format")
    if "verdict" in tree:
        _text(tree["verdict"], "verdict")
    if "summary" in tree:
        _object(tree["summary"], "summary")
    if "effects" in tree:
        _array(tree["effects"], "effects")
    if "checksum" not in tree:
        raise _Wrong('"checksum" is missing')
    plan = _PLAN.read({name: value for name, value in body.items() if name not in _HEAD}, "")
    if tree["checksum"] != _checksum(body):
        raise _Wrong("what it holds is not what was written (its checksum does not fit)")
    return plan


def _checksum(body: Mapping[str, object]) -> str:
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _damaged(problem: str, place: Place) -> NoReturn:
    detail = (
        f"{problem[:1].upper()}{problem[1:]}. Nothing was changed on any host. A plan file is not meant to be edited: "
        "make it again (pmtaform plan --out FILE), and read what it says before it is applied."
    )
    raise StateDamaged.of("plan-damaged", "The plan file is damaged", detail, place=place)


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        raise _Wrong("an entry stands twice")
    return tree


def _no_constant(name: str) -> NoReturn:
    raise _Wrong(f"{name} is no number that a plan has")


# -- codecs ------------------------------------------------------------------------------------------------------------


def _same(value: T) -> T:
    return value


def _text(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise _Wrong("a text is wanted", path)
    return value


def _count(value: object, path: str) -> int:
    if type(value) is not int or value < 0:
        raise _Wrong("a whole number from 0 on is wanted", path)
    return value


def _object(value: object, path: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _Wrong("an object in braces is wanted", path)
    return value


def _array(value: object, path: str) -> list[object]:
    if not isinstance(value, list):
        raise _Wrong("a list is wanted", path)
    return value


def _optional(inner: _Codec[T]) -> _Codec[T | None]:
    return _Codec(
        lambda value: None if value is None else inner.write(value),
        lambda value, path: None if value is None else inner.read(value, path),
    )


def _several(inner: _Codec[T]) -> _Codec[tuple[T, ...]]:
    return _Codec(
        lambda values: [inner.write(value) for value in values],
        lambda value, path: tuple(inner.read(v, f"{path}[{i}]") for i, v in enumerate(_array(value, path))),
    )


def _table(inner: _Codec[T]) -> _Codec[Mapping[str, T]]:
    return _Codec(
        lambda entries: {name: inner.write(entries[name]) for name in sorted(entries)},
        lambda value, path: {k: inner.read(v, f'{path}["{k}"]') for k, v in _object(value, path).items()},
    )


def _word(words: Mapping[str, E]) -> _Codec[E]:
    names = {member: word for word, member in words.items()}

    def read(value: object, path: str) -> E:
        found = words.get(value) if isinstance(value, str) else None
        if found is None:
            raise _Wrong("one of " + ", ".join(words) + " is wanted", path)
        return found

    return _Codec(names.__getitem__, read)


def _record(make: Callable[..., T], **fields: _Codec[Any]) -> _Codec[T]:
    def write(value: T) -> dict[str, Any]:
        return {name: codec.write(getattr(value, name)) for name, codec in fields.items()}

    def read(value: object, path: str) -> T:
        tree = _object(value, path)
        prefix = path + "." if path else ""
        if tree.keys() != fields.keys():
            for name in fields:
                if name not in tree:
                    raise _Wrong(f'"{name}" is missing', path)
            for name in tree:
                if name not in fields:
                    raise _Wrong("no plan has such an entry", prefix + name)
        return make(**{name: codec.read(tree[name], prefix + name) for name, codec in fields.items()})

    return _Codec(write, read)


_TEXT: _Codec[str] = _Codec(_same, _text)
_COUNT: _Codec[int] = _Codec(_same, _count)

_PLACE = _record(Place, file=_TEXT, line=_optional(_COUNT), column=_optional(_COUNT))
_DIAGNOSTIC = _record(
    Diagnostic,
    severity=_word({severity.value: severity for severity in Severity}),
    code=_TEXT,
    summary=_TEXT,
    detail=_TEXT,
    place=_optional(_PLACE),
    host=_optional(_TEXT),
    address=_optional(_TEXT),
    related=_several(_PLACE),
)
_DANGER = _record(Danger, code=_TEXT, detail=_TEXT)
_VALUE = _record(
    ValueChange,
    path=_several(_TEXT),
    name=_TEXT,
    before=_several(_TEXT),
    after=_several(_TEXT),
    place=_optional(_PLACE),
)
_CHANGE = _record(
    Change,
    address=_TEXT,
    action=_word({action.verb: action for action in Action}),
    reason=_word({reason.name.lower(): reason for reason in Reason}),
    impact=_word({str(impact): impact for impact in Impact}),
    impact_note=_TEXT,
    file=_TEXT,
    place=_optional(_PLACE),
    values=_several(_VALUE),
    dangers=_several(_DANGER),
)
_HOST = _record(
    HostPlan,
    host=_TEXT,
    version=_optional(_TEXT),
    changes=_several(_CHANGE),
    adopted=_several(_TEXT),
    forgotten=_several(_TEXT),
    unmanaged=_COUNT,
    dangers=_several(_DANGER),
    notes=_several(_DIAGNOSTIC),
    basis=_table(_TEXT),
    result=_table(_TEXT),
)
_PLAN = _record(
    Plan,
    tool_version=_TEXT,
    id=_TEXT,
    created=_TEXT,
    stack=_TEXT,
    stack_digest=_TEXT,
    lineage=_TEXT,
    serial=_COUNT,
    selection=_table(_several(_TEXT)),
    hosts=_several(_HOST),
    failures=_table(_DIAGNOSTIC),
)
