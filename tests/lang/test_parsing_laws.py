"""The laws of parsing: a section that is taken as a whole is what a careful look at each of its lines makes of it."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pmtaform.lang.parsing import parse
from pmtaform.lang.parsing.builder import TreeBuilder
from pmtaform.lang.parsing.careful import CarefulReader
from pmtaform.lang.parsing.different import different_lines
from pmtaform.lang.parsing.hidden import has_odd_blanks, report_hidden
from pmtaform.lang.parsing.words import without_comment
from pmtaform.lang.tree import Directive, Junk, Node, Section, Tree, decode

CORPUS = Path(__file__).parent.parent / "corpus"
FILES = sorted(p for p in CORPUS.rglob("*") if p.is_file() and p.suffix != ".tsv")
LINES = sorted({line for path in FILES for line in decode(path.read_bytes()).split("\n")})
ODD = (
    "",
    "<",
    ">",
    "<>",
    "</>",
    "</",
    "<domain",
    "<domain *>",
    "<domain x> # <domain y>",
    "<Domain x>",
    "</domain>",
    "</DOMAIN>",
    "</domain >",
    "<virtual-mta v>",
    "</virtual-mta>",
    "<spool>",
    "<bounce-category-patterns>",
    "</bounce-category-patterns>",
    "<smtp-pattern-list l>",
    "</smtp-pattern-list>",
    "<pattern-list l>",
    "  mail-from /x/ <pattern-list>",
    "</pattern-list>",
    "<!-- x -->",
    "x -->",
    "/a b/ bad-mailbox",
    "/a b/",
    "/a",
    "/a\\/b/ x,",
    "reply /x/ mode=backoff",
    "reply /(/ x",
    "reply /x",
    "y/ mode=normal",
    "reply",
    "domain-macro m",
    "domain-macro m a.com,",
    "b.com, c.com",
    "max-smtp-out 20",
    "max-smtp-out 20 >",
    "max-smtp-out {",
    "}",
    "{",
    "# c",
    "\x1c",
    "a\xa0b c",
    "\0",
    "\r",
    "\udc80 x",
)
line = st.one_of(st.sampled_from(ODD), st.sampled_from(LINES), st.text(max_size=12))
EOL = st.sampled_from(["\n", "\n", "\n", "\r\n", "\r"])


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Odd lines, one after the other."""
    lines = draw(st.lists(st.tuples(st.sampled_from(["", "    ", "\t"]), line, EOL), max_size=24))
    return "".join(indent + text + eol for indent, text, eol in lines)


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """A part of a published configuration with lines lost, repeated and made up."""
    lines = decode(draw(st.sampled_from(FILES)).read_bytes()).split("\n")
    start = draw(st.integers(0, len(lines)))
    lines = lines[start : start + draw(st.integers(0, 60))]
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(lines)))
        lines[at : at + draw(st.integers(0, 2))] = draw(st.lists(line, max_size=3))
    return "\n".join(lines)


def read_carefully(text: str) -> Tree:
    """The tree of a text of which no line is taken as plain."""
    build = TreeBuilder(text, "f", "global", None)
    report_hidden(build, text)
    reader = CarefulReader(build, careful=has_odd_blanks(text))
    number = 1
    while number <= len(build.lines):
        number = 1 + (reader.take(number) if without_comment(build.lines[number - 1]) else number)
    return build.finish()


def facts(nodes: Iterable[Node]) -> list[object]:
    """All that nodes say."""
    return [_facts(node) for node in nodes]


def _facts(node: Node) -> object:
    if isinstance(node, Directive):
        return node.line, node.end, node.name, node.value
    if isinstance(node, Junk):
        return node.line, node.text, node.code
    return node.line, node.end, node.tag, node.argument, node.lead, node.closed, facts(node.children)


@given(st.one_of(texts(), mutations()))
@example("<virtual-mta v>\n<domain a>\nx 1\n</virtual-mta>\ny 2\n")
@example("<domain a>\n<domain b>\n</domain>\n</domain>\n")
@example("<domain a>\nx 1\n<source 0/0>\n</source>\n")
@example("a 1\n<domain a>\nb 2,\nc 3\n</domain>\nd 4\n")
@settings(max_examples=300, deadline=None)
def test_a_plain_section_is_what_a_careful_look_makes_of_it(text: str) -> None:
    """What is taken as a whole, and what is looked at line by line, gives the same tree and the same findings."""
    tree, careful = parse(text, "f"), read_carefully(text)
    assert tree.diagnostics == careful.diagnostics
    assert facts(tree.children) == facts(careful.children)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CORPUS)))
def test_published_files_are_read_alike(path: Path) -> None:
    text = decode(path.read_bytes())
    tree, careful = parse(text, "f"), read_carefully(text)
    assert tree.diagnostics == careful.diagnostics
    assert facts(tree.children) == facts(careful.children)


def test_threads_see_the_same_nodes_of_a_section() -> None:
    """Threads share trees, and refer to nodes by identity."""
    text = "<domain a>\n" + "    x 1\n" * 200 + "</domain>\n"
    with ThreadPoolExecutor(8) as pool:
        for _ in range(50):
            section = parse(text, "f").children[0]
            assert isinstance(section, Section)
            seen = list(pool.map(lambda _, section=section: id(section.children), range(8)))
            assert len(set(seen)) == 1


@given(st.one_of(texts(), mutations()))
@settings(max_examples=200, deadline=None)
def test_the_different_lines_are_those_of_the_nodes(text: str) -> None:
    tree = parse(text, "f")
    expected = {
        (scope, node.name, node.value, False) if isinstance(node, Directive) else (scope, node.tag, node.argument, True)
        for scope, node in tree.walk()
        if not isinstance(node, Junk)
    }
    lines = list(different_lines(tree))
    assert {tuple(line) for line in lines} == expected
