"""The kinds of values in a stack: each for pydantic's core, and as JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from pydantic_core import PydanticCustomError

from pmtaform.model.operations import Share


@dataclass(frozen=True, slots=True)
class FieldKind:
    """The values of a key: for pydantic's core (None: read elsewhere, from nodes), and as JSON Schema."""

    core: Mapping[str, Any] | None
    json: Mapping[str, Any]


def _text(value: Any) -> str:
    """A number where a text belongs is the text as it was written (`5.0`)."""
    text = getattr(value, "text", value)
    if not isinstance(text, str):
        raise PydanticCustomError("string_type", "text")
    if not text.strip() or not text.isprintable():
        raise PydanticCustomError("one_line", "It is empty, or has a line break or another control character.")
    return text


def _word(value: Any) -> str:
    text = _text(value)
    if text.startswith("-") or any(c.isspace() for c in text):
        raise PydanticCustomError("word", "It starts with a dash or has blanks; a program would read it as options.")
    return text


def _version(value: Any) -> str:
    text = getattr(value, "text", value)
    if not isinstance(text, str) or not re.fullmatch(_VERSION, text):
        raise PydanticCustomError("version", 'Write a version such as "5.0" or "4.5".')
    return text


def _percent(value: Any) -> float:
    text = getattr(value, "text", value)
    match = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]+)?)\s*%?", text) if isinstance(text, str) else None
    if match is None or float(match[1]) > 100:
        raise PydanticCustomError("percent", "Write a share of the blocks, from 0% to 100%.")
    return float(match[1])


def _seconds(value: Any) -> float:
    text = getattr(value, "text", value)
    match = re.fullmatch(r"([0-9]{1,5}(?:\.[0-9]+)?)(s|m)?", text) if isinstance(text, str) else None
    seconds = float(match[1]) * (60 if match[2] == "m" else 1) if match else 0.0
    if not 0 < seconds <= 86_400:
        raise PydanticCustomError("seconds", "Write a time in seconds (10, 30s) or minutes (2m), above zero.")
    return seconds


_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def _duration(value: Any) -> float:
    text = getattr(value, "text", value)
    match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]+)?)([smhd]?)", text) if isinstance(text, str) else None
    seconds = float(match[1]) * _UNITS[match[2]] if match else -1.0
    if not 0 <= seconds <= 30 * 86_400:
        raise PydanticCustomError("duration", "Write a time such as 90s, 5m, 1h or 2d, at most 30 days.")
    return seconds


def _span(value: Any) -> timedelta:
    text = getattr(value, "text", value)
    match = re.fullmatch(r"([0-9]{1,6})([smhdw])", text) if isinstance(text, str) else None
    seconds = int(match[1]) * (_UNITS | {"w": 7 * 86_400})[match[2]] if match else 0
    if not 0 < seconds <= 3660 * 86_400:
        raise PydanticCustomError("span", "Write a time such as 90d, 48h or 2w, above zero and at most ten years.")
    return timedelta(seconds=seconds)


def _share(value: Any) -> Share:
    text = getattr(value, "text", value)
    match = re.fullmatch(r"([0-9]{1,6}|[0-9]{1,3}\.[0-9]+(?= *%))( *%)?", text) if isinstance(text, str) else None
    if match is None or (match[2] and float(match[1]) > 100):
        raise PydanticCustomError("share", "Write a number of hosts (2), or a share of them (10%).")
    return Share(float(match[1]), percent=match[2] is not None)


def _points(value: Any) -> float:
    text = getattr(value, "text", value)
    match = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]+)?) *%?", text) if isinstance(text, str) else None
    if match is None or float(match[1]) > 100:
        raise PydanticCustomError("points", "Write percentage points, from 0 to 100 (5).")
    return float(match[1])


def _sudo(value: Any) -> bool | str:
    if isinstance(value, bool):
        return value
    if isinstance(value, dict) and set(value) == {"password"} and isinstance(value["password"], str):
        return value["password"]
    raise PydanticCustomError("sudo", "Write true, false or {password: REFERENCE}.")


def _limit(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise PydanticCustomError("number", "Write a number.")
    return float(value)


def _program(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise PydanticCustomError("program", "Write a program and its arguments as a list: [systemctl, restart, pmta].")
    return (_word(value[0]), *(_text(word) for word in value[1:]))


def _answers(value: Any) -> tuple[str, ...]:
    texts = [_text(each) for each in value] if isinstance(value, list) else [""]
    if not all(4 <= len(text.strip()) <= 200 and text.isprintable() for text in texts):
        raise PydanticCustomError("answers", "Write a list of texts of 4 to 200 characters, each on one line.")
    return tuple(texts)


def made_by(function: Any, **json: Any) -> FieldKind:
    """A kind that a function checks and converts."""
    return FieldKind({"type": "function-plain", "function": {"type": "no-info", "function": function}}, json)


def one_of(*words: str) -> FieldKind:
    """One of these words."""
    return FieldKind({"type": "literal", "expected": list(words)}, {"enum": list(words)})


def whole_number(least: int, most: int | None = None) -> FieldKind:
    """A whole number within bounds."""
    core: dict[str, Any] = {"type": "int", "ge": least}
    json: dict[str, Any] = {"type": "integer", "minimum": least}
    if most is not None:
        core["le"] = json["maximum"] = most
    return FieldKind(core, json)


_VERSION: Final = r"[0-9]{1,2}\.[0-9]{1,2}(r[0-9]+)?"
VERSION: Final = made_by(_version, type=["string", "number"], pattern=f"^{_VERSION}$")
REFERENCE: Final = {"$ref": "#/$defs/reference"}
TEXT: Final = made_by(_text, type=["string", "number"])
WORD: Final = made_by(_word, type=["string", "number"])
SECRET: Final = FieldKind(TEXT.core, REFERENCE)
TEXTS: Final = FieldKind({"type": "list", "items_schema": TEXT.core}, {"type": "array", "items": {"type": "string"}})
FLAG: Final = FieldKind({"type": "bool"}, {"type": "boolean"})
SECONDS: Final = made_by(_seconds, type=["number", "string"], pattern="^[0-9.]+[sm]?$")
PERCENT: Final = made_by(_percent, type=["number", "string"], pattern="^[0-9.]+ *%?$")
DURATION: Final = made_by(_duration, type=["number", "string"], pattern="^[0-9.]+[smhd]?$")
SPAN: Final = made_by(_span, type="string", pattern="^[0-9]+[smhdw]$")
SHARE: Final = made_by(_share, type=["number", "string"], pattern="^[0-9.]+ *%?$")
SHARES: Final = FieldKind(
    {"type": "list", "items_schema": SHARE.core, "min_length": 1},
    {"type": "array", "items": SHARE.json, "minItems": 1},
)
POINTS: Final = made_by(_points, type=["number", "string"], pattern="^[0-9.]+ *%?$")
NUMBER: Final = made_by(_limit, type="number")
STATUS: Final = FieldKind(
    {"type": "any"},
    {"type": ["string", "integer", "array"], "items": {"type": "integer"}},
)
PROGRAM: Final = made_by(_program, type="array", minItems=1, items={"type": ["string", "number"]})
ANSWERS: Final = made_by(_answers, type="array", minItems=1, items={"type": "string", "minLength": 4, "maxLength": 200})
SUDO: Final = made_by(
    _sudo,
    anyOf=[
        {"type": "boolean"},
        {
            "type": "object",
            "properties": {"password": REFERENCE},
            "required": ["password"],
            "additionalProperties": False,
        },
    ],
)


def elsewhere(definition: str) -> FieldKind:
    """What is read from nodes by another module; `definition` is its name in the JSON Schema."""
    return FieldKind(None, {"$ref": f"#/$defs/{definition}"})
