"""Text that comes from hosts, and text that goes to them."""

from __future__ import annotations

import re
import unicodedata

from pmtaform.diagnostics.codes.hosts import CONTROL_CHARACTER_IN_NAME, PATH_NOT_ABSOLUTE
from pmtaform.errors import HostError

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# Letters and marks by name, of which nothing is seen (as in `lang/values/show.py`).
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# Escape sequences are removed completely, so that no "[31m" remains.
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")


def decode(raw: bytes) -> str:
    """Bytes of a host as text; what is not UTF-8 survives the way back through `encode`."""
    return raw.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """The inverse of `decode`."""
    return text.encode("utf-8", "surrogateescape")


def clean(raw: bytes | str, limit: int = 16384) -> str:
    """Text of a host as it may be shown: no control characters but newline and tab, nothing invisible, bounded."""
    text = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
    if text.isascii() and text.isprintable():
        return text[:limit].strip()
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = _UNSEEN.sub("", _CONTROL.sub("", _ESCAPE.sub("", text[: limit * 4])))
    text = "".join(c for c in text if unicodedata.category(c) not in {"Cf", "Cs", "Zl", "Zp"})
    return text[:limit].strip()


def one_line(raw: bytes | str, limit: int = 400) -> str:
    """The same, on one line."""
    return " ".join(clean(raw).split())[:limit]


def plain(value: str) -> str:
    """`value` fit for one line of a request: control characters become spaces. For words meant for people only."""
    return "".join(" " if unicodedata.category(c) == "Cc" else c for c in value).strip()


def checked(value: str, what: str, host: str) -> str:
    """`value` itself; raises `HostError` if it cannot be in a request (control characters, newlines)."""
    if not value.isprintable() and any(unicodedata.category(c) == "Cc" for c in value):
        raise HostError.of(
            CONTROL_CHARACTER_IN_NAME,
            f"{what} {value!r} cannot be sent to a host: use a name without newlines, tabs and the like.",
            host=host,
        )
    return value


def checked_path(path: str, host: str) -> str:
    """An absolute path fit for a request. Raises `HostError`."""
    if not path.startswith("/"):
        raise HostError.of(
            PATH_NOT_ABSOLUTE,
            f"{path!r} does not start with /: name files of a host by their absolute path.",
            host=host,
        )
    return checked(path, "The path", host)
