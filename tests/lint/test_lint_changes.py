"""Lint of a change: in proportion to what changed, it reports the very findings that a lint of everything does."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lint_help import MAIN

from pmtaform.diagnostics import Place
from pmtaform.lang.blocks import Address
from pmtaform.lang.includes import read_configuration
from pmtaform.lang.lint import FileFacts, Finding, Subject, lint, rules
from pmtaform.lang.lint.changes import Homes, Judged, lint_change
from pmtaform.lang.lint.facts import Facts
from pmtaform.lang.lint.outline import Outline
from pmtaform.lang.lint.suppress import RULES
from pmtaform.lang.tree import encode

OWN = frozenset(rule.code for rule in RULES)
LINES = re.compile(r"\blines? \d+(?: to \d+)?")
KEY = "/etc/pmta/s1.pem"
VMTA = "<virtual-mta v{0}>\nsmtp-source-host 192.0.2.{1} v{0}.example.com\n<domain *>\nmax-smtp-out {0}0\ndkim-sign yes\n</domain>\n</virtual-mta>\n"  # noqa: E501
PIECES = [
    *(example for rule in rules().values() for example in rule.examples),
    *(VMTA.format(number, number % 3) for number in range(6)),
    "total-max-smtp-out 20\n",
    f"domain-key s1,*,{KEY}\n",
    "include /etc/pmta/x.conf\n",
    "<domain big.example>\ninclude /etc/pmta/y.conf\n</domain>\n",
    "run-as-root yes  # pmtaform: ignore runs-as-root because of this test\n",
]
ROWS = [f"{row}\n" for piece in PIECES for row in piece.split("\n") if row.strip()]
piece, row = st.sampled_from(PIECES), st.sampled_from(ROWS)
edit = st.one_of(
    st.tuples(st.just("delete"), st.integers(0, 11)),
    st.tuples(st.just("insert"), st.integers(0, 11), piece),
    st.tuples(st.just("delete-row"), st.integers(0, 11), st.integers(0, 20)),
    st.tuples(st.just("insert-row"), st.integers(0, 11), st.integers(0, 20), row),
    st.tuples(st.just("number"), st.integers(0, 11), st.integers(0, 300)),
    st.tuples(st.just("move"), st.integers(0, 11)),
)


def edited(pieces: list[str], edits: list[tuple[object, ...]]) -> list[str]:
    pieces = list(pieces)
    for what, at, *more in edits:
        assert isinstance(at, int)
        if what == "insert":
            pieces.insert(at, str(more[0]))
        elif at < len(pieces):
            pieces[at : at + 1] = _edited(str(what), pieces[at], more)
            if what == "move":
                pieces.append(pieces.pop(at))
    return pieces


def _edited(what: str, text: str, more: list[object]) -> list[str]:
    rows = text.splitlines(keepends=True)
    if what == "delete":
        return []
    if what == "delete-row":
        del rows[int(str(more[0])) : int(str(more[0])) + 1]
    elif what == "insert-row":
        rows.insert(int(str(more[0])), str(more[1]))
    elif what == "number":
        return [re.sub(r"\d+", str(more[0]), text, count=1)]
    return ["".join(rows)]


def subject(pieces: list[str], included: str = "", *, key: bool = True, version: str | None = None) -> Subject:
    files = {
        MAIN: encode("".join(pieces)),
        "/etc/pmta/x.conf": encode(included),
        "/etc/pmta/y.conf": b"max-smtp-out 5\nretry-after 2m\n",
    }
    known = {KEY: FileFacts(exists=key)}
    return Subject(configuration=read_configuration(MAIN, files), files=known, version=version, all_read=True)


Sight = tuple[str, Place, str, bool]


def of_everything(before: Subject, after: Subject, written: Collection[Address]) -> list[Sight]:
    """The findings of a change by two lints of everything."""
    findings = lint(after, disabled=OWN)
    codes = {finding.rule.code for finding in findings}
    known = Counter(identity(*each) for each in placed(before, lint(before, only=codes, disabled=OWN)))
    sights = []
    for finding, address in placed(after, findings):
        is_new = known[identity(finding, address)] <= 0
        known[identity(finding, address)] -= 1
        if is_new or address in written:
            sights.append(sight(Judged(finding, address, is_new)))
    return sights


def placed(of: Subject, findings: list[Finding]) -> list[tuple[Finding, Address | None]]:
    homes = Homes(Outline(of.configuration))
    return [(finding, homes.of(finding.place.file, finding.place.line)) for finding in findings]


def identity(finding: Finding, address: Address | None) -> tuple[str, Address | None, str]:
    return finding.rule.code, address, finding.mark or LINES.sub("line", finding.detail)


def sight(judged: Judged) -> Sight:
    return judged.finding.rule.code, judged.finding.place, judged.finding.mark, judged.is_new


@settings(max_examples=300, deadline=None)
@given(
    pieces=st.lists(piece, min_size=2, max_size=12),
    edits=st.lists(edit, min_size=1, max_size=3),
    included=piece,
    key_goes=st.booleans(),
    version=st.sampled_from([None, "4.5", "5.0r1"]),
    more=st.integers(0, 11),
)
def test_a_change_is_judged_as_by_lint_of_everything(
    pieces: list[str],
    edits: list[tuple[object, ...]],
    included: str,
    key_goes: bool,
    version: str | None,
    more: int,
) -> None:
    before = subject(pieces, included, version=version)
    after = subject(edited(pieces, edits), included, key=not key_goes, version=version)
    was, now = Outline(before.configuration).blocks, Outline(after.configuration).blocks
    written = {address for address, block in now.items() if address not in was or was[address].text != block.text}
    written |= set(list(now)[more : more + 1])
    assert [sight(judged) for judged in lint_change(before, after, written)] == of_everything(before, after, written)


MANY = [VMTA.format(number, number) for number in range(200)] + [
    "postmaster a@example.com\n",
    f"domain-key s1,*,{KEY}\n",
]


@pytest.mark.parametrize(
    ("changes", "most"),
    [
        ([(7, "max-smtp-out 70", "max-smtp-out 71")], 60),
        ([(7, "dkim-sign yes", "use-starttls yes"), (9, "max-smtp-out", "max-msg-rate")], 4500),
        ([(200, "a@", "b@")], 30),
    ],
)
def test_only_blocks_that_matter_are_read(
    changes: list[tuple[int, str, str]], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = list(MANY)
    for at, was, now in changes:
        pieces[at] = pieces[at].replace(was, now)
    read: list[int] = []
    whole = Facts.__init__

    def counting(self: Facts, *arguments: object) -> None:
        whole(self, *arguments)  # type: ignore[arg-type]
        read.append(len(self.lines))

    monkeypatch.setattr(Facts, "__init__", counting)
    lint_change(subject(MANY), subject(pieces))
    assert 0 < sum(read) <= most


def test_a_rule_that_declares_nothing_reads_everything() -> None:
    rule = rules()["undefined-virtual-mta"]
    assert replace(rule, reads=type(rule).__dataclass_fields__["reads"].default).reads[0].others is None


def test_each_rule_of_ours_declares_what_it_reads() -> None:
    assert {rule.code for rule in rules().values() if any(reads.others is None for reads in rule.reads)} == OWN


def test_words_are_in_lower_case() -> None:
    words = [w for rule in rules().values() for reads in rule.reads for w in (*(reads.at or ()), *(reads.others or ()))]
    assert words == [word.lower() for word in words]
