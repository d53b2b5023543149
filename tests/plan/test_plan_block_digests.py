"""The digest of a block tells meanings apart, and nothing else."""

from __future__ import annotations

import hashlib
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmtaform.lang.blocks import Block, blocks_of
from pmtaform.lang.includes import single
from pmtaform.lang.parsing import parse
from pmtaform.plan.block_digests import block_digest, digest_below, is_digest_of
from pmtaform.plan.owned_blocks import OwnedBlocks

VALUE = st.sampled_from(["20", "020", "21", "1h", "60m", "yes", "true", "no"])
LINE = st.builds(
    "{}{} {}{}\n".format,
    st.sampled_from(["", "  ", "\t"]),
    st.sampled_from(["max-smtp-out", "retry-after", "dkim-sign", "Retry-After"]),
    VALUE,
    st.sampled_from(["", " ", "  # why"]),
)
BODY = st.lists(LINE, max_size=4).map("".join)


def keyed(content: bytes) -> str:
    return hashlib.sha256(b"key" + content).hexdigest()


def block(body: str) -> Block:
    (made,) = blocks_of(single(parse(f"<domain a.com>\n{body}</domain>\n"))).values()
    return made


@given(BODY, BODY)
def test_a_digest_is_that_of_every_block_with_the_same_meaning(one: str, other: str) -> None:
    first, second = block(one), block(other)
    same = first.content() == second.content()
    assert is_digest_of(block_digest(first, keyed), second, keyed) == same
    assert (block_digest(first, keyed)[:64] == block_digest(second, keyed)[:64]) == same


@given(BODY, BODY)
def test_a_known_digest_is_kept_for_the_same_lines_only(one: str, other: str) -> None:
    known = block_digest(block(one), keyed)
    made = block_digest(block(other), keyed, known)
    assert made == block_digest(block(other), keyed)
    assert (made == known) == (one == other)


@pytest.mark.parametrize("known", ["", "0", "0" * 64, "0" * 96])
def test_a_damaged_digest_is_of_no_block(known: str) -> None:
    assert not is_digest_of(known, block("max-smtp-out 20\n"), keyed)
    assert block_digest(block("max-smtp-out 20\n"), keyed, known) == block_digest(block("max-smtp-out 20\n"), keyed)


def test_a_list_below_its_source_has_another_digest() -> None:
    made = block("max-smtp-out 20\n")
    assert not is_digest_of(digest_below(made, keyed), made, keyed)


def test_owned_blocks_are_digests_wherever_they_are_read() -> None:
    """In another process, and with the blocks of a stack that is compiled again."""
    blocks = {made.address: made for made in (block("max-smtp-out 20\n"),)}
    (address,) = blocks
    owned = OwnedBlocks(lambda: blocks, keyed, {})
    owned.declare(str(address), address)
    owned.keep("setting[postmaster]", "0" * 96)
    elsewhere = pickle.loads(pickle.dumps(owned)).with_blocks(lambda: blocks)
    expected = {str(address): block_digest(blocks[address], keyed), "setting[postmaster]": "0" * 96}
    assert (dict(elsewhere), len(elsewhere)) == (expected, 2)
    assert owned == expected
    owned.forget(str(address))
    assert list(owned) == ["setting[postmaster]"]
    assert str(address) not in owned
