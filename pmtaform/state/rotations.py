"""The document of a stack's rotated keys. Times and public keys, never a private one.

It has one selector a line, because people read it in Git. Losing it costs time, never safety: an unknown selector
counts as seen just now.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import PurePath
from typing import Any, Final, NoReturn

from pmtaform.diagnostics import Place
from pmtaform.diagnostics.codes.rotation import ROTATION_DAMAGED, ROTATION_TOO_NEW
from pmtaform.errors import StateDamaged
from pmtaform.model.rotation import KeyHistory, SelectorLife
from pmtaform.state.backend import KeyHistories

FORMAT: Final = 1
KIND: Final = "pmtaform-rotations"
_TIMES: Final = ("generated", "published", "verified", "signed", "stopped", "removed", "revoked")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_SHOWN: Final = "%Y-%m-%dT%H:%M:%SZ"
_PUBLIC: Final = re.compile(r"[A-Za-z0-9+/=]{0,2048}")
_FIELDS: Final = {"selector", *_TIMES, "bounce-after", "public", "algorithm"}


class _Wrong(Exception):
    """What is wrong with a document."""


def encode(stack: str, histories: KeyHistories) -> bytes:
    """The whole file. ASCII; the same histories always give the same bytes."""
    keys = [f"  {json.dumps(name)}: {_shown(histories[name])}" for name in sorted(histories)]
    body = "{\n" + ",\n".join(keys) + "\n }" if keys else "{}"
    head = f'"format": {FORMAT},\n "kind": "{KIND}",\n "stack": {json.dumps(stack)}'
    return f'{{\n {head},\n "keys": {body}\n}}\n'.encode("ascii")


def decode(content: bytes, *, file: str, stack: str) -> KeyHistories:
    """The histories that `content` holds. `file` is named in errors; `stack` is whose they must be.

    Raises `StateDamaged`: `rotation-too-new` for a later format, `rotation-damaged` for all else.
    """
    try:
        tree = json.loads(content.decode("utf-8"), object_pairs_hook=_pairs)
        return _histories(tree, file, stack)
    except _Wrong as wrong:
        damaged(str(wrong), file)
    except (ValueError, RecursionError):
        damaged("it is not JSON in UTF-8", file)


def damaged(problem: str, file: str) -> NoReturn:
    """Raise `StateDamaged` for a history that is not readable."""
    detail = (
        f"{PurePath(file).name}: {problem}. Restore it from Git, or move it away: what is not known counts as "
        "seen just now, so keys stay longer than they must, and none is switched to or taken away too early."
    )
    raise StateDamaged.of(ROTATION_DAMAGED, detail, place=Place(file))


def _histories(tree: object, file: str, stack: str) -> KeyHistories:
    document = _object(tree, {"format", "kind", "stack", "keys"}, "the document")
    found = document["format"]
    if type(found) is int and found > FORMAT:
        detail = f"It has format {found}, and this pmtaform reads formats up to {FORMAT}. Upgrade pmtaform here; "
        detail += "nothing was read or changed."
        raise StateDamaged.of(ROTATION_TOO_NEW, detail, place=Place(file))
    if found != FORMAT or document["kind"] != KIND:
        raise _Wrong("it is no history of rotations")
    if document["stack"] != stack:
        raise _Wrong("it is that of another stack")
    if not isinstance(document["keys"], dict):
        raise _Wrong('"keys" is no object')
    return {name: _history(name, entry) for name, entry in document["keys"].items()}


def _shown(history: KeyHistory) -> str:
    lives = ",\n    ".join(json.dumps(_life_document(life)) for life in history.lives)
    listed = f"[\n    {lives}\n   ]" if lives else "[]"
    return f'{{\n   "current": {json.dumps(history.current)},\n   "selectors": {listed}\n  }}'


def _life_document(life: SelectorLife) -> dict[str, Any]:
    times = {name: at.astimezone(UTC).strftime(_SHOWN) for name in _TIMES if (at := getattr(life, name)) is not None}
    document: dict[str, Any] = {"selector": life.selector, **times}
    if life.bounce_after is not None:
        document["bounce-after"] = int(life.bounce_after.total_seconds())
    if life.public:
        document |= {"algorithm": life.algorithm, "public": life.public}
    return document


def _history(name: str, tree: object) -> KeyHistory:
    entry = _object(tree, {"current", "selectors"}, name)
    current, listed = entry["current"], entry["selectors"]
    if not isinstance(listed, list) or not (current is None or isinstance(current, str)):
        raise _Wrong(f"{name} has another form")
    lives = tuple(_life(name, item) for item in listed)
    if len({life.selector for life in lives}) != len(lives):
        raise _Wrong(f"a selector of {name} stands twice")
    return KeyHistory(current=current, lives=lives)


def _life(name: str, tree: object) -> SelectorLife:
    if not isinstance(tree, dict) or "selector" not in tree or not tree.keys() <= _FIELDS:
        raise _Wrong(f"a selector of {name} has another form")
    selector, public, algorithm = tree["selector"], tree.get("public", ""), tree.get("algorithm", "")
    if not all(isinstance(text, str) for text in (selector, public, algorithm)) or not _PUBLIC.fullmatch(public):
        raise _Wrong(f"a selector of {name} has another form")
    seconds = tree.get("bounce-after")
    if seconds is not None and (type(seconds) is not int or not 0 <= seconds < 10**9):
        raise _Wrong(f"{name}, {selector}: bounce-after is no number of seconds")
    return SelectorLife(
        selector=selector,
        public=public,
        algorithm=algorithm,
        bounce_after=None if seconds is None else timedelta(seconds=seconds),
        **{time: _time(tree[time], f"{name}, {selector}: {time}") for time in _TIMES if time in tree},
    )


def _time(text: object, what: str) -> datetime:
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise _Wrong(f"{what} is no time (2026-01-31T12:00:00Z)")
    try:
        return datetime.strptime(text, _SHOWN).replace(tzinfo=UTC)
    except ValueError:
        raise _Wrong(f"{what} is no time that there is") from None


def _object(tree: object, fields: set[str], what: str) -> dict[str, Any]:
    if not isinstance(tree, dict) or tree.keys() != fields:
        raise _Wrong(f"{what} has not the entries {', '.join(sorted(fields))}")
    return tree


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        raise _Wrong("an entry stands twice")
    return tree
