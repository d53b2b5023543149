"""How the package uses the table: codes are constants, and the class of an error follows the kind of its code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import pmtaform
import pmtaform_emulator
from pmtaform import errors
from pmtaform.diagnostics import Definition, Kind
from pmtaform.diagnostics.registry import table
from pmtaform.errors import PmtaformError
from pmtaform.lang.lint import rules
from pmtaform.plan.dangers.table import consent_kinds

ROOT = Path(pmtaform.__file__).parent
EMULATOR = Path(pmtaform_emulator.__file__).parent
CONSTANTS = {code.upper().replace("-", "_"): known for code, known in table().items()}
CLASSES = {
    name: value for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, PmtaformError)
}
# Where diagnostics are made from data: the table itself, and the reader of plan files.
MAKERS = ("diagnostics/definition.py", "plan/document.py")
# Where rules and checks are registered by name, and kinds of failures have their words.
TABLES = ("lang/lint/table.py", "plan/dangers/table.py", "diagnostics/kinds.py")
# Codes with a hyphen: of diagnostics, of lint rules, of dangers. Those without are words of many things.
SPELLED = {code for codes in (table(), rules(), consent_kinds()) for code in codes if "-" in code}
# Codes that are also a name of PowerMTA, of a stack, of a host's answer, or of what `effective` assumes.
HOMONYMS = {
    "connect-timeout",
    "dkim-algorithm",
    "dkim-key",
    "for-each",
    "rollback-failed",
    "rolled-back",
    "ssh-config",
    "unknown-directive",
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for root in (ROOT, EMULATOR):
        for path in sorted(root.rglob("*.py")):
            yield path.relative_to(root).as_posix(), ast.parse(path.read_text("utf-8"))


def calls(tree: ast.Module) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def test_only_the_table_makes_diagnostics() -> None:
    found = [
        f"{name}:{call.lineno}"
        for name, tree in modules()
        if name not in MAKERS
        for call, function in calls(tree)
        if function == "Diagnostic"
    ]
    assert found == [], "write CONSTANT.diagnostic(detail)"


def code_literals(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Literals that are codes, with their lines: compared, in a container, a key, a case, an argument."""
    declared = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) or (isinstance(node, ast.keyword) and node.arg == "code")
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value in SPELLED and id(node) not in declared:
            yield node.lineno, str(node.value)


def compared_codes(tree: ast.Module) -> Iterator[int]:
    """The lines on which an attribute `code` is compared with a literal, or matched against one."""
    for node in ast.walk(tree):
        sides: list[ast.AST] = []
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
        elif isinstance(node, ast.Match):
            sides = [node.subject, *(case.pattern for case in node.cases)]
        is_code = any(isinstance(side, ast.Attribute) and side.attr == "code" for side in sides)
        literals = (each.value for side in sides for each in ast.walk(side) if isinstance(each, ast.Constant))
        if is_code and any(isinstance(text, str) and text for text in literals):
            yield node.lineno


def test_no_code_is_written_as_a_string() -> None:
    found = [
        f"{name}:{line} {text}"
        for name, tree in modules()
        if name not in TABLES
        for line, text in code_literals(tree)
        if text not in HOMONYMS
    ]
    assert found == [], "use the constant: CONSTANT.describes(diagnostic), CONSTANT.code, or the rule"


def test_no_code_is_compared_with_a_string() -> None:
    """Short codes, such as `restart`, are also words of other things; where a `code` is compared, they are not."""
    found = [f"{name}:{line}" for name, tree in modules() for line in compared_codes(tree)]
    assert found == [], "compare with a constant of the table: CONSTANT.describes(diagnostic)"


@pytest.mark.parametrize(
    "source",
    [
        'x.code == "host-busy"',
        '"host-busy" in codes',
        'codes = {"host-busy", other}',
        'codes = {"host-busy": 1}',
        'codes = ["host-busy"]',
        'codes.get("host-busy")',
        'table["host-busy"]',
        'STOP = "host-busy"',
        'match code:\n    case "host-busy":\n        pass',
        'match code:\n    case "other" | "no-log-file":\n        pass',
        'x = {"rate-raised": 1}',
    ],
)
def test_each_way_to_write_a_code_is_found(source: str) -> None:
    assert list(code_literals(ast.parse(source)))


@pytest.mark.parametrize("source", ['x.code == "restart"', 'x.code in ("a", b)', 'match x.code:\n case "a": pass'])
def test_each_way_to_compare_a_code_is_found(source: str) -> None:
    assert list(compared_codes(ast.parse(source)))


def test_the_class_of_an_error_follows_the_kind_of_its_code() -> None:
    wrong = []
    for name, tree in modules():
        for call, function in calls(tree):
            owner, _, method = function.rpartition(".")
            if owner not in CLASSES or method != "of" or not call.args:
                continue
            first = call.args[0]
            known = CONSTANTS.get(first.id if isinstance(first, ast.Name) else getattr(first, "attr", ""))
            kinds = {CLASSES[owner].kind} | ({Kind.BUG} if owner == "PmtaformError" else set())
            if known is not None and known.kind not in kinds:
                wrong.append(f"{name}:{call.lineno} {owner}.of({known.code}): {known.kind}")
    assert wrong == []


def test_each_code_is_used() -> None:
    names = {
        node.id if isinstance(node, ast.Name) else node.attr
        for name, tree in modules()
        if not name.startswith("diagnostics/codes/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
    }
    assert sorted(known.code for constant, known in CONSTANTS.items() if constant not in names) == []


def test_a_kind_survives_an_error() -> None:
    for known in table().values():
        assert known.diagnostic("detail").kind is known.kind
        assert isinstance(known, Definition)
