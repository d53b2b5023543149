"""Secrets in raw lines of text, as a diff or a quoted source line shows them.

A raw line has no scope: where any scope takes a directive's value for a secret, it is masked. Comments, commented-out
directives and words that only sound like a secret are treated the same. Too much may be masked, never too little.
"""

from __future__ import annotations

import re
from functools import cache

from pmtaform.lang.catalogue import DirectiveSpec, catalogue
from pmtaform.lang.values.show import SENSITIVE, looks_like_key, mask, shown, sounds_secret
from pmtaform.secrets import is_scheme

_SOUNDING = r"password|passwd|passphrase|secret|token|api[-_]?key|auth[-_]?user(?:name)?|credential|private[-_]?key"
_ENDS = re.compile("([\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029])")  # where another program may see a line end
_HEAD = re.compile(r"(\s*)([^\s=:]+)(?:([\s=:]+)(.*))?", re.DOTALL)
_FIRST_WORD = re.compile(r'(?:"[^"]*"|[^" \t]+)(?:[ \t]|$)')
_RULE = re.compile(r"\s*/(?:/|.*/)")  # a line that begins with a regular expression; `//` is the empty one
_KEY = re.compile(r"""[\w-]+(?=["']?[ \t]*:(?:[ \t]|$))""")
_REFERENCE = re.compile(r"""["']?([a-z][a-z0-9-]*):""")


def masked_line(raw: str) -> str:
    """A line of a configuration file as it may be shown: secrets masked, control characters made visible."""
    body = raw.rstrip("\r\n")
    return "".join(_clean(piece if _ENDS.fullmatch(piece) else _line(piece)) for piece in _ENDS.split(body))


def masked_source(raw: str) -> str:
    """A line of a stack's YAML as it may be shown. References to secrets (`keyring:…`) are not secrets, and stay."""
    return _clean(_after_words(raw.rstrip("\r\n"), keep_references=True))


def _clean(text: str) -> str:
    return "\t".join(shown(part) for part in text.split("\t"))


def _line(text: str) -> str:
    """One line, piece by piece between the marks of comments.

    What follows a piece with a secret is masked too: the mark may be in the secret itself.
    """
    pieces = text.split("#")
    for number, piece in enumerate(pieces):
        pieces[number], secret = _piece(piece)
        if secret:
            rest = [] if number + 1 == len(pieces) else [" " + SENSITIVE]
            return "#".join(pieces[: number + 1] + rest)
    return "#".join(pieces)


def _piece(text: str) -> tuple[str, bool]:
    """One directive, tag or remark, masked, and whether it is about a secret."""
    match = _HEAD.fullmatch(text)
    if match is None:
        return _prose(text)
    rule = _RULE.match(text)
    if rule is not None:
        rest, secret = _prose(text[rule.end() :])
        return rule[0] + rest, secret
    name, value = _bare(match[2]), match[4] or ""
    specs = catalogue().anywhere(name)
    sensitive = next((spec for spec in specs if spec.sensitive), None)
    if sensitive is not None:
        return text[: len(text) - len(value)] + _value(sensitive, name, value), True
    if specs:
        return _known(text, specs[0], value)
    if value and sounds_secret(name):
        return text[: len(text) - len(value)] + SENSITIVE, True
    if catalogue().section(name.strip("<>/")) and text.rstrip().endswith(">") and text.count(">") == 1:
        return text, False
    return _prose(text)


def _prose(text: str) -> tuple[str, bool]:
    return _after_words(text), _words().search(_bare(text)) is not None


def _value(spec: DirectiveSpec, name: str, value: str) -> str:
    text = value.rstrip()
    if spec.sensitive == "second" and '"' in text and not _FIRST_WORD.match(text):
        return SENSITIVE  # the end of the first word is not known
    return mask(spec, name, text) + value[len(text) :]


def _known(text: str, spec: DirectiveSpec, value: str) -> tuple[str, bool]:
    """A directive without a secret; a name from a macro may indicate one."""
    words = value.split(None, 1)
    if spec.type == "acl" and words and looks_like_key(words[0]):
        return text[: len(text) - len(value)] + " ".join([SENSITIVE, *words[1:]]), False
    if spec.key == "name" and len(words) == 2 and _words().search(_bare(words[0])):
        return text[: len(text) - len(words[1])] + SENSITIVE, True
    return _prose(text) if ";" in value and "/" not in value else (text, False)


def _after_words(text: str, *, keep_references: bool = False) -> str:
    """`text` up to the first word that names a secret; what follows it is masked."""
    bare = _bare(text)
    end = _end_of_name(bare, keys=keep_references)
    if end is None:
        return text
    start = end if bare == text else 0
    value = re.match(r"""["']?[\s=:>]*""", text[start:])
    start += value.end() if value else 0
    rest = text[start:]
    if not rest.strip(" \t\"'{}[],|>") or (keep_references and _is_reference(rest)):
        return text
    return text[:start].rstrip() + (" " if start else "") + SENSITIVE


def _is_reference(text: str) -> bool:
    like = _REFERENCE.match(text)
    return like is not None and is_scheme(like[1])


def _end_of_name(text: str, *, keys: bool) -> int | None:
    """Where the first name of a secret ends; among `keys` of YAML also one that is misspelt. None without any."""
    match = _words().search(text)
    named = [key.end() for key in _KEY.finditer(text) if sounds_secret(key[0])] if keys else []
    return min([*named, *([match.end()] if match else [])], default=None)


def _bare(text: str) -> str:
    """Without invisible characters, which could split a name in two."""
    return text if text.isascii() and text.isprintable() else "".join(c for c in text if c.isprintable() or c.isspace())


@cache
def _words() -> re.Pattern[str]:
    """Names of secrets wherever they occur: those of the catalogue, and those that sound like one."""
    names = {spec.name for spec in catalogue().directives if spec.sensitive}
    exact = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])(?:{exact})(?![\w-])|[\w-]*(?:{_SOUNDING})[\w-]*", re.IGNORECASE)
