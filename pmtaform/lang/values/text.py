"""Words, quotes, commas and regular expressions inside one value."""

from __future__ import annotations

import re
import string

BLANKS = " \t\r\n"
EMPTY = '""'

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_PLAIN = re.compile(r'"([A-Za-z0-9_.:/@*+=%~^-]+)"')
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[ \t]+|[^" \t]+|"', re.DOTALL)
_WORD = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^" \t]|")+', re.DOTALL)
_REGEX = re.compile(r"(?:^|(?<=[ \t]))/.*/", re.DOTALL)
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_KEPT_CASE = re.compile(r"(\$\{[^}]*\}|\$[A-Za-z0-9_]+|\{[^}]*\})")


def quoted(text: str) -> str | None:
    """What is between the quotes when the whole of `text` is one quoted string; else None."""
    match = _QUOTED.fullmatch(text)
    return None if match is None else match[1]


def unquoted(text: str) -> str:
    """The value as one word: the quotes around the whole of it taken away."""
    inner = quoted(text)
    return text if inner is None else inner


def without_idle_quotes(text: str) -> str:
    """`"name"` as `name`. Quotes that may do something (blanks, escapes, `$`, braces, commas) stay."""
    match = _PLAIN.fullmatch(text)
    return text if match is None else match[1]


def balanced(text: str) -> bool:
    """Whether every double quote that opens is closed."""
    return '"' not in text or all(piece != '"' for piece in _TOKEN.findall(text))


def words(text: str) -> list[str]:
    """The words of `text`; a quoted string is part of one word."""
    return _WORD.findall(text)


def squeezed(text: str) -> str:
    """Runs of blanks as one blank, outside quotes and outside anything that may be a regular expression."""
    text = text.strip(BLANKS)
    if "  " not in text and "\t" not in text:
        return text
    regex = _REGEX.search(text)
    if regex is None:
        return _one_blank(text)
    before, after = text[: regex.start()], text[regex.end() :]
    if not balanced(before):
        return text
    return _one_blank(before) + regex[0] + _one_blank(after)


def _one_blank(text: str) -> str:
    out = []
    for match in _TOKEN.finditer(text):
        piece = match[0]
        if piece == '"':
            out.append(text[match.start() :])
            break
        out.append(" " if piece[0] in " \t" else piece)
    return "".join(out)


def split(text: str, separator: str = ",") -> list[str]:
    """The items of a list, trimmed; separators inside quotes do not count."""
    if '"' not in text:
        return [item.strip(BLANKS) for item in text.split(separator)]
    items = [""]
    for piece in _TOKEN.findall(text):
        if piece[0] == '"':
            items[-1] += piece
            continue
        first, *more = piece.split(separator)
        items[-1] += first
        items.extend(more)
    return [item.strip(BLANKS) for item in items]


def rule_parts(text: str) -> tuple[str, str, str] | None:
    """A line with a regular expression: what is before it, `/regex/`, and the rest. None without one.

    The expression ends at the last slash: nothing that may follow one (actions, targets, categories) holds a
    slash, and an expression may, in `[^/]` for one.
    """
    match = _REGEX.search(text)
    if match is None or len(match[0]) < 2:
        return None
    return text[: match.start()], match[0], text[match.end() :]


def lower_domain(text: str) -> str:
    """A domain or host name in lower case; macros (`$name`) and `{special}` names as they are.

    ASCII letters only: how PowerMTA folds others is not documented.
    """
    if text.isascii() and text.islower() and "$" not in text:
        return text
    if "$" not in text and "{" not in text:
        return text.translate(_LOWER)
    parts = _KEPT_CASE.split(text)
    return "".join(part if i % 2 else part.translate(_LOWER) for i, part in enumerate(parts))


def lower_address(text: str) -> str:
    """A mail address with its domain in lower case; the local part is exact."""
    local, at, domain = text.rpartition("@")
    return local + at + lower_domain(domain) if at else text
