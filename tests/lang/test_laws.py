"""The laws of the configuration language: what holds for every text and every edit."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pmtaform.lang.blocks import Address, Block, blocks_of
from pmtaform.lang.edit import edit
from pmtaform.lang.includes import Configuration, read_configuration
from pmtaform.lang.parsing import parse, parse_bytes
from pmtaform.lang.tree import Section, decode, encode, split_lines

CORPUS = Path(__file__).parent.parent / "corpus"
FILES = sorted(p for p in CORPUS.rglob("*") if p.is_file() and p.suffix != ".tsv")
MAIN = "/etc/pmta/config"


def configuration(text: str) -> Configuration:
    return read_configuration(MAIN, {MAIN: encode(text)})


def edited(live: Configuration, wanted: dict[Address, Block], remove: list[Address]) -> str:
    edits = edit(live, wanted, remove)
    return edits[MAIN].text if edits else str(live.tree)


def corpus_id(path: Path) -> str:
    return str(path.relative_to(CORPUS))


# -- texts -------------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(
    ["max-smtp-out", "max-msg-rate", "retry-after", "dkim-sign", "dkim-identity", "smtp-hosts", "unknown-thing"]
)
SETTINGS = st.sampled_from(["postmaster", "host-name", "log-file", "http-access", "domain-key", "run-as-root", "bogus"])
VALUES = st.sampled_from(["1", "20", "300/h", "10m", "60m", "1h", "yes", "true", "no", "a, b", "a,b", "10,20", '"x y"'])
COMMENTS = st.sampled_from(["", "", "", "  # why", "\t#x", " ## <domain z>"])
EOL = st.sampled_from(["\n", "\n", "\n", "\r\n"])
BLANK = st.sampled_from(["", "", "", "\n", "# a comment\n", "   \n", "\r\n"])


@st.composite
def directive(draw: st.DrawFn, names: st.SearchStrategy[str] = NAMES, indent: str = "") -> str:
    gap = draw(st.sampled_from([" ", "  ", "\t"]))
    return f"{indent}{draw(names)}{gap}{draw(VALUES)}{draw(COMMENTS)}{draw(EOL)}"


@st.composite
def section(draw: st.DrawFn, depth: int = 0) -> str:
    indent = "    " * depth
    if depth:
        tag, argument = "domain", draw(st.sampled_from(["*", "a.com", "B.com"]))
    else:
        tag, argument = draw(
            st.sampled_from(
                [("domain", "*"), ("domain", "a.com"), ("domain", "$m"), ("virtual-mta", "v1"), ("source", "0/0")]
            )
        )
    lines = draw(st.lists(directive(indent=indent + "    "), max_size=4))
    if tag == "virtual-mta":
        lines += draw(st.lists(section(depth=1), max_size=2))
    extra = draw(BLANK)
    return f"{indent}<{tag} {argument}>{draw(EOL)}{''.join(lines)}{extra}{indent}</{tag}>{draw(EOL)}"


RULES = st.lists(
    st.sampled_from(
        [
            "    reply /^421 .*rate/ mode=backoff\n",
            "    reply /busy/ mode=normal\n",
            "    reply /x/ skip-mx\n",
            "    # c\n",
        ]
    ),
    max_size=5,
)


@st.composite
def rule_list(draw: st.DrawFn) -> str:
    return f"<smtp-pattern-list l>\n{''.join(draw(RULES))}</smtp-pattern-list>\n"


@st.composite
def config_text(draw: st.DrawFn) -> str:
    pieces = st.one_of(
        directive(SETTINGS), section(), rule_list(), BLANK, st.just("domain-macro m a.com, b.com\n"), st.just("}\n")
    )
    text = "".join(draw(st.lists(pieces, max_size=8)))
    return text.rstrip("\r\n") if draw(st.booleans()) else text


ANY_TEXT = st.text(
    alphabet=st.one_of(
        st.characters(), st.sampled_from(list("<>/#{}\n\r\t ,\"$*'\x00\x0b\x0c\x1c\x85\xa0\u2028\udc80ab"))
    ),
    max_size=200,
)


# -- the laws ----------------------------------------------------------------------------------------------------------


@given(st.one_of(ANY_TEXT, config_text()))
@settings(max_examples=400, deadline=None)
def test_a_text_is_written_back_as_it_was_read(text: str) -> None:
    assert str(parse(text)) == text
    assert "".join(split_lines(text)) == text


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_bytes_are_written_back_as_they_were_read(content: bytes) -> None:
    assert parse_bytes(content).to_bytes() == content
    assert encode(decode(content)) == content


@given(st.one_of(ANY_TEXT, config_text()))
@settings(max_examples=300, deadline=None)
def test_every_node_lies_within_its_parent_and_its_file(text: str) -> None:
    tree = parse(text)

    def check(nodes: list, first: int, last: int) -> None:
        for node in nodes:
            assert first <= node.line <= node.end <= last
            first = node.end + 1
            if isinstance(node, Section):
                check(node.children, node.line + 1, node.end - 1 if node.closed else node.end)

    check(tree.children, 1, len(tree.lines))


@given(config_text())
@settings(max_examples=300, deadline=None)
def test_what_is_already_there_is_no_edit(text: str) -> None:
    live = configuration(text)
    assert edit(live, blocks_of(live)) == {}


@given(config_text(), config_text())
@example(before="\n<domain *>\n</domain>\n", after="postmaster 1\n")
@example(before="<source 0/0>\n</source>\n\n<domain *>\n</domain>\n\n<domain a>\n</domain>\n", after="run-as-root no\n")
@example(
    before="<virtual-mta v>\n<domain a>\nmax-smtp-out 1\n</domain>\n</virtual-mta>\n",
    after="<virtual-mta v>\n<domain a>\n</domain>\n<domain a>\nmax-smtp-out 1\n</domain>\n</virtual-mta>\n",
)
@settings(max_examples=600, deadline=None)
def test_an_edit_gives_what_was_wanted_and_a_second_one_nothing(before: str, after: str) -> None:
    live, goal = configuration(before), configuration(after)
    wanted = blocks_of(goal)
    gone = [address for address in blocks_of(live) if address not in wanted]
    text = edited(live, wanted, gone)
    result = blocks_of(configuration(text))
    assert set(result) == set(wanted)
    for address, block in wanted.items():
        assert result[address].same_as(block), (address, text)
    assert edit(configuration(text), wanted) == {}


@given(config_text(), config_text())
@settings(max_examples=300, deadline=None)
def test_blocks_that_no_one_asked_for_keep_their_bytes(before: str, after: str) -> None:
    live, goal = configuration(before), configuration(after)
    wanted = dict(list(blocks_of(goal).items())[:1])
    untouched = {a: [p.text for p in b.parts] for a, b in blocks_of(live).items() if a not in wanted}
    result = blocks_of(configuration(edited(live, wanted, [])))
    for address, texts in untouched.items():
        assert [p.text.rstrip("\r\n") for p in result[address].parts] == [t.rstrip("\r\n") for t in texts]


@pytest.mark.parametrize("path", FILES, ids=corpus_id)
class TestEveryPublishedConfiguration:
    """Each file of the corpus, odd and broken ones too."""

    def test_is_written_back_byte_for_byte(self, path: Path) -> None:
        content = path.read_bytes()
        assert parse_bytes(content).to_bytes() == content

    def test_needs_no_edit_to_become_itself(self, path: Path) -> None:
        live = read_configuration(MAIN, {MAIN: path.read_bytes()})
        assert edit(live, blocks_of(live)) == {}

    def test_can_be_built_on_an_empty_host(self, path: Path) -> None:
        wanted = blocks_of(read_configuration(MAIN, {MAIN: path.read_bytes()}))
        result = blocks_of(configuration(edited(configuration(""), wanted, [])))
        assert set(result) == set(wanted)
        assert [str(a) for a in wanted if not result[a].same_as(wanted[a])] == []

    def test_can_be_taken_away_whole(self, path: Path) -> None:
        live = read_configuration(MAIN, {MAIN: path.read_bytes()})
        text = edited(live, {}, list(blocks_of(live)))
        assert blocks_of(configuration(text)) == {}
