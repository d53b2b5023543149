"""Check native text inside a stack: by the catalogue, and that it stays inside its section."""

from __future__ import annotations

from collections.abc import Sequence
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
from pmtaform.lang.catalogue import GLOBAL, catalogue
from pmtaform.lang.parsing import parse
from pmtaform.lang.parsing.different import PlainLine, different_lines
from pmtaform.lang.secrecy import holds_secret
from pmtaform.lang.tree import Directive, Node, Section, Tree
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
    # The lines of a large file repeat, so each different one is looked at first; most files have nothing to report.
    if not all(_is_right(line, is_inside=inside is not None) for line in different_lines(tree)):
        _Check(tree, severity, problems, inside).nodes(tree.scope, tree.children)


def _is_right(line: PlainLine, *, is_inside: bool) -> bool:
    """Whether there is nothing to report of a line."""
    known = names.meaning(line.scope, line.name)
    if line.is_section:
        is_nested = line.scope != GLOBAL and not line.value
        return known.section is not None and (is_nested or not lang_values.argument_problem(line.name, line.value))
    spec = known.directive
    if spec is None or (is_inside and holds_secret(spec, line.value)):
        return False
    return not values.value_problem(line.scope, line.name, line.value)


class _Check:
    """Reports problems at each line that has one."""

    def __init__(self, tree: Tree, severity: Severity, problems: Diagnostics, inside: str | None) -> None:
        self._tree = tree
        self._severity = severity
        self._problems = problems
        self._inside = inside

    def nodes(self, scope: str, nodes: Sequence[Node]) -> None:
        """Report problems in nodes that are in one scope, in their order."""
        for node in nodes:
            if isinstance(node, Directive):
                self._directive(scope, node)
            elif isinstance(node, Section):
                self._section(scope, node)
                self.nodes(node.tag, node.children)

    def _directive(self, scope: str, node: Directive) -> None:
        spec = names.meaning(scope, node.name).directive
        place = self._tree.place(node.line)
        if spec is None:
            self._problems.add(names.unknown_name(scope, node.name, place, severity=self._severity, section=False))
        elif self._inside is not None and holds_secret(spec, node.value):
            detail = f"{in_clear(spec)} Text cannot name a reference: write this line as `name: value`."
            self._problems.report(SECRET_IN_CLEAR, detail, place)
        elif wrong := values.value_problem(scope, node.name, node.value):
            self._problems.add(BAD_VALUE.diagnostic(wrong, place, severity=self._severity))

    def _section(self, scope: str, node: Section) -> None:
        if names.meaning(scope, node.tag).section is None:
            # A section that cannot stand here would end ours in the joined text: never let it in.
            breaks = self._inside is not None and catalogue().section(node.tag) is not None
            level = Severity.ERROR if breaks else self._severity
            place = self._tree.place(node.line)
            self._problems.add(names.unknown_name(scope, node.tag, place, severity=level, section=True))
        elif (scope == GLOBAL or node.argument) and (wrong := lang_values.argument_problem(node.tag, node.argument)):
            place = self._tree.place(node.line)
            self._problems.add(BAD_VALUE.diagnostic(wrong, place, severity=self._severity))
