r"""Regular expressions as far as a linter can be sure: what no PCRE takes, and what matches everything.

Python's `re` is no judge of PCRE: it refuses much that PCRE takes (`(?-i)` inside, possessive groups, `\Q`). So only
three things are looked at, which every version of PCRE refuses: brackets, parentheses, and a quantifier after nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_TOKEN: Final = re.compile(
    r"""
      \\Q(?:.*?)(?:\\E|\Z)            # quoted
    | \\.                             # escape
    | \\\Z                            # a backslash at the very end
    | \[\^?\]?(?:\\.|\[:\^?[a-z]+:\]|[^\]\\])*\]   # class
    | \[                              # a class that never ends
    | \(\?\#[^)]*\)                   # comment
    | \(\*[A-Z_:=0-9a-z]*\)           # verb
    | \(\?[<=!:>|&a-zA-Z^'0-9+-][<=!]? # group with a prefix
    | \( | \) | [*+?|]
    | \{[0-9]*,?[0-9]*\}
    | [^\\\[(){}*+?|]+ | .
    """,
    re.VERBOSE | re.DOTALL,
)
_PLAIN: Final = re.compile(r"(?:[^\\\[\](){}*+?|]|\\[^QE])*")
_ANYTHING: Final = re.compile(r"(\^?)((?:(?:\\.|[^\\()\[\]|*+?{}^$])\*\??)*)(\$?)", re.DOTALL)
_WHOLE: Final = re.compile(r"(?:\.\*\??)+")


@lru_cache(maxsize=1 << 14)
def regex_problem(body: str) -> str | None:
    """What is certainly broken in the regular expression between the slashes; None when nothing is."""
    if _PLAIN.fullmatch(body):
        return None
    depth = 0
    repeatable = False
    for match in _TOKEN.finditer(body):
        symbol = match[0]
        if symbol == "[":
            return "a character class [ is never closed with ]"
        if symbol == "(" or (symbol.startswith("(?") and not symbol.startswith("(?#")):
            depth += 1
            repeatable = len(symbol) > 1  # after a prefix that was not read to its end, nothing is called wrong
        elif symbol == ")":
            depth -= 1
            if depth < 0:
                return "a parenthesis ) closes nothing"
            repeatable = True
        elif symbol in ("*", "+", "?"):
            if not repeatable:
                return f"the {symbol} has nothing before it to repeat"
        else:
            repeatable = symbol != "|"
    return "a parenthesis ( is never closed" if depth else None


def split_regex(text: str) -> tuple[str, str, str] | None:
    """What is before the slashes, between them, and after: of a rule's text. None without a whole regex."""
    start = text.find("/")
    if start < 0:
        return None
    end = text.rfind("/")
    if end <= start:
        return None
    return text[:start], text[start + 1 : end], text[end + 1 :]


def matches_everything(body: str) -> bool:
    """Whether it matches every text, the empty one too: `//`, `/.*/`, `/@*/`."""
    if body in ("", "^", "$"):
        return True
    match = _ANYTHING.fullmatch(body)
    if match is None:
        return False
    return not (match[1] and match[3]) or _WHOLE.fullmatch(match[2]) is not None


def matches_every_text(body: str) -> bool:
    """Whether it matches every text that is not empty."""
    return matches_everything(body) or body in (".", ".+", "^.", "^.+", "^.+$", ".+$", ".$", r"\S", r"\S+")


def is_glob(body: str) -> bool:
    """Whether it looks like a file pattern rather than a regular expression: `@*`, `*@example.com`."""
    return body.startswith(("*", "^*")) or (re.search(r"@\*|(?<![\\\])}.])\*@", body) is not None and "[" not in body)
