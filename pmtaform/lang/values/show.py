"""What of a value may be shown, and how."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache, lru_cache

from pmtaform.lang.catalogue import DirectiveSpec, catalogue
from pmtaform.lang.values.text import BLANKS, EMPTY, words

SENSITIVE = "(sensitive)"

_KEY = re.compile(r'"?(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{16,}"?')
# Letters and marks by name, of which nothing is seen: fillers, selectors of variations, the blank of Braille.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_SECRET_NAME = re.compile(r"password|passwd|passphrase|secret|token|api-?key|auth-?user|credential|private-?key")


def mask(spec: DirectiveSpec | None, name: str, value: str) -> str:
    """The value as it may be shown: what is secret is `(sensitive)`; `""` and a missing value stay.

    A directive that is not in the catalogue counts as secret when its name sounds like it.
    """
    if spec is None:
        hidden = "value" if sounds_secret(name) else None
    else:
        hidden = spec.sensitive
    text = value.strip(BLANKS)
    if spec is not None and spec.type == "acl" and text and looks_like_key(words(text)[0]):
        return " ".join([SENSITIVE, *words(text)[1:]])
    if hidden is None or text in ("", EMPTY):
        return value
    if hidden == "second":
        parts = words(text)
        return value if len(parts) < 2 else f"{parts[0]} {SENSITIVE}"
    return SENSITIVE


def looks_like_key(word: str) -> bool:
    """Whether a word that should be a network is a key in the wrong place."""
    return _KEY.fullmatch(word) is not None


@lru_cache(maxsize=4096)
def sounds_secret(name: str) -> bool:
    """Whether an unknown word sounds like a directive that holds a secret: by a part of it, or misspelt."""
    word = name.lower().replace("_", "-")
    if _SECRET_NAME.search(word):
        return True
    return bool(get_close_matches(word, _secret_names(), n=1, cutoff=0.75))


@cache
def _secret_names() -> tuple[str, ...]:
    names = {spec.name for spec in catalogue().directives if spec.sensitive == "value"}
    return (*sorted(names), "passwd", "passphrase", "secret")


def shown(value: str) -> str:
    r"""The value on one line, with everything that a terminal would not print made visible (`\x1b`, `\u202e`).

    A byte that was not UTF-8 (a lone surrogate of `surrogateescape`) is shown as that byte.
    """
    if value.isprintable() and (value.isascii() or not _UNSEEN.search(value)):
        return value
    return "".join(map(_visible, value))


def _visible(char: str) -> str:
    if char.isprintable() and not _UNSEEN.match(char):
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char)
    if named is not None:
        return named
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
