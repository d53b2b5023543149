"""How the package uses the table: codes are constants, and the class of an error follows the kind of its code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pmtaform
from pmtaform import errors
from pmtaform.diagnostics import Definition, Kind
from pmtaform.diagnostics.registry import table
from pmtaform.errors import PmtaformError

ROOT = Path(pmtaform.__file__).parent
CONSTANTS = {code.upper().replace("-", "_"): known for code, known in table().items()}
CLASSES = {
    name: value for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, PmtaformError)
}
# Where diagnostics are made from data: the table itself, and the reader of plan files.
MAKERS = ("diagnostics/definition.py", "plan/document.py")
# What lint rules are called among themselves: their own codes, not those of the table.
RULES = "lang/lint/"


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(ROOT.rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text("utf-8"))


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


def test_no_code_is_compared_with_a_string() -> None:
    found = []
    for name, tree in modules():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Compare):
                continue
            sides = [node.left, *node.comparators]
            is_code = any(isinstance(side, ast.Attribute) and side.attr == "code" for side in sides)
            texts = [
                each.value
                for side in sides
                for each in ast.walk(side)
                if isinstance(each, ast.Constant) and isinstance(each.value, str) and each.value
            ]
            if is_code and texts and not name.startswith(RULES):
                found.append(f"{name}:{node.lineno} {texts}")
    assert found == [], "compare with a constant of the table: CONSTANT.describes(diagnostic)"


def test_no_set_of_codes_is_spelled_out() -> None:
    codes = {code for code in table() if "-" in code}
    found = [
        f"{name}:{node.lineno}"
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Set | ast.Tuple | ast.List)
        and len(node.elts) > 1
        and all(isinstance(each, ast.Constant) and each.value in codes for each in node.elts)
    ]
    assert found == [], "write the constants of the table"


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
