"""What is written is read again as it was meant, by our own strict loader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmtaform.adopt.document import Item, List, Literal, Map, Text, document, escaped
from pmtaform.adopt.scalars import UnwritableError, comment, fits_literal, scalar
from pmtaform.diagnostics import Diagnostics
from pmtaform.lang.parsing import parse
from pmtaform.lang.tree import Directive
from pmtaform.stack.nodes import Mapping, Node, Scalar, Sequence
from pmtaform.stack.variables import Variables, substitute
from pmtaform.stack.yaml import read_yaml

ODD = [
    "no", "yes", "1:30", "010", "1e3", "0/0", "*", "[*.]example.com", "{auth}", "@", "%x", "`", "!x", "&a", "|cmd",
    ">", "- a", "-", "-1", "---", "...", "?", "? a", ":", "a:", "a: b", "a :b", "::1", "a #b", "a#b", "null", "~",
    "Null", "", "'", "''", '"', '""', "it's", 'say "no"', "\\d+", "$x", "$${x}", "<<", "=", "a,b", "[a]", "a]", "true",
    "0x1F", "1_000", "2001-01-01", " a ", "a\tb", "é", "\u00a0", "\u2028", "\u0085", "\ufeff", "🙂", "for-each", ",",
    "key: {a: b}", "a: ", "/x/ y: z", "\x07", "a\nb", "2001:db8::1", "127.0.0.1:25", "http://x/?a=b", "a:,b", "{", "}",
]  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(ODD),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20),
    st.text(alphabet="ab1:#-?,[]{}'\"\\$ &*!|>%@`~=.\t/", max_size=12),
)  # fmt: skip


def read(text: str) -> Node:
    findings = Diagnostics()
    node = read_yaml(text.encode(), "x.yaml", findings)
    assert not findings.has_errors, (text, [str(d) for d in findings])
    assert node is not None
    return node


def plain(node: Node) -> object:
    if isinstance(node, Scalar):
        assert not node.is_null
        return node.text
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {key.text: plain(value) for key, value in node.items()}


@given(TEXTS, TEXTS.filter(bool))
def test_every_text_is_read_as_it_was_meant(value: str, key: str) -> None:
    root = Map([Item(Text(value), key)], open=True)
    root.put("list" + key, List([Item(Text(value)), Item(Text(value), above=("# x",))]))
    root.put("flow" + key, Map([Item(Text(value), key), Item(List([Item(Text(value))]), "l")]))
    assert plain(read(document(root))) == {
        key: value,
        "list" + key: [value, value],
        "flow" + key: {key: value, "l": [value]} if key != "l" else {"l": [value]},
    }


@given(st.one_of(TEXTS, st.text(alphabet="a${}:02d ", max_size=12)))
def test_every_value_that_parses_comes_back(text: str) -> None:
    """From the configuration's text over YAML and variables to the same value."""
    nodes = parse(f"postmaster {text}\n").children
    if len(nodes) != 1 or not isinstance(nodes[0], Directive):
        return
    value = nodes[0].value
    node = read(document(Map([Item(Text(escaped(value)), "k")], open=True)))
    findings = Diagnostics()
    assert isinstance(node, Mapping)
    inner = node.get("k")
    assert isinstance(inner, Scalar)
    assert substitute(inner, Variables(), findings) == value
    assert not findings


@given(st.lists(st.text(alphabet="ab #:-\t|${}'\"é", max_size=12), min_size=1, max_size=5))
def test_a_text_block_is_read_as_it_was_meant(lines: list[str]) -> None:
    if not lines[0].strip() or not lines[-1].strip() or not all(map(fits_literal, lines)):
        return
    root = Map(open=True).put("a", Literal(lines)).put("b", List([Item(Literal(lines)), Item(Literal(lines))]))
    expected = "\n".join(line if line else "" for line in lines) + "\n"
    assert plain(read(document(root))) == {"a": expected, "b": [expected, expected]}


@given(st.text(max_size=30), TEXTS)
def test_no_comment_breaks_out(remark: str, value: str) -> None:
    item = Item(Text(value), "k", above=(f"#{remark}",), beside=f"#{remark}")
    assert plain(read(document(Map([item], foot=(f"#{remark}",), open=True)))) == {"k": value}


def test_what_yaml_takes_as_it_is_has_no_quotes() -> None:
    for text in ("no", "1:30", "0/0", "010", "127.0.0.1 admin", "$gmail", "a,b", "[*"[1:1] + "x*", "::1"[2:], "-1"):
        assert scalar(text) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("*", '"*"'),
        ("[*.]a.example", '"[*.]a.example"'),
        ("{auth}", '"{auth}"'),
        ("a: b", '"a: b"'),
        ('""', "'\"\"'"),
        (r'/a"\d: x/ y', """'/a"\\d: x/ y'"""),
        ("null", '"null"'),
        ("a\x07", '"a\\x07"'),
    ],
)
def test_quotes(text: str, written: str) -> None:
    assert scalar(text) == written


def test_a_byte_that_is_not_utf_8_has_no_scalar() -> None:
    with pytest.raises(UnwritableError):
        scalar("caf\udce9")
    assert comment("# caf\udce9") == "# caf?"


def test_layout() -> None:
    words = List([Item(Text(f"domain{n}.example")) for n in range(9)])
    root = Map(open=True)
    root.put("small", Map().put("a", Text("1")).put("b", Text("2")))
    root.put("empty", Map()).put("none", List()).put("words", words)
    root.put("bodies", List([Item(Map([Item(Text("1"), "a", beside="# one")])), Item(Map().put("a", Text("2")))]))
    root.items.append(Item(Literal(["x y", "", "z"]), "text", above=("# above", "", "# right above"), gap=True))
    assert document(root) == (
        "small: {a: 1, b: 2}\n"
        "empty: {}\n"
        "none: []\n"
        "words: [domain0.example, domain1.example, domain2.example, domain3.example, domain4.example,\n"
        "        domain5.example, domain6.example, domain7.example, domain8.example]\n"
        "bodies:\n"
        "  - a: 1  # one\n"
        "  - {a: 2}\n"
        "\n"
        "# above\n"
        "\n"
        "# right above\n"
        "text: |\n"
        "  x y\n"
        "\n"
        "  z\n"
    )
