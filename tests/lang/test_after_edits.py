"""A tree that is made from the one before an edit is the tree that parsing the new text makes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pmtaform.lang.after_edits import after_edits
from pmtaform.lang.blocks import blocks_of
from pmtaform.lang.edit import edit
from pmtaform.lang.includes import Configuration, read_configuration
from pmtaform.lang.parsing import parse
from pmtaform.lang.parsing.spliced import Replacement, spliced
from pmtaform.lang.tree import Directive, Junk, Node, Tree, decode, encode

CORPUS = Path(__file__).parent.parent / "corpus"
FILES = sorted(p for p in CORPUS.rglob("*") if p.is_file() and p.suffix != ".tsv")
MAIN, PART, FRAGMENT = "/etc/pmta/config", "/etc/pmta/part", "/etc/pmta/in-domain"

NAMES = st.sampled_from(["max-smtp-out", "retry-after", "dkim-sign", "reply /x y/", "/x y/"])
VALUES = st.sampled_from(["1", "20", "10m", "mode=backoff", "yes  # why", '"x y"'])
DIRECTIVE = st.builds("    {} {}\n".format, NAMES, VALUES)
BODY = st.lists(DIRECTIVE, max_size=3).map("".join)
ARGUMENT = st.sampled_from(["*", "a.com", "B.com"])
TAG = st.sampled_from(["domain", "source", "smtp-pattern-list"])
SECTION = st.builds("<{0} {1}>\n{2}</{0}>\n".format, TAG, ARGUMENT, BODY)
INNER = st.lists(st.builds("<domain {}>\n{}</domain>\n".format, ARGUMENT, BODY), max_size=2).map("".join)
OUTER = st.builds("<virtual-mta v{}>\n{}</virtual-mta>\n".format, st.integers(1, 3), INNER)
INCLUDE = st.sampled_from([f"include {PART}\n", f"<domain f>\ninclude {FRAGMENT}\n</domain>\n"])
PIECE = st.one_of(DIRECTIVE, SECTION, OUTER, st.just("\n"), st.just("# a comment\n"))
PLAIN = st.lists(PIECE, max_size=8).map("".join)
ODD = st.sampled_from(
    ["</domain>", "<domain x>", "}", "a b,", "x", "", "<!-- -->", "a\xa0b c", "\ufeffa b", "reply /x", "\0"]
).map("{}\n".format)
UNENDED = st.sampled_from(["x", "max-smtp-out 1", "<domain x>", "</domain>"])
TEXT = st.one_of(PLAIN, st.lists(st.one_of(PIECE, ODD, UNENDED), max_size=8).map("".join))
WITH_INCLUDES = st.lists(st.one_of(PIECE, INCLUDE), max_size=8).map("".join)


def facts(nodes: list[Node]) -> list[object]:
    """All that nodes say."""
    return [_facts(node) for node in nodes]


def _facts(node: Node) -> object:
    if isinstance(node, Directive):
        return node.line, node.end, node.name, node.value
    if isinstance(node, Junk):
        return node.line, node.text, node.code
    return node.line, node.end, node.tag, node.argument, node.lead, node.closed, facts(node.children)


def assert_alike(tree: Tree, other: Tree) -> None:
    assert (tree.path, tree.scope, tree.lines) == (other.path, other.scope, other.lines)
    assert tree.diagnostics == other.diagnostics
    assert facts(tree.children) == facts(other.children)
    assert (tree.plain is None) == (other.plain is None)


@st.composite
def replacements(draw: st.DrawFn, count: int, texts: st.SearchStrategy[str]) -> list[Replacement]:
    """Replacements of some of that many lines, from top to bottom."""
    cuts = sorted(draw(st.lists(st.integers(0, count), max_size=6)))
    return [Replacement(a, b, draw(texts)) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]


def text_after(tree: Tree, changes: list[Replacement]) -> str:
    pieces, at = [], 0
    for start, end, text in changes:
        pieces += [*tree.lines[at:start], text]
        at = end
    return "".join([*pieces, *tree.lines[at:]])


@given(st.data(), TEXT)
@settings(max_examples=400, deadline=None)
def test_lines_that_are_replaced_give_the_tree_of_the_new_text(data: st.DataObject, text: str) -> None:
    tree = parse(text, "f")
    changes = data.draw(replacements(len(tree.lines), TEXT))
    made = spliced(tree, changes)
    if made is not None:
        assert_alike(made, parse(text_after(tree, changes), "f"))


@given(st.data(), st.lists(PIECE, max_size=8))
@settings(max_examples=200, deadline=None)
def test_plain_nodes_need_no_look_at_the_whole_text(data: st.DataObject, pieces: list[str]) -> None:
    """Whole nodes that come in the place of whole nodes."""
    tree = parse("".join(pieces), "f")
    starts = [0]
    for piece in pieces:
        starts.append(starts[-1] + piece.count("\n"))
    picked = data.draw(replacements(len(pieces), PLAIN))
    changes = [Replacement(starts[start], starts[end], text) for start, end, text in picked]
    made = spliced(tree, changes)
    assert made is not None
    assert_alike(made, parse(text_after(tree, changes), "f"))


def assert_same_configuration(made: Configuration, other: Configuration) -> None:
    assert (made.main, made.patterns, made.fragments) == (other.main, other.patterns, other.fragments)
    assert made.diagnostics == other.diagnostics
    assert list(made.trees) == list(other.trees)
    for path in made.trees:
        assert_alike(made.trees[path], other.trees[path])


@given(WITH_INCLUDES, st.one_of(TEXT, WITH_INCLUDES), PLAIN)
@example("", "<domain a.com>\n</domain>\n", "")
@example(f"include {PART}\n", "", "<domain a.com>\n</domain>\n")
@settings(max_examples=200, deadline=None)
def test_a_configuration_after_its_edits_is_that_of_its_new_files(before: str, wanted: str, part: str) -> None:
    files = {MAIN: encode(before), PART: encode(part), FRAGMENT: b"max-smtp-out 20\n"}
    live = read_configuration(MAIN, files)
    target = read_configuration(MAIN, {**files, MAIN: encode(wanted)})
    there, goal = blocks_of(live), blocks_of(target)
    edits = edit(live, goal, there.keys() - goal.keys())
    made = after_edits(live, edits, files)
    assert_same_configuration(made, read_configuration(MAIN, files | {p: e.content for p, e in edits.items()}))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CORPUS)))
def test_published_files_after_the_loss_of_each_line(path: Path) -> None:
    tree = parse(decode(path.read_bytes()), "f")
    for number in range(0, len(tree.lines), max(1, len(tree.lines) // 25)):
        changes = [Replacement(number, number + 1, "")]
        made = spliced(tree, changes)
        if made is not None:
            assert_alike(made, parse(text_after(tree, changes), "f"))
