"""Two blocks are the same exactly where their contents are, whatever was compared first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pmtaform.lang.blocks import Block, collect
from pmtaform.lang.parsing import parse

_LINES = st.sampled_from(
    [
        "max-smtp-out 1",
        "Max-Smtp-Out 2",
        "domain-key a,b,/c",
        "DOMAIN-KEY x,y,/z",
        "domain-key d,*,/e",
        "dkim-sign yes",
        "<domain g.com>\nmax-smtp-out 3\nretry-after 1m\n</domain>",
        "<domain G.com>\nretry-after 1m\nmax-smtp-out 3\n</domain>",
        "<domain h.com>\nmax-msg-rate 3/h\n</domain>",
        "<pattern-list p>\n/a/ b\n/c/ d\n</pattern-list>",
        "<pattern-list p>\n/c/ d\n/a/ b\n</pattern-list>",
        "reply /x/ mode=backoff",
        "reply /y/ mode=normal",
        "junk<",
        "# comment",
    ]
)
_TAGS = st.sampled_from(["virtual-mta v", "smtp-pattern-list v", "source 192.0.2.1", "pattern-list q"])


def block(tag: str, lines: list[str]) -> Block:
    tree = parse("\n".join([f"<{tag}>", *lines, f"</{tag.partition(' ')[0]}>", ""]))
    return next(iter(collect((tree, node) for node in tree.children).values()))


@given(st.data(), _TAGS, st.lists(_LINES, max_size=6))
def test_blocks_are_the_same_where_their_contents_are(data: st.DataObject, tag: str, lines: list[str]) -> None:
    others = data.draw(st.permutations(lines) | st.lists(_LINES, max_size=6))
    one, other = block(tag, lines), block(tag, list(others))
    assert one.same_as(other) == (one.content() == other.content())
