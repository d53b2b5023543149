"""The JSON Schema, and the starter stack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pmtaform.diagnostics import Diagnostics
from pmtaform.errors import UsageError
from pmtaform.lang import values
from pmtaform.lang.catalogue import catalogue
from pmtaform.stack import check_stack, compile_host, load_stack, write_starter
from pmtaform.stack.document import read_document
from pmtaform.stack.names import takes_argument
from pmtaform.stack.schema import json_schema

CASES = Path(__file__).parent / "cases"
RIGHT = sorted(path.parent for path in CASES.glob("*/expected"))


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json_schema()


@pytest.fixture(scope="module")
def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(schema)


def document(folder: Path) -> Any:
    return read_document(folder, "x", Diagnostics()).root.value()


def test_the_schema_is_one(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)


def test_every_directive_and_section_is_in_it(schema: dict[str, Any]) -> None:
    definitions = schema["$defs"]
    for spec in catalogue().directives:
        for scope in spec.scopes:
            place = definitions["config" if scope == "global" else f"inside-{scope}"]
            if spec.name != "/REGEX/":
                assert (
                    spec.summary in place["properties"][spec.name]["description"] or spec.name in catalogue().sections
                )


def test_every_default_that_the_tool_takes_fits_it(validator: Draft202012Validator) -> None:
    for spec in catalogue().directives:
        if spec.default and values.problem(spec, spec.default) is None:
            for scope in spec.scopes:
                inside = {spec.name: spec.default}
                config = inside if scope == "global" else None
                if config is None and takes_argument(catalogue().sections[scope], "global"):
                    config = {scope: {"x": inside}}
                elif config is None:
                    config = {scope: inside}
                if scope != "email-patterns":  # stands only inside another section
                    assert validator.is_valid({"config": config}), (scope, spec.name)


@pytest.mark.parametrize("case", RIGHT, ids=lambda path: path.name)
def test_stacks_that_are_right_fit_it(case: Path, validator: Draft202012Validator) -> None:
    assert [error.json_path for error in validator.iter_errors(document(case))] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"hostss": {}},
        {"config": {"postmastr": "x"}},
        {"config": {"domain": {"x": {"max-smtp-outt": 1}}}},
        {"config": {"domain": {"x": {"dkim-sign": "perhaps"}}}},
        {"config": {"virtual-mta": "x"}},
        {"hosts": {"a": {"prot": 22}}},
        {"hosts": {"a": {"port": "22"}}},
        {"dkim-keys": {"a/b": {"private-key": "hunter2"}}},
        {"unmanaged": "delete"},
    ],
)
def test_what_is_wrong_does_not_fit_it(wrong: Any, validator: Draft202012Validator) -> None:
    assert not validator.is_valid(wrong)


@pytest.mark.parametrize(
    "right",
    [
        {"config": {"domain": {"x": {"dkim-sign": "${sign}", "max-smtp-out": None}, "y": None}, "postmaster": None}},
        {"config": {"domain": {"x": "max-smtp-out 5\n"}, "smtp-pattern-list": {"l": ["reply /x/ mode=backoff"]}}},
        {"config": {"smtp-user": {"a": {"password": {"secret": "env:X"}}}}},
    ],
)
def test_what_is_right_fits_it(right: Any, validator: Draft202012Validator) -> None:
    assert validator.is_valid(right)


def test_the_starter_stack_is_right(tmp_path: Path, validator: Draft202012Validator) -> None:
    folder = tmp_path / "stacks" / "first"
    assert write_starter(folder, "first") == [folder / "main.yaml"]
    stack, result = check_stack(folder)
    assert [str(item) for item in result] == []
    assert list(validator.iter_errors(document(folder))) == []
    assert compile_host(stack, "mta1").blocks
    assert load_stack(folder).name == "first"
    assert (folder / "hosts" / "mta1").is_dir()


@pytest.mark.parametrize("name", ["", "A", "-x", "a/b", "..", "a b"])
def test_a_stack_needs_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        write_starter(tmp_path / "x", name)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    write_starter(tmp_path / "a", "a")
    (tmp_path / "a" / "main.yaml").write_text("mine")
    with pytest.raises(UsageError):
        write_starter(tmp_path / "a", "a")
    assert (tmp_path / "a" / "main.yaml").read_text() == "mine"
