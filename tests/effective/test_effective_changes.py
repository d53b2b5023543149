"""Which queues a change of the configuration changes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmtaform.lang.effective import DEFAULT_VMTA, Effective, changed_pairs, same_effect
from pmtaform.lang.includes import read_configuration

MAIN = "/etc/pmta/config"


def effective(text: str) -> Effective:
    return Effective(read_configuration(MAIN, {MAIN: text.encode()}))


def shown(before: str, after: str, **options):
    """(domain, virtual MTAs) -> {directive: (before, after)}."""
    pairs_changed = changed_pairs(effective(before), effective(after), **options)
    return {
        (pair.domain, pair.vmtas): {
            move.name: (move.before and move.before.text, move.after and move.after.text) for move in pair.moves
        }
        for pair in pairs_changed
    }


BASE = (
    "<domain *>\nmax-smtp-out 1\n</domain>\n<domain a.example>\nretry-after 1h\n</domain>\n"
    "<domain b.example>\nmax-smtp-out 5\n</domain>\n"
    "<virtual-mta v>\n</virtual-mta>\n<virtual-mta w>\n</virtual-mta>\n"
    "<virtual-mta x>\n<domain *>\nmax-smtp-out 9\n</domain>\n</virtual-mta>\n"
)
PLAIN = (DEFAULT_VMTA, "v", "w")


def test_a_changed_default_concerns_what_inherits_it():
    after = BASE.replace("max-smtp-out 1\n", "max-smtp-out 2\n")
    moved = {"max-smtp-out": ("1", "2")}
    assert shown(BASE, after) == {("a.example", PLAIN): moved, ("*", PLAIN): moved}


def test_a_change_that_something_closer_hides_is_none():
    before = (
        "<domain *>\nmax-smtp-out 1\n</domain>\n<virtual-mta v>\n<domain *>\nmax-smtp-out 9\n</domain>\n</virtual-mta>"
    )
    after = before.replace("max-smtp-out 1", "max-smtp-out 2")
    assert shown(before, after) == {("*", (DEFAULT_VMTA,)): {"max-smtp-out": ("1", "2")}}


def domain(name: str, *lines: str) -> str:
    return "\n".join([f"<domain {name}>", *lines, "</domain>\n"])


FIRST, SECOND, REST = BASE.split("</domain>\n", 2)
SAME = {
    "comments and blanks": (BASE, "# another comment\n" + BASE.replace(" ", "\t", 3)),
    "another spelling of a value": (BASE, BASE.replace("retry-after 1h", "retry-after   60m")),
    "the case of a domain": (BASE, BASE.replace("a.example", "A.EXAMPLE")),
    "the order of sections": (BASE, f"{SECOND}</domain>\n{FIRST}</domain>\n{REST}"),
    "what concerns no queue": (BASE, BASE + "log-file /var/log/other\n"),
    "a line that says the default": (domain("b.example", "max-smtp-out 20"), ""),
    "emptying what is empty": (domain("a.example", 'queue-to ""'), domain("a.example")),
    "an alias": (domain("a.example", "max-rcpt-per-transaction 7"), domain("a.example", "max-rcpt-per-message 7")),
    "a macro written out": (
        "domain-macro m a,b\n" + domain("$m.example", "max-smtp-out 3"),
        domain("a.example", "max-smtp-out 3") + domain("b.example", "max-smtp-out 3"),
    ),
}


@pytest.mark.parametrize(("before", "after"), SAME.values(), ids=SAME)
def test_a_change_of_the_text_that_changes_no_queue(before, after):
    assert same_effect(effective(before), effective(after))
    assert changed_pairs(effective(after), effective(before)) == []


def test_what_a_virtual_mta_says_for_every_domain_hides_a_change_above_it():
    own = "<virtual-mta v>\n" + domain("*", "max-smtp-out 9") + domain("a.example", 'queue-to ""') + "</virtual-mta>"
    before, after = domain("a.example", "max-smtp-out 1") + own, domain("a.example", "max-smtp-out 2") + own
    assert shown(before, after) == {("a.example", (DEFAULT_VMTA,)): {"max-smtp-out": ("1", "2")}}
    more = domain("a.example", "max-smtp-out 2", "retry-after 5m") + own
    assert shown(before, more)["a.example", ("v",)] == {"retry-after": ("10m", "5m")}


def test_a_macro_that_grows():
    before = "domain-macro m a.example\n<domain $m>\nmax-smtp-out 3\n</domain>\n"
    after = before.replace("a.example", "a.example,b.example")
    assert shown(before, after) == {("b.example", (DEFAULT_VMTA,)): {"max-smtp-out": ("20", "3")}}


def test_what_back_off_takes_from_a_limit_moves_with_it():
    before, after = (f"<domain a.example>\nmax-msg-rate {n}/h\n</domain>" for n in (100, 200))
    assert shown(before, after)["a.example", (DEFAULT_VMTA,)] == {
        "max-msg-rate": ("100/h", "200/h"),
        "backoff-max-msg-rate": ("100/h", "200/h"),
    }


def test_a_virtual_mtas_own_values():
    after = BASE.replace("<virtual-mta v>\n", "<virtual-mta v>\nmax-smtp-out 7\n")
    assert shown(BASE, after) == {("", ("v",)): {"max-smtp-out": ('""', "7")}}


def test_a_value_at_top_level_moves_those_that_inherit_it():
    result = shown("smtp-source-host 192.0.2.1 a\n" + BASE, "smtp-source-host 192.0.2.2 a\n" + BASE)
    assert result == {("", (*PLAIN, "x")): {"smtp-source-host": ("192.0.2.1 a", "192.0.2.2 a")}}


def test_a_virtual_mta_that_comes_and_one_that_goes():
    after = BASE.replace("<virtual-mta v>", "<virtual-mta new>\nmax-smtp-out 2")
    result = shown(BASE, after)
    assert result["", ("v",)] == {}
    assert result["", ("new",)] == {"max-smtp-out": (None, "2")}


def test_a_virtual_mta_that_joins_a_pool():
    pool = "<virtual-mta-pool p>\nvirtual-mta w\n<domain a.example>\nmax-smtp-out 4\n</domain>\n</virtual-mta-pool>\n"
    after = BASE + pool.replace("virtual-mta w", "virtual-mta w\nvirtual-mta v")
    assert shown(BASE + pool, after) == {("a.example", ("v",)): {"max-smtp-out": ("1", "4")}}


def test_a_section_that_moves_into_a_virtual_mta():
    before = "<virtual-mta v>\n</virtual-mta>\n<domain a.example>\nmax-smtp-out 4\n</domain>"
    after = "<virtual-mta v>\n<domain a.example>\nmax-smtp-out 4\n</domain>\n</virtual-mta>"
    assert shown(before, after) == {("a.example", (DEFAULT_VMTA,)): {"max-smtp-out": ("4", "20")}}


def test_sections_that_change_places_where_that_matters():
    parts = "<domain *>\nmax-smtp-out 1\n</domain>\n", "<domain *>\nmax-smtp-out 2\n</domain>\n"
    assert shown("".join(parts), "".join(reversed(parts))) == {("*", (DEFAULT_VMTA,)): {"max-smtp-out": ("2", "1")}}


def test_a_choice_of_virtual_mtas_and_domains():
    after = BASE.replace("max-smtp-out 1\n", "max-smtp-out 2\n")
    assert set(shown(BASE, after, vmtas=["v*"])) == {("a.example", ("v",)), ("*", ("v",))}
    assert set(shown(BASE, after, domains=["new.example", "b.example"])) == {("new.example", PLAIN)}


def test_no_more_than_asked_for():
    before = "".join(f"<domain d{n}.example>\nmax-smtp-out 1\n</domain>\n" for n in range(50))
    pairs_changed = changed_pairs(effective(before), effective(before.replace("out 1", "out 2")), most=7)
    assert len(pairs_changed) == 7


NAMES = ["*", "*.example", "[*.]example", "a.example", "[*.]a.example", "b.a.example", "$m", "[0/0]", "[10/8]"]
QUERIES = ["a.example", "b.a.example", "c.a.example", "example", "x.example", "x.y", "[10.0.0.1]", "[11.0.0.1]"]


@st.composite
def texts(draw: st.DrawFn) -> str:
    def domains() -> str:
        result = draw(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(1, 3)), max_size=4))
        return "".join(f"<domain {name}>\nmax-smtp-out {value}\n</domain>\n" for name, value in result)

    macro = f"domain-macro m {draw(st.sampled_from(['a.example', 'x.y', 'x.y,a.example']))}\n"
    pool = f"<virtual-mta-pool p>\nvirtual-mta v\n{domains()}</virtual-mta-pool>\n"
    return f"{macro}{domains()}<virtual-mta v>\n{domains()}</virtual-mta>\n{pool}"


@settings(deadline=None)
@given(texts(), texts())
def test_no_queue_that_changes_is_missed(before, after):
    left, right = effective(before), effective(after)
    told = {pair.domain: pair for pair in changed_pairs(left, right) if "v" in pair.vmtas}
    for domain in QUERIES:
        was, now = (side.settings(domain, "v").values["max-smtp-out"].text for side in (left, right))
        if was != now:
            assert told, domain
            if domain in told:
                assert (told[domain].moves[0].before.text, told[domain].moves[0].after.text) == (was, now)
    for domain, pair in told.items():
        was, now = (side.settings(domain, "v").values["max-smtp-out"].text for side in (left, right))
        assert was != now
        assert [move.name for move in pair.moves] == ["max-smtp-out"]
    assert same_effect(left, right) is (not changed_pairs(left, right))


def test_an_include_that_no_one_has_seen_in_another_place_leaves_it_open():
    left = effective("include https://x.example/c\n<domain *>\nmax-smtp-out 5\n</domain>\n")
    right = effective("<domain *>\nmax-smtp-out 5\n</domain>\ninclude https://x.example/c\n")
    other = effective("<domain *>\nmax-smtp-out 6\n</domain>\ninclude https://x.example/c\n")
    assert (same_effect(left, left), same_effect(left, right), same_effect(left, other)) == (True, None, False)
