"""Strict YAML: what is read, what is refused, and where the finger points."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmtaform.diagnostics import Diagnostics
from pmtaform.stack.nodes import Mapping, Node, Scalar
from pmtaform.stack.yaml import MAX_DEPTH, read_yaml


def read(text: str | bytes) -> tuple[Node | None, list[tuple[str, int | None, int | None]]]:
    findings = Diagnostics()
    node = read_yaml(text.encode() if isinstance(text, str) else text, "f.yaml", findings)
    return node, [(d.code, d.place.line, d.place.column) for d in findings if d.place]


def value(text: str) -> object:
    node, problems = read(text)
    assert problems == []
    assert node is not None
    return node.value()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("1:30", "1:30"),
        ("012", 12),
        ("0o14", 12),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("~", None),
        ("", None),
        ("'null'", "null"),
        ("2026-01-01", "2026-01-01"),
        ("0/0", "0/0"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, expected: object) -> None:
    assert value(f"a: {text}") == {"a": expected}


@pytest.mark.parametrize("text", ["5.0", "5.10", "010", "1e3", "no", "0/0", "+1"])
def test_the_text_of_a_scalar_is_kept(text: str) -> None:
    node, _ = read(f"a: {text}")
    assert isinstance(node, Mapping)
    scalar = node.get("a")
    assert isinstance(scalar, Scalar)
    assert scalar.text == text


def test_every_node_knows_its_place() -> None:
    node, _ = read("a:\n  - b\n  - {c: d}\n")
    assert isinstance(node, Mapping)
    assert str(node.entries["a"][0].place) == "f.yaml:1:1"
    assert str(node.entries["a"][1].items[1].entries["c"][1].place) == "f.yaml:3:9"  # type: ignore[union-attr, index]


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a: 1\nb: 2\na: 3\n", "duplicate-key", 3, 1),
        ("a: {b: 1, b: 2}\n", "duplicate-key", 1, 11),
        ("x: &x {a: 1}\ny:\n  <<: *x\n", "yaml-merge-key", 3, 3),
        ("a: 1\n---\nb: 2\n", "yaml-documents", 2, 1),
        ("a: !!python/object:os.system x\n", "yaml-tag", 1, 4),
        ("a: !x [1]\n", "yaml-tag", 1, 4),
        ("a: *nothing\n", "yaml-alias", 1, 4),
        ("a: &a [*a]\n", "yaml-alias", 1, 8),
        ("? [a]\n: b\n", "yaml-key", 1, 3),
        ("a:\n\tb: 1\n", "yaml-syntax", 2, 1),
        ("a: b: c\n", "yaml-syntax", 1, 5),
        ("a: [1, 2\nb: 3\n", "yaml-syntax", 2, 2),
        ('a: "x\n', "yaml-syntax", 2, 1),
        ("a: 1\n b: 2\n", "yaml-syntax", 2, 3),
        ("a: @x\n", "yaml-syntax", 1, 4),
        ("a: x\x07\n", "yaml-encoding", 1, 5),
    ],
)
def test_what_is_refused_is_reported_with_its_place(text: str, code: str, line: int, column: int) -> None:
    assert read(text)[1] == [(code, line, column)]


def test_bytes_that_are_not_utf8() -> None:
    assert read(b"a: 1\nb: \xff\n")[1] == [("yaml-encoding", 2, 4)]


def test_a_byte_order_mark_is_no_part_of_the_first_key() -> None:
    assert value("\ufeffa: 1") == {"a": 1}


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_nesting_is_bounded(opening: str) -> None:
    problems = read(opening * 100_000)[1]
    assert [code for code, _, _ in problems] in (["yaml-depth"], ["yaml-syntax"])


def test_nesting_within_the_bound_is_read() -> None:
    assert value("[" * MAX_DEPTH + "]" * MAX_DEPTH) is not None


def test_an_alias_bomb_is_defused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert [code for code, _, _ in read("\n".join(lines))[1]] == ["yaml-alias"]


def test_a_few_aliases_are_fine() -> None:
    assert value("a: &x {b: 1}\nc: *x\n") == {"a": {"b": 1}, "c": {"b": 1}}


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#%@`,? \n\t\u00e9\x00\u2028", max_size=60) | st.text(max_size=60))
def test_any_text_gives_a_document_or_findings(text: str) -> None:
    findings = Diagnostics()
    node = read_yaml(text.encode("utf-8", "surrogatepass"), "f.yaml", findings)
    if node is None and text.isprintable():
        assert findings or not text.strip() or text.lstrip("\ufeff \n")[:1] in ("#", "%", "-", ".", "")
