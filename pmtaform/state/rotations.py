"""The document of a stack's rotated keys. Times and public keys, never a private one.

It has one selector a line, because people read it in Git. Losing it costs time, never safety: an unknown selector
counts as seen just now.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import PurePath
from typing import Final, NoReturn

from pmtaform.codec import (
    TEXT,
    Codec,
    DecodeError,
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
from pmtaform.diagnostics.codes.rotation import ROTATION_DAMAGED, ROTATION_TOO_NEW
from pmtaform.errors import StateDamaged
from pmtaform.model.rotation import KeyHistory, SelectorLife
from pmtaform.state.backend import KeyHistories

FORMAT: Final = 1
KIND: Final = "pmtaform-rotations"
_SHOWN: Final = "%Y-%m-%dT%H:%M:%SZ"


def _time(value: object) -> datetime:
    try:
        return datetime.strptime(_STAMP.read(value), _SHOWN).replace(tzinfo=UTC)
    except ValueError:
        raise DecodeError("there is no such time") from None


def _seconds(value: object) -> timedelta:
    if type(value) is not int or not 0 <= value < 10**9:
        raise DecodeError("must be a number of seconds")
    return timedelta(seconds=value)


def _history(current: str | None, lives: tuple[SelectorLife, ...]) -> KeyHistory:
    if len({life.selector for life in lives}) != len(lives):
        raise DecodeError("a selector appears twice", "selectors")
    return KeyHistory(current=current, lives=lives)


_STAMP = matching(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "a time, as 2026-01-31T12:00:00Z")
_MOMENT: Codec[datetime] = Codec(lambda at: at.astimezone(UTC).strftime(_SHOWN), _time, _STAMP.schema)
_TIMES: Final = ("generated", "published", "verified", "signed", "stopped", "removed", "revoked")
_LIFE = record(
    SelectorLife,
    {"bounce_after": "bounce-after"},
    {**dict.fromkeys(_TIMES), "bounce_after": None, "algorithm": "", "public": ""},
    selector=TEXT,
    **dict.fromkeys(_TIMES, _MOMENT),
    bounce_after=Codec(lambda span: int(span.total_seconds()), _seconds, {"type": "integer", "minimum": 0}),
    algorithm=TEXT,
    public=matching("[A-Za-z0-9+/=]{0,2048}", "a public key in base64"),
)
_KEYS = table(record(_history, {"lives": "selectors"}, current=optional(TEXT), lives=several(_LIFE)))


def encode(stack: str, histories: KeyHistories) -> bytes:
    """The whole file, one selector a line. ASCII; the same histories always give the same bytes."""
    document = {"format": FORMAT, "kind": KIND, "stack": stack, "keys": _KEYS.write(histories)}
    return f"{laid_out(document, indent=0, levels=4)}\n".encode("ascii")


def decode(content: bytes, *, file: str, stack: str) -> KeyHistories:
    """The histories that `content` holds. `file` is named in errors; `stack` is whose they must be.

    Raises `StateDamaged`: `rotation-too-new` for a later format, `rotation-damaged` for all else.
    """
    try:
        document = an_object(load_json(content.decode("utf-8")))
        _refuse_later_format(document.get("format"), file)
        return _histories(document, stack)
    except DecodeError as wrong:
        damaged(f"{wrong.place}: {wrong.problem}" if wrong.path else wrong.problem, file)
    except (ValueError, RecursionError):
        damaged("it is not JSON in UTF-8", file)


def damaged(problem: str, file: str) -> NoReturn:
    """Raise `StateDamaged` for a history that is not readable."""
    detail = (
        f"{PurePath(file).name}: {problem}. Restore it from Git, or move it away: an unknown record counts as "
        "first seen now, so keys stay longer than they must, and none is used or removed too early."
    )
    raise StateDamaged.of(ROTATION_DAMAGED, detail, place=Place(file))


def _refuse_later_format(format_: object, file: str) -> None:
    if type(format_) is int and format_ > FORMAT:
        detail = f"It has format {format_}, and this pmtaform reads formats up to {FORMAT}. Upgrade pmtaform here; "
        detail += "nothing was read or changed."
        raise StateDamaged.of(ROTATION_TOO_NEW, detail, place=Place(file))


def _histories(document: dict[str, object], stack: str) -> KeyHistories:
    for name in ("format", "kind", "stack", "keys"):
        if name not in document:
            raise DecodeError(f'"{name}" is missing')
    for name in document.keys() - {"format", "kind", "stack", "keys"}:
        raise DecodeError("unknown entry", name)
    if document["format"] != FORMAT or document["kind"] != KIND:
        raise DecodeError("it is no history of rotations")
    if document["stack"] != stack:
        raise DecodeError("it is that of another stack")
    try:
        return _KEYS.read(document["keys"])
    except DecodeError as wrong:
        raise wrong.within("keys") from None
