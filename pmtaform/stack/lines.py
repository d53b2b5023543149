"""From one directive's value in YAML to its lines."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics import Diagnostics, Place, Severity
from pmtaform.diagnostics.codes.secrets import REFERENCE_AS_VALUE, SECRET_IN_CLEAR
from pmtaform.diagnostics.codes.values import BAD_VALUE, REPEATED_DIRECTIVE, SECTION_NAME, UNSAFE_VALUE, VALUE_SHAPE
from pmtaform.errors import Invalid
from pmtaform.lang.catalogue import DirectiveSpec
from pmtaform.lang.secrecy import holds_secret
from pmtaform.secrets import parse_reference, require_reference
from pmtaform.stack import names, values
from pmtaform.stack.content import StackLine
from pmtaform.stack.nodes import Mapping, Node, Scalar, Sequence, is_null, kind_of
from pmtaform.stack.secrets_in_clear import in_clear, secret_form
from pmtaform.stack.variables import Variables, substitute


def placeholder(reference: str) -> str:
    """The placeholder of a secret, when references are not resolved."""
    return f"(secret {reference})"


_STAND_IN: Final = "0" * 32  # for a secret, where the value before it is checked


class LineMaker:
    """Makes lines. What is wrong goes into `problems`, and the line is omitted."""

    def __init__(self, problems: Diagnostics) -> None:
        self.problems = problems

    def lines(self, name: str, spec: DirectiveSpec, value: Node, scope: str, variables: Variables) -> list[StackLine]:
        """The lines of one directive; several only where they add up."""
        if not isinstance(value, Sequence):
            made = self._line(name, spec, value, scope, variables)
            return [made] if made else []
        if not value.items:
            detail = f"The list of `{name}` is empty. Leave it out, or write null to take a lower layer's away."
            self.problems.report(VALUE_SHAPE, detail, value.place)
            return []
        if spec.accumulates:
            made_lines = [self._line(name, spec, item, scope, variables) for item in value.items]
            return [line for line in made_lines if line]
        if values.is_list(spec):
            joined = self._joined(spec.name, value, variables)
            line = joined and self._checked(name, joined, scope, value.place)
            return [line] if line else []
        if len(value.items) == 1:
            made = self._line(name, spec, value.items[0], scope, variables)
            return [made] if made else []
        detail = f"`{spec.name}` has one value, and here are {len(value.items)}; PowerMTA would take one of them. "
        self.problems.report(REPEATED_DIRECTIVE, detail + "Keep one.", value.place)
        return []

    def named(
        self, name: str, spec: DirectiveSpec, key: Scalar, value: Node, scope: str, variables: Variables
    ) -> StackLine | None:
        """The line of `domain-macro: {name: …}`."""
        if len(name.split()) != 1 or values.text_problem(name):
            self.problems.report(SECTION_NAME, f"`{name!r}` is not one word.", key.place)
            return None
        if isinstance(value, Sequence):
            text = self._joined(spec.name, value, variables)
        else:
            text = self._text(spec.name, value, variables)
        return None if text is None else self._checked(spec.name, f"{name} {text}", scope, value.place)

    def rule(self, tag: str, item: Node, variables: Variables) -> tuple[str, Place] | None:
        """One rule of a list, as a line."""
        text = self._text(f"<{tag}>", item, variables)
        if text is None:
            return None
        node, problem = values.rule_of(text)
        if node is None:
            detail = f"This rule of <{tag}> cannot be written: {problem}"
            self.problems.report(UNSAFE_VALUE, detail, item.place)
        elif names.meaning(tag, node.name).directive is None:
            self.problems.add(names.unknown_name(tag, node.name, item.place, severity=Severity.ERROR, section=False))
        elif wrong := values.value_problem(tag, node.name, node.value):
            self.problems.report(BAD_VALUE, wrong, item.place)
        else:
            return text, item.place
        return None

    # -- one value -------------------------------------------------------------------------------------------------

    def _line(self, name: str, spec: DirectiveSpec, node: Node, scope: str, variables: Variables) -> StackLine | None:
        if isinstance(node, Mapping):
            return self._secret(name, spec, node, scope, variables)
        text = self._text(name, node, variables)
        if text is None:
            return None
        if not text and isinstance(node, Scalar):
            text = '""'  # what PowerMTA calls the empty value
        if spec.sensitive and _is_reference(text if spec.sensitive == "value" else text.partition(" ")[2].strip()):
            detail = f"PowerMTA would get this text itself as the value of `{spec.name}`, and no secret would be read. "
            detail += f"Write {secret_form(spec)}."
            self.problems.report(REFERENCE_AS_VALUE, detail, node.place)
            return None
        line = self._checked(name, text, scope, node.place)
        if line and holds_secret(spec, text):
            self.problems.report(SECRET_IN_CLEAR, in_clear(spec), node.place)
        return line

    def _text(self, name: str, node: Node, variables: Variables) -> str | None:
        if is_null(node) or not isinstance(node, Scalar):
            detail = f"`{name}` has {kind_of(node)} where one value belongs. PowerMTA's values are texts."
            self.problems.report(VALUE_SHAPE, detail, node.place)
            return None
        text = substitute(node, variables, self.problems)
        if text is None:
            return None
        return text.strip(" \t\n") if node.style in "|>" and node.style else text.strip(" \t")

    def _joined(self, name: str, value: Sequence, variables: Variables) -> str | None:
        texts = [self._text(name, item, variables) for item in value.items]
        for text, item in zip(texts, value.items, strict=True):
            if text is not None and (not text or "," in text):
                detail = f"An entry of the list of `{name}` is empty or has a comma, which separates entries."
                self.problems.report(VALUE_SHAPE, detail, item.place)
                return None
        return None if None in texts or not texts else ", ".join(text for text in texts if text)

    def _checked(self, name: str, text: str, scope: str, place: Place) -> StackLine | None:
        if problem := values.line_problem(name, text):
            detail = f"The value of `{name}` cannot be written: {problem}"
            self.problems.report(UNSAFE_VALUE, detail, place)
            return None
        if wrong := values.value_problem(scope, name, text):
            self.problems.report(BAD_VALUE, wrong, place)
            return None
        return StackLine(name.lower() if not name.startswith("/") else name, text, place)

    # -- secrets -----------------------------------------------------------------------------------------------------

    def _secret(
        self, name: str, spec: DirectiveSpec, node: Mapping, scope: str, variables: Variables
    ) -> StackLine | None:
        expected = {"secret"} if spec.sensitive == "value" else {"value", "secret"}
        if spec.sensitive is None or set(node.entries) != expected:
            wanted = f"Write {secret_form(spec)}." if spec.sensitive else "Write its value as text."
            detail = f"`{name}` has a mapping where its value belongs. {wanted}"
            if spec.sensitive is None and "secret" in node.entries:
                detail = f"`{name}` is not a secret of PowerMTA: plans show its value. {wanted}"
            self.problems.report(VALUE_SHAPE, detail, node.place)
            return None
        reference_node = node.entries["secret"][1]
        text = self._text(name, reference_node, variables)
        before = self._text(name, node.entries["value"][1], variables) if "value" in node.entries else ""
        if text is None or before is None:
            return None
        try:
            reference = require_reference(text, what=f"the secret of {name}", place=reference_node.place)
        except Invalid as error:
            self.problems.extend(error.diagnostics)
            return None
        if before and not self._checked(name, f"{before} {_STAND_IN}", scope, node.place):
            return None  # `siphash` alone would lack the key that the secret is
        return StackLine(name.lower(), before, reference_node.place, str(reference))


def _is_reference(text: str) -> bool:
    try:
        return parse_reference(text) is not None
    except Invalid:
        return True
