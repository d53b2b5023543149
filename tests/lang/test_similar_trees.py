"""The tree of a file that is made from a similar one is the tree that parsing the file makes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmtaform.lang.parsing import parse
from pmtaform.lang.parsing.similar import parse_similar
from pmtaform.lang.tree import Section, Tree, encode
from tests.lang.test_after_edits import PIECE, PLAIN, TEXT, assert_alike

PATH, OTHER = "/etc/pmta/config", "files/config"
LINE = st.sampled_from(["a 1\n", "b 2\n", "<domain x>\n", "</domain>\n", "\n", "c\n", "d"])
LINES = st.lists(LINE, max_size=30).map("".join)


@given(text=st.one_of(TEXT, LINES), other=st.one_of(TEXT, LINES))
def test_any_two_texts(text: str, other: str) -> None:
    assert_is_parsed(parse(text, OTHER), other)


@given(pieces=st.lists(PIECE, max_size=20), at=st.integers(0, 20), count=st.integers(0, 3), new=PLAIN)
def test_an_edited_text(pieces: list[str], at: int, count: int, new: str) -> None:
    after = [*pieces[:at], new, *pieces[at + count :]]
    assert_is_parsed(parse("".join(pieces), OTHER), "".join(after))


def assert_is_parsed(tree: Tree, text: str) -> None:
    made = parse_similar(tree, encode(text), PATH)
    if made is not None:
        assert_alike(made, parse(text, PATH))


def test_a_long_file_is_read_from_another_with_a_few_differences() -> None:
    lines = [f"<domain d{n}>\n  max-smtp-out {n}\n</domain>\n" for n in range(300)]
    other = [*lines[:20], "max-smtp-out 3\n", *lines[20:99], lines[99].replace("99\n", "98\n"), *lines[110:]]
    tree = parse("".join(lines), OTHER)

    made = parse_similar(tree, "".join(other).encode(), PATH)

    assert made is not None
    assert_alike(made, parse("".join(other), PATH))
    assert made.children[0] is tree.children[0]
    assert isinstance(made.children[0], Section)


@pytest.mark.parametrize("text", ["", "x\n" * 200, "max-smtp-out 1\xa0\n" * 30])
def test_texts_with_little_in_common_are_not_compared_line_by_line(text: str) -> None:
    tree = parse("".join(f"<domain d{n}>\n</domain>\n" for n in range(100)), OTHER)

    assert parse_similar(tree, encode(text), PATH) is None
