"""Check native text inside a stack: by the catalogue, and that it stays inside its section."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pmtaform.diagnostics import Diagnostics, Place, Severity
from pmtaform.diagnostics.codes.language import (
    MALFORMED_TAG,
    STRAY_CLOSING_TAG,
    TAG_ON_DIRECTIVE_LINE,
    UNCLOSED_SECTION,
)
from pmtaform.diagnostics.codes.secrets import SECRET_IN_CLEAR
from pmtaform.diagnostics.codes.values import BAD_VALUE
from pmtaform.lang import values as lang_values
from pmtaform.lang.catalogue import GLOBAL, DirectiveSpec, catalogue
from pmtaform.lang.parsing import parse
from pmtaform.lang.secrecy import holds_secret
from pmtaform.lang.tree import Directive, Junk, Section, Tree
from pmtaform.stack import names, values
from pmtaform.stack.content import SectionText
from pmtaform.stack.nodes import Scalar
from pmtaform.stack.secrets_in_clear import in_clear
from pmtaform.stack.variables import Variables, substitute

# Errors that let a text reach beyond the section that it is in.
_BREAKS_OUT: Final = (STRAY_CLOSING_TAG, UNCLOSED_SECTION, MALFORMED_TAG, TAG_ON_DIRECTIVE_LINE)


def text_body(
    tag: str, node: Scalar, variables: Variables, severity: Severity, problems: Diagnostics
) -> SectionText | None:
    """The lines of a `|` block inside `<tag>`, checked; None when they would not stay inside."""
    text = substitute(node, variables, problems)
    if text is None:
        return None
    first = node.line + 1
    column = None
    lines = text.rstrip("\n").split("\n")
    places = [Place(node.file, first + i, column) for i in range(len(lines))]
    tree = parse("\n".join(lines) + "\n", node.file, scope=tag, origins=places)
    before = len(problems.errors)
    check_tree(tree, severity, problems, inside=tag)
    if len(problems.errors) > before:
        return None
    return SectionText(
        node.place, [(line.rstrip(), place) for line, place in zip(lines, places, strict=True) if line.strip()]
    )


def check_tree(tree: Tree, severity: Severity, problems: Diagnostics, *, inside: str | None = None) -> None:
    """Report problems in native text: syntax, unknown and misplaced names, wrong values.

    `severity` is that of findings; what breaks out of a section is always an error.
    """
    for error in tree.diagnostics:
        grave = error.is_any_of(*_BREAKS_OUT) and inside is not None
        level = Severity.ERROR if grave else severity
        problems.add(replace(error, severity=level, host=None, address=None))
    for scope, node in tree.walk():
        if isinstance(node, Junk):
            continue
        name = node.name if isinstance(node, Directive) else node.tag
        is_section = isinstance(node, Section)
        known = names.meaning(scope, name)
        if (known.section if is_section else known.directive) is None:
            # A section that cannot stand here would end ours in the joined text: never let it in.
            breaks = inside is not None and isinstance(node, Section) and catalogue().section(name) is not None
            level = Severity.ERROR if breaks else severity
            problems.add(names.unknown_name(scope, name, tree.place(node.line), severity=level, section=is_section))
        elif inside is not None and (spec := known.directive) is not None and _is_secret(spec, node):
            detail = f"{in_clear(spec)} Text cannot name a reference: write this line as `name: value`."
            problems.report(SECRET_IN_CLEAR, detail, tree.place(node.line))
        elif wrong := _wrong(scope, node):
            problems.add(BAD_VALUE.diagnostic(wrong, tree.place(node.line), severity=severity))


def _is_secret(spec: DirectiveSpec, node: Directive | Section) -> bool:
    return isinstance(node, Directive) and holds_secret(spec, node.value)


def _wrong(scope: str, node: Directive | Section) -> str | None:
    if isinstance(node, Directive):
        return values.value_problem(scope, node.name, node.value)
    nested = scope != GLOBAL and not node.argument
    return None if nested else lang_values.argument_problem(node.tag, node.argument)
