"""Whether a value or name of a stack is fit to become a line of PowerMTA's configuration.

A value must stay one value: no line break, no comment, nothing that opens or closes a section or goes on in the next
line. That is decided by the parser of the language itself, not by a list of bad characters.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from pmtaform.lang import values as lang_values
from pmtaform.lang.catalogue import DirectiveSpec, catalogue
from pmtaform.lang.parsing import parse
from pmtaform.lang.tree import Directive

_RULES: Final = frozenset({"reply", "mail-from", "rcpt-to", "header"})
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
_ODD_BLANK: Final = re.compile("[\xa0\u1680\u2000-\u200b\u202f\u205f\u3000\ufeff]")
_COMMENT: Final = (
    "a `#` starts a comment there, and everything from it on would be lost. In a regular expression write \\x23; "
    "other values cannot hold it."
)


@lru_cache(maxsize=65536)
def line_problem(name: str, value: str) -> str | None:
    """Why `name value` would not be one line with one directive, or None."""
    if value.isascii() and value.isprintable() and "#" not in value and value[-1:] not in (",", ">", "{", "}", ""):
        if name not in _RULES and name[0] != "/":
            return None
    elif problem := text_problem(value):
        return problem
    tree = parse(f"{name} {value}\n" if value else f"{name}\n")
    node = tree.children[0] if len(tree.children) == 1 else None
    if value.endswith(","):
        return "it ends with a comma: PowerMTA might read the next line as part of it. Remove the comma."
    if (
        isinstance(node, Directive)
        and not tree.diagnostics
        and f"{node.name} {node.value}".strip() == f"{name} {value}".strip()
    ):
        return None
    if tree.diagnostics:
        wrong = tree.diagnostics[0]
        return f"{wrong.summary[0].lower()}{wrong.summary[1:]}. {wrong.detail}"
    return "it opens a section. Write the list as a native text block (`|`)."


@lru_cache(maxsize=4096)
def rule_of(text: str) -> tuple[Directive | None, str]:
    """The rule that a line is, or why it is none."""
    if not text:
        return None, "it is empty."
    if problem := text_problem(text):
        return None, problem
    tree = parse(text + "\n")
    node = tree.children[0] if len(tree.children) == 1 else None
    if not isinstance(node, Directive):
        return None, "it is not a rule. Tags belong into a native text block (`|`)."
    problem = line_problem(node.name, node.value)
    return (None, problem) if problem else (node, "")


def text_problem(text: str) -> str | None:
    """Why a text cannot be on one line of the configuration, or None."""
    if "\n" in text or "\r" in text:
        return "it has a line break: in PowerMTA's configuration a line is a directive. Give a list, or one line."
    if odd := _CONTROL.search(text):
        return f"it has the control character U+{ord(odd.group()):04X}. Remove it."
    if odd := _ODD_BLANK.search(text):
        return f"it has the character U+{ord(odd.group()):04X}, which looks like a blank and is none. Write a blank."
    return f"it has a `#`: {_COMMENT}" if "#" in text else None


def secret_text(name: str, value: bytes) -> str | None:
    """The text that a secret is on the directive's line; None when it is empty or does not fit on one."""
    try:
        text = value.decode("utf-8").strip(" \t")
    except UnicodeDecodeError:
        return None
    # Without the cache: it would keep the text for as long as the process runs.
    return text if text and line_problem.__wrapped__(name, text) is None else None


@lru_cache(maxsize=65536)
def value_problem(scope: str, name: str, value: str) -> str | None:
    """What is wrong with a value by the catalogue, or None."""
    spec = catalogue().directive(scope, name)
    return None if spec is None else lang_values.problem(spec, value)


@lru_cache(maxsize=65536)
def argument_problem(tag: str, argument: str) -> str | None:
    """Why `<tag argument>` cannot be written, or None."""
    if problem := text_problem(argument):
        return f"`{lang_values.shown(argument)}`: {problem}"
    if "<" in argument or ">" in argument:
        return f"`{argument}` holds < or >, which end a tag. No name in PowerMTA needs them."
    return lang_values.argument_problem(tag, argument)


def is_list(spec: DirectiveSpec) -> bool:
    """Whether one line of a directive holds a list."""
    return any(kind == "list" or kind.endswith("-list") or kind == "macro" for kind in spec.types)
