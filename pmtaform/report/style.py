"""How printed text looks: colour, width, cleaning, and a few words that every report uses.

Colour is written by hand: importing rich costs more than planning a host.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import IO

WIDTH = 100

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}

_BEFORE = r"^((?:[^\S\n]|\x1b\[[0-9;]*m)*)"  # blanks and our own colours
_HASHES = re.compile(r"##(?=\w*\[)")
_COLONS = re.compile(_BEFORE + r":(?=:[^\n]*::)", re.MULTILINE)
_FENCE = re.compile(_BEFORE + r"([`~])(?=\2\2)", re.MULTILINE)


class Style:
    """Puts ANSI colour around text, or leaves it as it is."""

    __slots__ = ("_colour",)

    def __init__(self, colour: bool) -> None:
        self._colour = colour

    def __call__(self, text: str, *styles: str) -> str:
        """`text` in one or more of bold, dim, red, green, yellow and cyan."""
        if not self._colour or not text or not styles:
            return text
        return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"


def wants_colour(stream: IO[str], environment: Mapping[str, str] | None = None) -> bool:
    """Whether to colour what goes to `stream`: only on a terminal, and not under NO_COLOR or TERM=dumb."""
    known = os.environ if environment is None else environment
    if known.get("NO_COLOR") or known.get("TERM") == "dumb":
        return False
    return is_terminal(stream)


def is_terminal(stream: IO[str]) -> bool:
    """Whether `stream` is a terminal."""
    try:
        return stream.isatty()
    except ValueError:  # it is closed
        return False


def write(stream: IO[str], text: str, *, exact: bool = False) -> None:
    """Write `text`, made `harmless` unless it is to be `exact`.

    A character that the stream's encoding does not have is written as its escape.
    """
    encoding = getattr(stream, "encoding", None) or "utf-8"
    text = text if exact else harmless(text)
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))


def harmless(text: str) -> str:
    r"""A report in which no line is a command to the pipeline that shows it, or the end of a fence in Markdown.

    GitHub obeys `::error::…` at the beginning of a line, blanks before it or not; it and Azure obey `##[error]` and
    `##vso[…]`, TeamCity `##teamcity[…]`, anywhere. The escapes hold in JSON, where they mean the same character.
    """
    text = text.replace("\x7f", "\\u007f")  # the one control character that `json` leaves
    if "##" in text:
        text = _HASHES.sub(r"#\\u0023", text)
    if "::" in text:
        text = _COLONS.sub(r"\1\\u003a", text)
    if "```" in text or "~~~" in text:
        text = _FENCE.sub(lambda match: f"{match[1]}\\u{ord(match[2]):04x}", text)
    return text


def clean(text: str) -> str:
    r"""`text` on one line, with everything that a terminal would not print made visible (`\x1b`)."""
    if text.isascii() and text.isprintable():  # nearly always; the language is imported only for what is odd
        return text
    from pmtaform.lang.values import shown

    return shown(text)


def clean_lines(text: str) -> list[str]:
    """The lines of `text`, each cleaned; tabs become blanks, empty lines at both ends go."""
    return [clean(line.rstrip("\r").expandtabs(4)) for line in text.strip("\r\n").split("\n")] if text else []


def wrapped(text: str, width: int, indent: str) -> list[str]:
    """Prose, cleaned, broken at blanks to `width` columns, each line behind `indent`."""
    import textwrap

    lines: list[str] = []
    for line in clean_lines(text):
        lines += textwrap.wrap(
            line,
            max(width, len(indent) + 20),
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return lines


def counted(number: int, word: str, plural: str = "") -> str:
    """`1 host`, `2 hosts`, `10,000 hosts`."""
    return f"{number:,} {word if number == 1 else plural or word + 's'}"


def named(names: Sequence[str], most: int = 4) -> str:
    """`mta1, mta2, mta3 and 12 more`: the first few of `names`, cleaned."""
    few = names if len(names) <= most + 1 else names[:most]
    text = ", ".join(clean(name) for name in few)
    return text if len(few) == len(names) else f"{text} and {len(names) - len(few):,} more"


def columns(rows: Sequence[tuple[str, ...]], widest: int = 48) -> list[str]:
    """The rows as lines, cleaned and aligned; a cell wider than `widest` shifts what follows it."""
    cleaned = [[clean(cell) for cell in row] for row in rows]
    widths = [min(widest, max(len(row[n]) for row in cleaned)) for n in range(len(cleaned[0]))]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in cleaned]
