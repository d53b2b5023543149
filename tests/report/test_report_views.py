"""Every result of a command has a text and a JSON view, side by side, and a line in the table of views."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module
from pathlib import Path

import pytest

import pmtaform.report
from pmtaform.report.views import VIEWS, json_document

FOLDER = Path(pmtaform.report.__file__).parent
LISTED = [(kind, name) for kind, names in VIEWS.items() for name in names]


@pytest.mark.parametrize(("kind", "name"), LISTED, ids=[name for _, name in LISTED])
def test_a_view_has_text_and_json(kind: str, name: str) -> None:
    module, _, attribute = name.partition(":")
    view = getattr(import_module(f"pmtaform.report.{module}"), attribute)
    assert list(inspect.signature(view.text).parameters) == ["self", "screen"]
    assert list(inspect.signature(view.json).parameters) == ["self"]
    assert f"`{kind}`" in view.json.__doc__


def test_every_view_is_in_the_table() -> None:
    views = set()
    for path in FOLDER.glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            methods = {each.name for each in ast.walk(node) if isinstance(each, ast.FunctionDef)}
            if isinstance(node, ast.ClassDef) and node.name != "View" and methods & {"text", "json"}:
                views.add(f"{path.stem}:{node.name}")
    assert views == {name for _, name in LISTED}


def test_every_kind_that_is_written_is_in_the_table() -> None:
    """By the calls that name one; plans, runs and what a rollback undoes have their own codecs."""
    kinds = set()
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "json_document":
                assert isinstance(node.args[0], ast.Constant)
                kinds.add(node.args[0].value)
    assert kinds | {"pmtaform-plan", "pmtaform-run", "pmtaform-undo"} == set(VIEWS)


def test_a_document_begins_with_its_format_and_kind() -> None:
    assert json_document("pmtaform-x", {"a": [1]}) == (
        '{\n "format": 1,\n "kind": "pmtaform-x",\n "a": [\n  1\n ]\n}\n'
    )
