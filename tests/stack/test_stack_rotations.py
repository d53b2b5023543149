"""`rotation` in a stack: what is read, what is refused, and the keys that its selectors become."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import jsonschema
import pytest
import yaml
from stack_project import Project

from pmtaform.errors import Invalid
from pmtaform.model.rotation import Rotation, WantedSelectors
from pmtaform.stack import compile_host, load_stack, render
from pmtaform.stack.load import check_stack
from pmtaform.stack.references import secret_uses
from pmtaform.stack.rotations import rotated_keys
from pmtaform.stack.schema import json_schema

StackOf = Callable[[str], Project]
KEY = "private-key: 'keyring:dkim/example.com/${selector}', rotation: {every: 90d}"
WANTED = WantedSelectors(files=("s-20260101", "s-20260331"), signing="s-20260101", retired=("s-20251001",))


def test_a_rotation_is_read(stack_of: StackOf) -> None:
    stack = load_stack(stack_of("dkim-keys: {example.com/s: {" + KEY + "}}").folder)
    (key,) = rotated_keys(stack).values()
    assert key.name == "example.com/s"
    assert key.rotation == Rotation(every=timedelta(days=90))
    assert (key.rotation.publish_for, key.rotation.retire_after) == (timedelta(hours=48), timedelta(days=7))
    assert key.reference_of("s-20260101") == "keyring:dkim/example.com/s-20260101"
    assert "mta1" in key.hosts


def test_each_selector_has_its_file_and_one_signs(stack_of: StackOf) -> None:
    project = stack_of("dkim-keys: {example.com/s: {" + KEY + "}}")
    stack = replace(load_stack(project.folder), selectors={"example.com/s": WANTED})
    desired = compile_host(stack, "mta1")
    assert [(key.path, key.reference) for key in desired.keys] == [
        ("/etc/pmta/dkim/s-20260101.example.com.pem", "keyring:dkim/example.com/s-20260101"),
        ("/etc/pmta/dkim/s-20260331.example.com.pem", "keyring:dkim/example.com/s-20260331"),
    ]
    assert render(desired)[desired.config].splitlines() == [
        "domain-key s-20260101,example.com,/etc/pmta/dkim/s-20260101.example.com.pem"
    ]
    assert desired.retired == {"dkim-key[example.com/s-20251001]"}
    assert [use.reference for use in secret_uses(stack)] == [key.reference for key in desired.keys]


def test_without_a_history_there_is_no_key_and_no_line(stack_of: StackOf) -> None:
    desired = compile_host(load_stack(stack_of("dkim-keys: {example.com/s: {" + KEY + "}}").folder), "mta1")
    assert (desired.keys, desired.blocks) == ((), {})


def test_a_path_of_its_own_names_the_selector(stack_of: StackOf) -> None:
    project = stack_of("dkim-keys: {example.com/s: {path: '/etc/pmta/${selector}.pem', " + KEY + "}}")
    stack = replace(load_stack(project.folder), selectors={"example.com/s": WANTED})
    assert [key.path for key in compile_host(stack, "mta1").keys] == [
        "/etc/pmta/s-20260101.pem",
        "/etc/pmta/s-20260331.pem",
    ]


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("private-key: 'keyring:k', rotation: {every: 90d}", "rotation-selector"),
        ("private-key: 'keyring:${selector}', path: /etc/pmta/k.pem, rotation: {every: 90d}", "rotation-selector"),
        ("private-key: 'env:K_${selector}', rotation: {every: 90d}", "rotation-reference"),
        ("private-key: '${selector}', rotation: {every: 90d}", "secret-in-clear"),
        ("rotation: {every: 90d}", "missing-key"),
        ("private-key: 'keyring:${selector}', rotation: {publish-for: 48h}", "missing-key"),
        ("private-key: 'keyring:${selector}', rotation: {every: ninety}", "bad-key-value"),
        ("private-key: 'keyring:${selector}', rotation: {every: 0d}", "bad-key-value"),
        ("private-key: 'keyring:${selector}', rotation: {every: 90}", "bad-key-value"),
        ("private-key: 'keyring:${selector}', rotation: {every: 90d, often: 1d}", "unknown-key"),
        ("private-key: 'keyring:${selector}', rotation: {every: 48h}", "rotation-times"),
        ("private-key: 'keyring:${selector}', rotation: often", "stack-shape"),
    ],
)
def test_what_cannot_be_rotated_is_stated(stack_of: StackOf, key: str, code: str) -> None:
    folder = stack_of("dkim-keys: {example.com/s: {" + key + "}}").folder
    assert {item.code for item in check_stack(folder)[1]} == {code}
    with pytest.raises(Invalid):
        rotated_keys(load_stack(folder))


def test_keys_for_all_domains_and_long_names_are_not_rotated(stack_of: StackOf) -> None:
    folder = stack_of("dkim-keys: {'*/s': {" + KEY + "}, 'example.com/" + "s" * 50 + "': {" + KEY + "}}").folder
    assert [item.code for item in check_stack(folder)[1]] == ["rotation-name"] * 2


def test_all_hosts_of_a_key_are_reported_the_same(project: Project) -> None:
    folder = project.write(
        "stack: demo\ndkim-keys: {example.com/s: {" + KEY + "}}\n"
        "groups: {g: {dkim-keys: {example.com/s: {rotation: {every: 30d}}}}}\n"
        "hosts: {mta1: {transport: local, root: a}, mta2: {transport: local, root: b, groups: [g]}}\n"
    ).folder
    with pytest.raises(Invalid, match="rotation-differs"):
        rotated_keys(load_stack(folder))


def test_a_layer_may_take_rotation_away(project: Project) -> None:
    folder = project.write(
        "stack: demo\ndkim-keys: {example.com/s: {" + KEY + "}}\n"
        "groups: {g: {dkim-keys: {example.com/s: {rotation: null, private-key: 'env:K'}}}}\n"
        "hosts: {mta1: {transport: local, root: a}, mta2: {transport: local, root: b, groups: [g]}}\n"
    ).folder
    stack = load_stack(folder)
    assert [key.hosts for key in rotated_keys(stack).values()] == [("mta1",)]
    assert [key.selector for key in compile_host(stack, "mta2").keys] == ["s"]


def test_the_schema_knows_rotation() -> None:
    valid = jsonschema.Draft202012Validator(json_schema())
    text = "stack: x\ndkim-keys: {example.com/s: {" + KEY + "}}"
    assert list(valid.iter_errors(yaml.safe_load(text))) == []
    assert list(valid.iter_errors(yaml.safe_load(text.replace("every: 90d", "publish-for: 1h")))) != []
