"""A plan as a JSON document: `--out` writes it, `show` and `apply` read it, `--format json` prints it.

Each kind of thing has one codec that writes it, reads it and describes it, so that these cannot drift apart. Reading is
strict: an unknown field, a missing field or one of another type is damage, and so is a wrong checksum. The checksum
detects damage without a key. The seal is made with the stack's key over the whole document, and proves to `apply` that
`plan` wrote the file.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from pmtaform.codec import (
    BOOLEAN,
    COUNT,
    TEXT,
    DecodeError,
    a_text,
    an_array,
    an_object,
    load_json,
    matching,
    optional,
    record,
    several,
    table,
    word,
)
from pmtaform.diagnostics import Diagnostic, Kind, Place, Severity
from pmtaform.diagnostics.codes.plans import PLAN_DAMAGED, PLAN_TOO_NEW, PLAN_TOO_OLD
from pmtaform.errors import StateDamaged
from pmtaform.lang.catalogue import Impact
from pmtaform.plan.model import (
    Action,
    Cause,
    Change,
    Danger,
    HostPlan,
    Left,
    LeftBy,
    Plan,
    Reason,
    ValueChange,
)

# 2: the seal, the notes of the run, and what is left different; 3: the kind of each note, and `applied` of each value
FORMAT = 3
KIND = "pmtaform-plan"

Sealer = Callable[[bytes], str]  # `StackKey.seal_plan`

# What a printed document says besides the plan itself. It is for readers: the seal covers it, the checksum does not.
_TOLD = ("verdict", "summary", "dangers", "effects", "rotations")
DANGERS: dict[str, Any] = {
    "type": "array",
    "description": "Every danger once, worst first, with its addresses.",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "code": {"type": "string", "description": "The name for `--allow`."},
            "meaning": {"type": "string"},
            "detail": {"type": "string"},
            "addresses": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["code", "meaning", "detail", "addresses"],
    },
}
_SEAL = matching("(?:[0-9a-f]{64})?", "a seal: 64 hexadecimal digits, or nothing")
_PRINTED = {"verdict": a_text, "summary": an_object, "effects": an_array, "rotations": an_array}
_HEAD = ("format", "kind", "checksum", "seal")


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan as it was read from a file. `content` is the part that the seal covers."""

    plan: Plan
    path: str
    seal: str
    content: bytes

    def is_sealed_by(self, sealer: Sealer) -> bool:
        """Whether a holder of the key wrote the document."""
        return hmac.compare_digest(self.seal.encode("utf-8", "surrogatepass"), sealer(self.content).encode("ascii"))


def to_document(plan: Plan, sealer: Sealer | None = None, printed: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The plan as JSON data. The same plan always gives the same document.

    `printed` has the additional fields of a printed document. Without a `sealer` the document can be shown, and not
    applied.
    """
    body: dict[str, Any] = {"format": FORMAT, "kind": KIND, **_PLAN.write(plan)}
    head = {"format": FORMAT, "kind": KIND, **(printed or {}), "checksum": _checksum(body), "seal": ""}
    document = {**head, **{name: value for name, value in body.items() if name not in head}}
    return document if sealer is None else {**document, "seal": sealer(_sealed(document))}


def dumps(plan: Plan, sealer: Sealer | None = None) -> str:
    """The plan as the text of a plan file. ASCII, with a newline at its end."""
    return json.dumps(to_document(plan, sealer), indent=1) + "\n"


def loads(text: str | bytes, path: str = "") -> Plan:
    """The plan in a plan file; see `load_saved` for the errors."""
    return load_saved(text, path).plan


def load_saved(text: str | bytes, path: str = "") -> SavedPlan:
    """The content of a plan file, not authenticated. Errors name `path`.

    Raises `StateDamaged`: `plan-too-new` or `plan-too-old` for another format, `plan-damaged` for all else.
    """
    tree = _tree(text, path)
    _refuse_other_formats(tree, path)
    try:
        plan = _plan(tree)
        return SavedPlan(plan, path, _seal(tree["seal"]), _sealed(tree))
    except DecodeError as wrong:
        where = f"{wrong.place}: " if wrong.path else ""
        _damaged(where + wrong.problem, Place(path))


def _seal(value: object) -> str:
    _check(_SEAL.read, value, "seal")
    return a_text(value)


def diagnostic_document(diagnostic: Diagnostic) -> dict[str, Any]:
    """A diagnostic as JSON data."""
    document: dict[str, Any] = DIAGNOSTIC.write(diagnostic)
    return document


def plan_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a plan's document: of a plan file, and of what `--format json` prints."""
    body = dict(_PLAN.schema)
    printed = {
        "verdict": {"type": "string", "description": "The plan in one line. Only printed documents have it."},
        "summary": {"type": "object", "description": "The plan's numbers. Only printed documents have it."},
        "dangers": {**DANGERS, "description": f"{DANGERS['description']} Only printed documents have it."},
        "effects": {"type": "array", "description": "The queues whose values change, with --effective."},
        "rotations": {"type": "array", "description": "The progress of rotated keys, if the stack has any."},
    }
    first = {
        "format": {"const": FORMAT},
        "kind": {"const": KIND},
        "checksum": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "seal": {"type": "string", "pattern": "^([0-9a-f]{64})?$", "description": "Empty: the plan cannot be applied."},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A plan of pmtaform",
        **body,
        "properties": {**first, **printed, **body["properties"]},
        "required": [*first, *body["required"]],
    }


# -- reading -----------------------------------------------------------------------------------------------------------


def _tree(text: str | bytes, path: str) -> dict[str, object]:
    content = _decoded(text, path) if isinstance(text, bytes) else text
    if not content.strip("\0 \t\r\n"):
        _damaged("it is empty", Place(path))
    try:
        tree = load_json(content)
    except json.JSONDecodeError as problem:
        _damaged(f"it is not JSON ({problem.msg.lower()})", Place(path, problem.lineno, problem.colno))
    except DecodeError as wrong:
        _damaged(wrong.problem, Place(path))
    except (ValueError, RecursionError):
        _damaged("its JSON cannot be a plan (a number or the nesting is too large)", Place(path))
    if not isinstance(tree, dict):
        _damaged("it is JSON, but not a plan", Place(path, 1))
    return tree


def _decoded(content: bytes, path: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        _damaged("it is not text in UTF-8", Place(path, content.count(b"\n", 0, problem.start) + 1))


def _refuse_other_formats(tree: Mapping[str, object], path: str) -> None:
    if tree.get("kind") != KIND:
        _damaged(f'it is JSON, but not a plan: "kind" is not "{KIND}"', Place(path))
    version = tree.get("format")
    if type(version) is int and version > FORMAT:
        raise StateDamaged.of(
            PLAN_TOO_NEW,
            f"It has format {version if version < 10**9 else 'of many digits'}, and this pmtaform reads formats up to "
            f"{FORMAT}: a later pmtaform wrote it. Upgrade pmtaform on this machine (pip install --upgrade pmtaform), "
            "or plan again with this one:\n    pmtaform plan --out FILE",
            place=Place(path),
        )
    if type(version) is int and 0 < version < FORMAT:
        raise StateDamaged.of(
            PLAN_TOO_OLD,
            f"It has format {version}, and this pmtaform applies format {FORMAT}: an earlier pmtaform wrote it. Plan "
            "again:\n    pmtaform plan --out FILE",
            place=Place(path),
        )


def _plan(tree: dict[str, object]) -> Plan:
    body = {name: value for name, value in tree.items() if name not in (*_TOLD, "checksum", "seal")}
    if type(tree.get("format")) is not int or tree["format"] != FORMAT:
        raise DecodeError("there is no such format", "format")
    for name, check in _PRINTED.items():
        if name in tree:
            _check(check, tree[name], name)
    for name in ("checksum", "seal"):
        if name not in tree:
            raise DecodeError(f'"{name}" is missing')
    plan = _PLAN.read({name: value for name, value in body.items() if name not in _HEAD})
    if tree["checksum"] != _checksum(body):
        raise DecodeError("its content was changed (its checksum does not match)")
    return plan


def _check(check: Callable[[object], object], value: object, name: str) -> None:
    try:
        check(value)
    except DecodeError as wrong:
        raise wrong.within(name) from None


def _checksum(body: Mapping[str, object]) -> str:
    return hashlib.sha256(_canonical(body)).hexdigest()


def _sealed(document: Mapping[str, object]) -> bytes:
    """The part of a document that the seal covers: all of it."""
    return _canonical({name: value for name, value in document.items() if name != "seal"})


def _canonical(body: Mapping[str, object]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode("ascii")


def _damaged(problem: str, place: Place) -> NoReturn:
    detail = (
        f"{problem[:1].upper()}{problem[1:]}. Nothing was changed on any host. A plan file is not meant to be edited. "
        "Make it again, and read it before you apply it:\n    pmtaform plan --out FILE"
    )
    raise StateDamaged.of(PLAN_DAMAGED, detail, place=place)


# -- codecs ------------------------------------------------------------------------------------------------------------

_PLACE = record(Place, file=TEXT, line=optional(COUNT), column=optional(COUNT))
DIAGNOSTIC = record(
    Diagnostic,
    severity=word({severity.value: severity for severity in Severity}),
    code=TEXT,
    kind=word({kind.value: kind for kind in Kind}),
    summary=TEXT,
    detail=TEXT,
    place=optional(_PLACE),
    host=optional(TEXT),
    address=optional(TEXT),
    related=several(_PLACE),
)
_DANGER = record(Danger, code=TEXT, detail=TEXT)
_VALUE = record(
    ValueChange,
    path=several(TEXT),
    name=TEXT,
    before=several(TEXT),
    after=several(TEXT),
    place=optional(_PLACE),
    applied=several(TEXT).says("The value that the last apply wrote there."),
    cause=optional(word({cause.name.lower(): cause for cause in Cause})),
)
_CHANGE = record(
    Change,
    address=TEXT,
    action=word({action.verb: action for action in Action}),
    reason=word({reason.name.lower(): reason for reason in Reason}),
    impact=word({str(impact): impact for impact in Impact}),
    impact_note=TEXT,
    file=TEXT,
    place=optional(_PLACE),
    values=several(_VALUE),
    dangers=several(_DANGER),
)
LEFT = record(
    Left,
    address=TEXT,
    action=word({action.verb: action for action in Action}),
    by=word({by.value: by for by in LeftBy}),
)
_HOST = record(
    HostPlan,
    host=TEXT,
    version=optional(TEXT),
    changes=several(_CHANGE),
    left=several(LEFT).says("The differences to the stack that stay, and the reason for each."),
    frozen=BOOLEAN,
    adopted=several(TEXT),
    forgotten=several(TEXT),
    unmanaged=COUNT,
    dangers=several(_DANGER),
    notes=several(DIAGNOSTIC),
    basis=table(TEXT),
    result=table(TEXT),
)
_PLAN = record(
    Plan,
    tool_version=TEXT,
    id=TEXT,
    created=TEXT,
    stack=TEXT,
    stack_digest=TEXT,
    lineage=TEXT,
    serial=COUNT,
    key_id=TEXT,
    notes=several(DIAGNOSTIC).says("About the run as a whole, or hosts that have no plan."),
    selection=table(several(TEXT)),
    hosts=several(_HOST),
    failures=table(DIAGNOSTIC),
)
