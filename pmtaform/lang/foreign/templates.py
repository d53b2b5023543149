"""Marks of template languages in the text of a configuration.

PowerMTA has no templates. Another program fills them in, so the text is not what PowerMTA reads. A template with logic
(loops, conditions, includes) says little about what it renders; one with plain placeholders says all except their
values.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from pmtaform.lang.catalogue import GLOBAL, catalogue

# What the marks belong to, whether they are logic, and their form. Each form starts with a literal, which is quick to
# look for in a large file.
_LANGUAGES: Final = {
    "erb": ("ERB", True, re.compile(r"<%")),
    "php": ("PHP", True, re.compile(r"<\?(?:php\b|=)")),
    "jinja": ("Jinja", True, re.compile(r"\{(?:%|\#.*\#\})")),
    "handlebars": ("Handlebars", True, re.compile(r"\{\{~?[\#/>!^]")),
    "go": (
        "Go",
        True,
        re.compile(r"\{\{-?\s*(?:range|if|else|end|with|define|template|block|include)(?=[\s}-])"),
    ),
    "mustache": ("{{ }}", False, re.compile(r"\{\{")),
    "shell": ("${ }", False, re.compile(r"\$[A-Z]?\{[A-Za-z_]")),
    "command": ("$( )", False, re.compile(r"\$\([A-Za-z_]")),
    "variable": ("$NAME", False, re.compile(r"\$(?=[A-Za-z_])")),
    "percent": (
        "%NAME%",
        False,
        re.compile(r"%(?<![\w%]%)[A-Z][A-Z0-9_]{2,}%(?!\w)|%(?<!\S%)[A-Za-z][A-Za-z0-9_]{2,}%(?!\S)"),
    ),
    "underscores": (
        "__NAME__",
        False,
        re.compile(r"__(?<![A-Za-z0-9_]__)[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*__(?![A-Za-z0-9_])"),
    ),
    "ats": ("@@NAME@@", False, re.compile(r"@@[A-Za-z][\w.-]*@@")),
    "at": ("@NAME@", False, re.compile(r"@(?<![\w@.]@)[A-Z][A-Z0-9_]{2,}@(?![\w@])")),
    "brackets": ("[[NAME]]", False, re.compile(r"\[\[\s*[A-Za-z_][\w. -]*\]\]")),
    "sed": ("QQQNAMEQQQ", False, re.compile(r"QQQ\w+QQQ")),
}
# Most texts have none of these, and their characters are looked for much faster than their forms.
_STARTS: Final = {
    "erb": "<%", "php": "<?", "jinja": "{", "handlebars": "{{", "go": "{{", "mustache": "{{", "shell": "$",
    "command": "$(", "variable": "$", "percent": "%", "underscores": "__", "ats": "@@", "at": "@", "brackets": "[[",
    "sed": "QQQ",
}  # fmt: skip
_VARIABLE: Final = re.compile(r"\$([A-Za-z][A-Za-z0-9_]+)(?![A-Za-z0-9_])")
_OWN: Final = frozenset({"template", "path-template", "string", "path+secret", "enum+secret"})
_LITERAL: Final = frozenset({"command", "percent", "underscores", "ats", "at", "brackets"})
_ENDS: Final = {
    "{{": re.compile(r"\{\{.*?\}\}+"),
    "{%": re.compile(r"\{%.*?%\}"),
    "{#": re.compile(r"\{#.*?#\}"),
    "<%": re.compile(r"<%.*?%>"),
    "<?": re.compile(r"<\?.*?\?>"),
    "$(": re.compile(r"\$\([^)]*\)?"),
    "$": re.compile(r"\$[A-Z]?(?:\{[^}]*\}?|\w+)"),
}


@dataclass(frozen=True, slots=True)
class Template:
    """A text with marks of templates. `languages` as people call them; `lines` are those with a mark, from 1.

    `mark` is the first one, on `lines[0]`. `has_logic`: the text does not show what it renders to.
    """

    languages: tuple[str, ...]
    lines: tuple[int, ...]
    mark: str
    has_logic: bool


def template_of(text: str) -> Template | None:
    """The marks of templates outside comments; None where there are none."""
    present = [kind for kind, start in _STARTS.items() if all(map(text.__contains__, start)) and start in text]
    marks = sorted(((kind, at) for kind in present for at in _marks(text, kind)), key=lambda mark: mark[1])
    if not marks:
        return None
    kinds = list(dict.fromkeys(kind for kind, _ in marks))
    logic = [kind for kind in kinds if _LANGUAGES[kind][1]]
    ends = [newline.start() for newline in re.finditer("\n", text)]
    lines = tuple(dict.fromkeys(bisect_right(ends, at) + 1 for _, at in marks))
    names = tuple(dict.fromkeys(_LANGUAGES[kind][0] for kind in logic or kinds))
    return Template(names, lines, _mark(text, marks[0][1]), bool(logic))


def _marks(text: str, kind: str) -> Iterator[int]:
    """The places of marks of one kind that mean nothing to PowerMTA."""
    for match in _LANGUAGES[kind][2].finditer(text):
        start = text.rfind("\n", 0, match.start()) + 1
        before = text[start : match.start()]
        word = (before + match[0]).split(None, 1)[0]
        if "#" in before or (kind == "variable" and before.strip() and not _is_shell(text, match.start(), word)):
            continue
        if not _is_own(kind, word) and not (word.lower() in _secrets() and _is_part(text, start, match.start())):
            yield match.start()


def _is_shell(text: str, at: int, word: str) -> bool:
    """Whether `$NAME` inside a line is a variable of a shell or of PHP: no macro can be there or has that name."""
    match = _VARIABLE.match(text, at)
    name = word.lower()
    if match is None or name in _with_macros() or name.startswith(("<domain", "/")):
        return False
    if not match[1].isupper() and (name in _secrets() or not catalogue().anywhere(name)):
        return False
    return re.search(rf"^[ \t]*domain-macro[ \t]+{match[1]}\b", text, re.MULTILINE) is None


@cache
def _with_macros() -> frozenset[str]:
    return frozenset({"domain-macro", "relay-domain", "domain-key", "domain", "queue-to"}) | _rules()


def _is_own(kind: str, word: str) -> bool:
    """Whether the mark means something to PowerMTA in a line that starts with `word`: a variable, or a regex."""
    logic = _LANGUAGES[kind][1]
    if word.startswith("/") or word.lower() in _rules():
        return logic or kind in _LITERAL
    if logic:
        return False
    return word.lower() in _with_variables()


def _is_part(text: str, start: int, at: int) -> bool:
    """Whether a mark is only a part of the value on its line, as chance has it in a password."""
    words = text[start:].split("\n", 1)[0].split(None, 1)
    return len(words) == 2 and words[1].strip(" \t\r\"'") != _mark(text, at).strip("\"'")


@cache
def _secrets() -> frozenset[str]:
    return frozenset(s.name for s in catalogue().directives if s.type == "secret")


@cache
def _with_variables() -> frozenset[str]:
    """Directives whose values may hold any text, or variables of PowerMTA itself."""
    return frozenset(s.name for s in catalogue().directives if s.type in _OWN or s.name == "domain-key")


@cache
def _rules() -> frozenset[str]:
    return frozenset(s.name for s in catalogue().directives if s.type == "rule" and s.scopes != (GLOBAL,))


def _mark(text: str, at: int) -> str:
    """The whole mark, as far as it ends on its line."""
    line = text[at:].split("\n", 1)[0]
    for opening, form in _ENDS.items():
        if line.startswith(opening):
            match = form.match(line)
            return match[0] if match else opening
    match = re.match(r"\S+", line)
    return match[0] if match else ""
