"""DKIM keys: their files, and the lines that make PowerMTA sign with them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from signing_keys import pem
from stack_project import Project

from pmtaform.secrets import Secret
from pmtaform.stack import compile_host, load_stack, render

StackOf = Callable[[str], Project]
KEY = "{private-key: 'env:K'}"


def lines(project: Project) -> list[str]:
    desired = compile_host(load_stack(project.folder), "mta1")
    return [line.strip() for line in render(desired)[desired.config].splitlines() if "domain-key" in line]


def test_a_key_has_a_file_and_signs_for_all(stack_of: StackOf) -> None:
    stack = load_stack(stack_of(f"dkim-keys: {{example.com/s1: {KEY}}}").folder)
    desired = compile_host(stack, "mta1", lambda reference, _: Secret(pem().rstrip(), reference))
    (key,) = desired.keys
    assert (key.path, key.mode, str(key.address)) == (
        "/etc/pmta/dkim/s1.example.com.pem",
        0o600,
        "dkim-key[example.com/s1]",
    )
    assert key.private_key is not None
    assert key.private_key.reveal() == pem()
    assert key.description == "RSA 2048"
    assert [str(address) for address in desired.blocks] == ["setting[domain-key]"]


def test_keys_for_all_domains_come_last_and_no_line_twice(stack_of: StackOf) -> None:
    project = stack_of(
        "dkim-keys: {'*/z': {private-key: 'env:K', path: /etc/pmta/z.pem}, "
        f"a.example/s1: {KEY}, b.example/s1: {KEY}}}\n"
        "config: {domain-key: ['s0,c.example,/etc/pmta/c.pem', 'x,*,/etc/pmta/x.pem', "
        "'s1, a.example, /etc/pmta/dkim/s1.a.example.pem']}\n"
    )
    assert lines(project) == [
        "domain-key s0,c.example,/etc/pmta/c.pem",
        "domain-key s1, a.example, /etc/pmta/dkim/s1.a.example.pem",
        "domain-key s1,b.example,/etc/pmta/dkim/s1.b.example.pem",
        "domain-key x,*,/etc/pmta/x.pem",
        "domain-key z,*,/etc/pmta/z.pem",
    ]


def test_a_key_joins_the_lines_of_a_native_file(stack_of: StackOf) -> None:
    project = stack_of(f"native: [n.conf]\ndkim-keys: {{a.example/s1: {KEY}}}\n")
    project.write("domain-key x,*,/etc/pmta/x.pem\n", "n.conf")
    assert lines(project) == [
        "domain-key s1,a.example,/etc/pmta/dkim/s1.a.example.pem",
        "domain-key x,*,/etc/pmta/x.pem",
    ]


def test_layers_replace_fields_and_take_keys_away(project: Project) -> None:
    project.write(
        "hosts: {mta1: {transport: local, root: r, dkim-keys: {a.example/s1: {path: /etc/pmta/own.pem}, "
        f"b.example/s1: null}}}}}}\ndkim-keys: {{a.example/s1: {KEY}, b.example/s1: {KEY}}}\n"
    )
    assert lines(project) == ["domain-key s1,a.example,/etc/pmta/own.pem"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{'../x/s1': {private-key: 'env:K'}}", "dkim-name"),
        ("{'a.example/..': {private-key: 'env:K'}}", "dkim-name"),
        ('{"a.example\\n/s": {private-key: "env:K"}}', "dkim-name"),
        ("{'a.example/$(id)': {private-key: 'env:K'}}", "dkim-name"),
        ("{'*/s1': {private-key: 'env:K'}}", "dkim-path"),
        ("{a.example/s1: {}}", "missing-key"),
        ("{a.example/s1: {private-key: 'env:K', path: /root/x}}", "path-not-allowed"),
        ("{a.example/s1: {private-key: 'env:K', path: /etc/pmta/../x}}", "path-not-allowed"),
        ("{a.example/s1: {private-key: 'env:K', path: '/etc/pmta/a,b'}}", "path-not-allowed"),
        ("{a.example/s1: {private-key: 'env:K', path: /etc/pmta/config}}", "dkim-path"),
        ("{a.example/s1: {private-key: 'env:K', owner: '-R root'}}", "dkim-owner"),
        ("{a.example/s1: {private-key: 'env:K', signs: [missing]}}", "unknown-signer"),
        ("{a.example/s1: {private-key: '-----BEGIN PRIVATE KEY-----'}}", "secret-in-clear"),
        (
            "{a.example/s1: {private-key: 'env:K', path: /etc/pmta/k}, "
            "b.example/s1: {private-key: 'env:K', path: /etc/pmta/k}}",
            "dkim-path",
        ),
    ],
)
def test_what_is_wrong_with_a_key(stack_of: StackOf, text: str, code: str) -> None:
    assert stack_of(f"dkim-keys: {text}\n").codes() == [code]
