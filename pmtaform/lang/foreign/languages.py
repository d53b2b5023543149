"""Files of other languages, recognised by what PowerMTA's own never has: YAML, JSON, XML, scripts, and the like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.tree import Directive, Section, Tree

# Not .sh, .py, .pl and the like: they end domains too, and files of domains are called by them.
_SUFFIXES: Final = {
    ".yaml": "YAML", ".yml": "YAML", ".json": "JSON", ".toml": "TOML", ".xml": "XML", ".html": "HTML", ".htm": "HTML",
    ".bash": "a shell script", ".zsh": "a shell script", ".php": "PHP", ".js": "JavaScript", ".sql": "SQL",
    ".csv": "CSV", ".pem": "a key or a certificate", ".crt": "a key or a certificate",
}  # fmt: skip
_YAML_LINE: Final = re.compile(r"""(?:["'][^"']*["']|[^\s:#<>/{}"'][^\s:#<>{}"']*)[ \t]*:(?:\s|$)|-(?:\s|$)|[\]}]""")
_HEREDOC: Final = re.compile(
    r"""^[ \t]*[\w./-]+[^#\n<]*<<-?[ \t]*(["']?)[A-Za-z_]\w*\1[ \t]*(?:[|>].*)?$""", re.MULTILINE
)
_SHELL_SET: Final = re.compile(r"^set -[a-z]*[eux][a-z]*(?:[ \t].*)?$", re.MULTILINE)
_XML: Final = re.compile(
    r"""<(?:\?xml\b|!DOCTYPE\b|[\w:-]+(?:\s+[\w:-]+\s*=\s*"[^"]*")+\s*/?>|html\s*>)""", re.IGNORECASE
)
_LINE: Final = re.compile(r"^.*$", re.MULTILINE)
_FEW: Final = 4  # one line in this number has to be PowerMTA's


@dataclass(frozen=True, slots=True)
class Foreign:
    """Another language: what it is called ("YAML", "a shell script"), and the line that shows it."""

    language: str
    line: int = 1


def language_of(text: str, path: str = "") -> Foreign | None:
    """The other language that a file is certainly written in; None where it may be PowerMTA's.

    `path` may be empty; a file's suffix counts as much as what is in it.
    """
    named = _SUFFIXES.get(PurePath(path).suffix.lower()) if path else None
    return Foreign(named) if named else _by_content(text)


def _by_content(text: str) -> Foreign | None:
    lines = _code(text)
    number, first = next(lines, (1, ""))
    if text.startswith("#!") and "/" in text.split("\n", 1)[0]:
        return Foreign("a script")
    if not first:
        return None
    stripped = first.strip()
    if _XML.match(stripped):
        return Foreign("XML", number)
    if stripped.startswith("-----BEGIN "):
        return Foreign("a key or a certificate", number)
    if stripped[0] in "{[" and text.rstrip()[-1:] in ("}", "]"):
        return None if re.match(r"\{[{%#]|\[\[", stripped) else Foreign("JSON", number)
    if re.fullmatch(r"\[[\w.:\" -]+\]", stripped):
        return Foreign("INI or TOML", number)
    if _is_yaml(text, first):
        return Foreign("YAML", number)
    for hint, form in (("<<", _HEREDOC), ("set -", _SHELL_SET)):
        if hint in text and (match := form.search(text)):
            return Foreign("a shell script", text.count("\n", 0, match.start()) + 1)
    return None


def _code(text: str) -> Iterator[tuple[int, str]]:
    """The lines that are more than a comment or a blank, with their numbers."""
    for number, match in enumerate(_LINE.finditer(text), 1):  # mostly only the first is asked for
        line = match[0]
        if (body := line.strip()) and not body.startswith("#"):
            yield number, line.rstrip()


def _is_yaml(text: str, first: str) -> bool:
    """Whether every line that is not indented is a key, an item or a mark of YAML; blocks of text are indented."""
    if not (first in ("---", "...") or _YAML_LINE.match(first)):
        return False
    return all(line[0] in " \t" or line in ("---", "...") or _YAML_LINE.match(line) for _, line in _code(text))


def knows_no_line(tree: Tree) -> bool:
    """Whether next to nothing in a file is PowerMTA's, so that its layout is not known."""
    words = list(_words(tree))
    known = sum(1 for word in words if _is_known(word))
    return bool(words) and known * _FEW < len(words)


def _words(tree: Tree) -> Iterator[str]:
    pending = list(tree.children)
    while pending:
        node = pending.pop()
        if isinstance(node, Section):
            yield f"<{node.tag}>"
            pending += node.children
        else:
            yield node.name if isinstance(node, Directive) else ""


def _is_known(word: str) -> bool:
    known = catalogue()
    return known.section(word[1:-1]) is not None if word.startswith("<") else bool(known.anywhere(word))
