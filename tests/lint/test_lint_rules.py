"""Rules beyond the table of mistakes: each with what it finds, and what it must not."""

import tomllib
from pathlib import Path

import pytest
from lint_help import MAIN, findings_in, findings_of, only, told

from pmtaform.diagnostics import Severity
from pmtaform.lang.includes import read_configuration
from pmtaform.lang.lint import FileFacts, Subject, lint, rules, rules_text
from pmtaform.lang.lint.regex import matches_everything, regex_problem
from pmtaform.lang.lint.version import Version

CASES = tomllib.loads((Path(__file__).parent / "cases" / "rules.toml").read_text(encoding="utf-8"))["case"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["rule"])
def test_a_rule(case):
    assert only(case["rule"], findings_of(case["config"], whole=case.get("whole", False))) == case["lines"]


def test_bytes_that_are_not_utf8():
    assert only("not-utf8", findings_of("postmaster a@b.example # \udce9\n")) == [1]


def test_what_an_editor_does_not_show():
    text = "\ufeffpostmaster a@b.example\nlog-file\u00a0/var/log/pmta/log\nhost-name a.example \0\n"
    findings = findings_of(text)
    assert only("byte-order-mark", findings) == [1]
    assert only("odd-blank", findings) == [2]
    assert only("control-character", findings) == [3]


def test_a_dot_in_a_pattern_is_reported_when_asked():
    text = "<pattern-list p>\nmail-from /@example.com$/ virtual-mta=a\n</pattern-list>\n"
    assert only("unescaped-dot", findings_of(text, enabled=("unescaped-dot",))) == [2]


def test_includes_that_lead_nowhere():
    files = {
        "/etc/pmta/config": "include /gone\ninclude x.conf\ninclude /etc/pmta/a\n",
        "/etc/pmta/a": "include /etc/pmta/a\n",
    }
    findings = findings_in(files)
    assert only("missing-include", findings) == [1]
    assert only("relative-include", findings) == [2]
    assert only("include-loop", findings) == [1]


def test_an_include_that_was_not_read():
    """It is not reported as missing, and what it may define is reported with that reserve."""
    text = b"include /etc/pmta/x\n<domain y>\nsmtp-pattern-list perhaps\n</domain>\n"
    configuration = read_configuration(MAIN, {MAIN: text}, unread={"/etc/pmta/x": "it is a folder"})
    findings = lint(Subject(configuration=configuration))
    assert only("include-not-read", findings) == [1]
    assert only("missing-include", findings) == []
    assert "it is a folder" in "".join(each.detail for each in findings if each.rule.code == "include-not-read")
    assert "(Not every included file could be read; it may be defined there.)" in findings[-1].detail


def test_a_fragment_is_not_blamed_for_what_it_lacks():
    fragment = "<domain x>\nsmtp-pattern-list elsewhere\ndkim-sign yes\nbackoff-retry-after 1h\n</domain>\n"
    assert told(findings_of(fragment)) == []


def test_a_whole_configuration_with_all_it_needs_is_quiet():
    text = (
        "postmaster postmaster@example.com\nrun-as-root no\nsmtp-listener 127.0.0.1:25\nlog-file /var/log/pmta/log\n"
        "http-access 127.0.0.1 admin\ndomain-key s1,example.com,/etc/pmta/s1.pem\n<spool /var/spool/pmta>\n</spool>\n"
        "<source 127.0.0.1>\nalways-allow-relaying yes\n</source>\n<domain *>\ndkim-sign yes\nmax-msg-rate "
        "300/h\n</domain>\n"
    )
    assert told(findings_of(text, whole=True)) == []


def test_included_files_belong_to_their_sections():
    files = {
        "/etc/pmta/config": "<virtual-mta a>\ninclude /etc/pmta/v.conf\n</virtual-mta>\n<virtual-mta b>\n"
        "include /etc/pmta/v.conf\n</virtual-mta>\ninclude /etc/pmta/l.conf\n",
        "/etc/pmta/v.conf": "<domain *>\nsmtp-pattern-list l\nmax-conn 3\n</domain>\n",
        "/etc/pmta/l.conf": "<smtp-pattern-list l>\nreply /^4/ mode=normal\n</smtp-pattern-list>\n",
    }
    findings = findings_in(files)
    assert [f.place.file for f in findings if f.rule.code == "invented-directive"] == ["/etc/pmta/v.conf"]
    assert not [f for f in findings if f.rule.code.startswith(("undefined-", "repeated-", "unused-"))]


def test_what_was_not_read_is_no_error():
    files = {
        "/etc/pmta/config": "include /etc/pmta/gone.conf\n<virtual-mta-pool p>\nvirtual-mta a\n</virtual-mta-pool>\n"
    }
    (finding,) = [f for f in findings_in(files) if f.rule.code == "undefined-virtual-mta"]
    assert finding.severity is Severity.WARNING
    assert not only("no-log-file", findings_in(files))


def test_the_vendors_definitions_count():
    from lint_help import configuration

    from pmtaform.lang.includes import single
    from pmtaform.lang.lint import Subject, lint
    from pmtaform.lang.parsing import parse

    defaults = single(parse("<smtp-pattern-list v>\nreply /(/ x\n</smtp-pattern-list>\n", "/etc/pmta/config-defaults"))
    text = configuration("<domain x>\nsmtp-pattern-list v\n</domain>\n")
    assert only("undefined-smtp-pattern-list", lint(Subject(configuration=text))) == [2]
    findings = lint(Subject(configuration=text, defaults=defaults))
    assert only("undefined-smtp-pattern-list", findings) == []
    assert only("invalid-regex", findings) == []


def test_key_files():
    text = "domain-key s,*,/etc/pmta/a.pem\ndomain-key t,b.example,/etc/pmta/b.pem\n"
    files = {"/etc/pmta/a.pem": FileFacts(exists=False), "/etc/pmta/b.pem": FileFacts(mode=0o644)}
    findings = findings_of(text, files=files)
    assert only("missing-key-file", findings) == [1]
    assert only("secret-file-readable", findings) == [2]
    assert only("secret-file-readable", findings_of(text, files={"/etc/pmta/b.pem": FileFacts(mode=0o640)})) == []


def test_secrets_in_a_stack():
    text = (
        "<smtp-user u>\npassword kx9QvLmT2rW8zPbA\n</smtp-user>\n<smtp-user v>\npassword (secret "
        "keyring:x)\n</smtp-user>\n"
    )
    assert only("plain-text-secret", findings_of(text, in_stack=True)) == [2]
    assert only("plain-text-secret", findings_of(text)) == []


@pytest.mark.parametrize(
    ("version", "text", "lines"),
    [
        ("4.0", "<dns>\n</dns>\n<domain x>\nretry-after 1m,2m\n</domain>\n", [1, 4]),
        ("4.5", "<domain x>\nmax-msg-rate 83/10m\nuse-dane yes\nuse-mta-sts yes\n</domain>\n", [2, 3, 4]),
        ("5.0r1", "<domain x>\nmax-msg-rate 83/10m\nuse-mta-sts yes\n</domain>\n", [3]),
        ("5.0r5", "<domain x>\nuse-mta-sts yes\n</domain>\n", []),
        ("5.0", "<domain x>\nuse-mta-sts yes\n</domain>\n", []),
        ("PowerMTA v5.5r1 (2021-01-01)", "<domain x>\nuse-mta-sts yes\n</domain>\n", []),
        ("4.0", (
            "<smtp-pattern-list l>\nreply /4/ "
            "mode=backoff,backoff-to-normal-after=1h,defer-queue\n</smtp-pattern-list>\n"
        ), [2, 2]),
    ],
)  # fmt: skip
def test_versions(version, text, lines):
    assert only("not-in-version", findings_of(text, version=version)) == lines


def test_route_is_fine_before_4_5():
    text = "<domain x>\nroute [192.0.2.1]\n</domain>\n"
    assert only("deprecated-directive", findings_of(text, version="4.0")) == []
    assert only("deprecated-directive", findings_of(text, version="4.5")) == [2]


def test_a_version_is_read_from_what_pmta_says():
    assert str(Version.parse("PowerMTA v5.0r3 (2019-01-01, 64-bit)")) == "5.0r3"
    assert Version.parse("no number") is None


@pytest.mark.parametrize(
    "body",
    ["(a", "a)", "[a", "*a", "a|*b", "(*a)", "a(+b)"],
)
def test_broken_expressions(body):
    problem = regex_problem(body)
    assert problem is not None or body == "(*a)"


@pytest.mark.parametrize(
    "body",
    ["", "a", r"\(a", "[(]", "[]a]", "[^]a]", "(?-i)a", "(?i)a", "(?:a|b)*", "(?<n>a)+", r"\Q(\E", "a{2}", "{a", "a++",
     "(?>a)", "[[:alpha:](]", "(?=a)*", "^*", "(?#()", "a|b|", "(|a)", "(?P<n>a)(?P=n)", "[a\\]b]"],
)  # fmt: skip
def test_whole_expressions(body):
    assert regex_problem(body) is None


@pytest.mark.parametrize("body", ["", ".*", "^.*$", "@*", "^", "$", "^.*", ".*?", "a*b*"])
def test_what_matches_everything(body):
    assert matches_everything(body)


@pytest.mark.parametrize("body", [".", "a", "@", "^a*$", "a*b", "(.*)x", ".+"])
def test_what_does_not(body):
    assert not matches_everything(body)


def test_rules_are_in_order():
    text = rules_text()
    for rule in rules().values():
        assert rule.code == rule.code.lower()
        assert rule.summary[0].isupper() or rule.summary[0] in "#"
        assert not rule.summary.endswith(".")
        assert f"  {rule.code} (" in text
        assert rule.explanation
        assert rule.basis
