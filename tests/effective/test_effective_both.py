"""Both sides of a change read together are as each read by itself."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pmtaform.lang.effective import Effective, EffectiveChange, PairChange, changed_pairs
from pmtaform.lang.includes import Configuration, read_configuration
from pmtaform.lang.lint import rules

MAIN = "/etc/pmta/config"
PIECES = [
    *(example for rule in rules().values() for example in rule.examples if "\udce9" not in example),
    "<virtual-mta a>\nsmtp-source-host 192.0.2.1 a.example\n<domain *>\nmax-smtp-out 5\n</domain>\n</virtual-mta>\n",
    "<virtual-mta a>\nmax-smtp-out 7\n</virtual-mta>\n",
    "<virtual-mta b>\n<domain $m>\nmax-smtp-out 6\n</domain>\n</virtual-mta>\n",
    "<virtual-mta-pool p>\nvirtual-mta a\nvirtual-mta b\n<domain *>\nretry-after 3m\n</domain>\n</virtual-mta-pool>\n",
    "domain-macro m gmail.com,yahoo.com\n",
    "domain-macro m gmail.com\n",
    "<domain gmail.com>\ninclude /etc/pmta/x.conf\n</domain>\n",
    "<domain *>\nmax-smtp-out 9\n</domain>\n",
    "<domain *>\nmax-smtp-out 9\nmax-smtp-out 8\n</domain>\n",
]
pieces = st.lists(st.sampled_from(PIECES), max_size=8)


def read(texts: list[str]) -> Configuration:
    return read_configuration(MAIN, {MAIN: "".join(texts).encode(), "/etc/pmta/x.conf": b"max-smtp-out 3\n"})


def said(pair: PairChange) -> object:
    """What a pair's change is, without the lines: those of a section that is the same are of the side before."""
    moves = [
        (move.name, *(side and (side.normal, side.source) for side in (move.before, move.after))) for move in pair.moves
    ]
    return pair.domain, pair.vmtas, moves


@settings(max_examples=150, deadline=None)
@given(common=pieces, before=pieces, after=pieces, first=st.booleans())
def test_what_is_shared_changes_nothing(common: list[str], before: list[str], after: list[str], first: bool) -> None:
    left, right = (read([*common, *own] if first else [*own, *common]) for own in (before, after))
    change = EffectiveChange(left, right)
    alone = Effective(right)
    separately = changed_pairs(Effective(left), alone, most=None, without=("domain-key",))
    assert list(map(said, change.pairs)) == list(map(said, separately))
    for domain, vmta in alone.pairs_of_interest():
        mine, own = change.after.settings(domain, vmta), alone.settings(domain, vmta)
        assert {name: value.normal for name, value in mine.values.items()} == {
            name: value.normal for name, value in own.values.items()
        }
        assert {name: value.normal for name, value in mine.virtual_mta.items()} == {
            name: value.normal for name, value in own.virtual_mta.items()
        }


def test_a_section_that_is_the_same_is_read_once() -> None:
    same = "<domain gmail.com>\nmax-smtp-out 5\n</domain>\n"
    change = EffectiveChange(read([same]), read(["postmaster a@example.com\n", same]))
    assert change.after.reading.domains[0].is_same(change.before.reading.domains[0])
    assert EffectiveChange(read([same]), read([same.replace("5", "6")])).pairs
