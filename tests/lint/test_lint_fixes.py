"""Certain fixes: the finding is gone afterwards, and nothing else has changed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lint_help import MAIN, configuration, findings_of, told

from pmtaform.lang.lint import Subject, applied, apply_fixes, lint

FIXES = [
    ("rate-unit-case", "<domain x>\n\tmax-msg-rate   10/M  # why\n</domain>\n", "\tmax-msg-rate   10/m  # why\n"),
    ("rate-unit", "<domain x>\nmax-msg-rate 3000/hour\n</domain>\n", "max-msg-rate 3000/h\n"),
    ("rate-unit", (
        "<domain x>\nsource-ip-max-msg-rate 0/0 "
        "30/minutes\n</domain>\n"
    ), "source-ip-max-msg-rate 0/0 30/m\n"),
    ("regex-flag", (
        "<smtp-pattern-list l>\nreply /a b/i "
        "bounce-rcpt\n</smtp-pattern-list>\n"
    ), "reply /a b/ bounce-rcpt\n"),
    ("bare-address", "<domain x>\nsmtp-hosts 192.0.2.1:25, h.example;192.0.2.2\n</domain>\n",
     "smtp-hosts [192.0.2.1]:25, h.example;[192.0.2.2]\n"),
    ("bad-boolean", "<source 0/0>\n  smtp-service on\n</source>\n", "  smtp-service yes\n"),
    ("bad-boolean", "<source 0/0>\n  always-allow-relaying off\n</source>\n", "  always-allow-relaying no\n"),
    ("invented-directive", "<source 10/8>\nalways-allow-relay yes\n</source>\n", "always-allow-relaying yes\n"),
    ("invented-directive", "<domain x>\nmax-message-rate 5/h\n</domain>\n", "max-msg-rate 5/h\n"),
    ("invented-directive", "<virtual-mta-pool p>\nadd-vmta a\n</virtual-mta-pool>\n", "virtual-mta a\n"),
    ("deprecated-directive", "<domain x>\nmax-msg-per-hour 20\n</domain>\n", "max-msg-rate 20/h\n"),
    ("deprecated-directive", "<domain x>\nroute [127.0.0.1]:25\n</domain>\n", "smtp-hosts [127.0.0.1]:25\n"),
    ("equals-sign", "<domain x>\nmax-smtp-out = 5\n</domain>\n", "max-smtp-out 5\n"),
    ("xml-comment", "<domain x>\n  <!-- hi -->\n</domain>\n", "  # hi\n"),
    ("xml-comment", "<domain x>\n  max-smtp-out 5 <!-- hi -->\n</domain>\n", "  max-smtp-out 5 # hi\n"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "before", "line"), FIXES)
def test_a_fix(rule, before, line):
    assert (rule, 2) in told(findings_of(before))
    after = corrected(before)
    lines = before.splitlines(keepends=True)
    assert after == "".join([lines[0], line, *lines[2:]])
    assert (rule, 2) not in told(findings_of(after))
    assert corrected(after) == after


def corrected(text: str, **more: object) -> str:
    given = configuration(text)
    edits = apply_fixes(given, lint(Subject(configuration=given, whole=False, **more)))  # type: ignore[arg-type]
    return edits[MAIN].text if edits else text


def test_both_tags_of_a_section():
    assert corrected("<vmta a> # x\n</vmta>\n") == "<virtual-mta a> # x\n</virtual-mta>\n"


def test_a_tag_gets_its_own_line():
    assert corrected("<domain x>\n    max-smtp-out 5 </domain>\n") == "<domain x>\n    max-smtp-out 5\n</domain>\n"


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("brace", "domain x {\n  max-smtp-out 5\n}\n", "<domain x>\n  max-smtp-out 5\n</domain>\n"),
        (
            "brace",
            "virtual-mta a {\r\n  host-name a.example;\r\n}\r\n",
            "<virtual-mta a>\r\n  host-name a.example\r\n</virtual-mta>\r\n",
        ),
        (
            "other-kind-of-list",
            "<pattern-list l>\n  reply /a/ mode=backoff\n</pattern-list>\n",
            "<smtp-pattern-list l>\n  reply /a/ mode=backoff\n</smtp-pattern-list>\n",
        ),
        (
            "other-kind-of-list",
            "<smtp-pattern-list l>\nmail-from /a/ virtual-mta=a\n</smtp-pattern-list>\n",
            "<pattern-list l>\nmail-from /a/ virtual-mta=a\n</pattern-list>\n",
        ),
        (
            "unescaped-slash",
            "<smtp-pattern-list l>\nreply /see http:\\/\\/a.example/x/ mode=backoff\n</smtp-pattern-list>\n",
            "<smtp-pattern-list l>\nreply /see http:\\/\\/a.example\\/x/ mode=backoff\n</smtp-pattern-list>\n",
        ),
        (
            "unescaped-slash",
            "<bounce-category-patterns>\n/a/b c/ other\n</bounce-category-patterns>\n",
            "<bounce-category-patterns>\n/a\\/b c/ other\n</bounce-category-patterns>\n",
        ),
    ],
)
def test_a_fix_of_several_lines(rule, before, after):
    assert rule in {name for name, _ in told(findings_of(before))}
    assert corrected(before) == after
    assert rule not in {name for name, _ in told(findings_of(after))}


@pytest.mark.parametrize(
    "text",
    [
        "domain x { # why\n  max-smtp-out 5\n}\n",
        "domain x { max-smtp-out 5 }\n",
        "domain x {\n  max-smtp-out 5\n",
        "virtual-mta a\n  host-name a.example\n",
    ],
)
def test_a_block_that_cannot_be_mended_for_certain_is_left(text):
    assert corrected(text) == text


def test_a_line_that_says_nothing_new_goes():
    assert corrected("log-file /a\nlog-file /a\n") == "log-file /a\n"


def test_line_ends_stay():
    assert corrected("<domain x>\r\nmax-msg-rate 10/M\r\n</domain>") == "<domain x>\r\nmax-msg-rate 10/m\r\n</domain>"
    assert corrected("<source 10/8>\nsmtp-service on") == "<source 10/8>\nsmtp-service yes"


@pytest.mark.parametrize(
    "text",
    [
        "<source 0/0>\nalways-allow-relaying on\n</source>\n",
        "<source 0/0>\nalways-allow-relay yes\n</source>\n",
        "<source 10/8>\nretain-x-dkim-key on\n</source>\n",
        "<domain x>\nmax-conn many\n</domain>\n",
        "<domain x>\nmax-msg-rate 5/h\nmax-msg-per-hour 20\n</domain>\n",
        "<domain x>\nmax-msg-rate 30\n</domain>\n",
        "max-message-rate 5/h\n",
        "<domain x>\nroute example.com\n</domain>\n",
        "<!-- begin\nend -->\n",
        "<pattern-list l>\nmail-from /a/i virtual-mta=b\n</pattern-list>\n",
    ],
)
def test_what_is_not_certain_is_left(text):
    """What would open a relay, contradict a neighbour, or be a guess has no fix."""
    assert corrected(text) == text
    assert findings_of(text)


def test_overlapping_fixes_are_applied_once():
    text = "<source 10/8>\nsmtp-service on\n</source>\n"
    given = configuration(text)
    findings = lint(Subject(configuration=given))
    edits = apply_fixes(given, [*findings, *findings])
    assert len(edits[MAIN].splices) == 1
    assert {f.rule.code for f in applied(findings, edits)} == {"bad-boolean"}


def test_a_stack_is_mended_by_hand():
    from pmtaform.diagnostics import Place
    from pmtaform.lang.includes import single
    from pmtaform.lang.parsing import parse

    text = "<domain x>\nmax-msg-rate 10/M\n</domain>\n"
    tree = parse(text, MAIN, origins=[Place("s.yaml", 1, 1), Place("s.yaml", 2, 5), Place("s.yaml", 1, 1)])
    (finding,) = lint(Subject(configuration=single(tree), whole=False))
    assert finding.fix is None
    assert finding.place == Place("s.yaml", 2, 5)


LINES = st.sampled_from(
    [line + "\n" for _, text, _ in FIXES for line in text.splitlines()]
    + ["<vmta a>\n", "</vmta>\n", "log-file /a\n", "\n", "# note\n", "<source 0/0>\n", "</source>\n"]
)


@given(st.lists(LINES, max_size=12).map("".join))
@settings(deadline=None)
def test_mending_ends_and_only_touches_what_it_mends(text):
    """A few rounds fix everything that can be fixed; each leaves every other line unchanged."""
    for _ in range(20):
        given = configuration(text)
        edits = apply_fixes(given, lint(Subject(configuration=given, whole=False)))
        if not edits:
            break
        untouched = set(range(len(given.tree.lines)))
        for splice in edits[MAIN].splices:
            untouched -= set(range(splice.start, splice.end))
        after = edits[MAIN].text
        assert all(given.tree.lines[i] in after for i in untouched)
        text = after
    else:
        raise AssertionError("the fixes do not end")
