"""Rules beyond the table of mistakes: each with what it finds, and what it must not."""

import pytest
from lint_help import found, found_in, only, told

from pmtaform.diagnostics import Severity
from pmtaform.lang.lint import RULES, FileFacts, rules_text
from pmtaform.lang.lint.regex import matches_everything, regex_problem
from pmtaform.lang.lint.version import Version

# (rule, configuration, lines; whole configuration or not)
FINDS = [
    ("unknown-directive", "max-msg-ratee 10/h\n", [1], False),
    ("unknown-section", "<domaine x>\n</domaine>\n", [1], False),
    ("misplaced-section", "<domain x>\n<source 0/0>\n</source>\n</domain>\n", [], False),
    ("placeholder", "{{#each vmtas}}\n", [1], False),
    ("missing-value", "postmaster\n", [1], False),
    ("two-rules-on-a-line", "<bounce-category-patterns>\n/a/ x /b/ y\n</bounce-category-patterns>\n", [2], False),
    ("repeated-directive", "log-file /a\nlog-file /b\n", [2], False),
    ("repeated-directive", "<domain x>\nmax-rcpt-per-message 1\nmax-rcpt-per-transaction 2\n</domain>\n", [3], False),
    ("said-again", "log-file /a\nlog-file /a\n", [2], False),
    ("listed-twice", "postmaster a@b.example\npostmaster a@b.example\n", [2], False),
    ("repeated-section", "<domain x>\n</domain>\n<domain X>\n</domain>\n", [3], False),
    (
        "exclusive-directives",
        "<virtual-mta a>\nuse-proxy p\nsmtp-proxy-source-host 192.0.2.1 h:1 192.0.2.2 n.example\n</virtual-mta>\n",
        [3],
        False,
    ),
    ("undefined-virtual-mta", "<virtual-mta-pool p>\nvirtual-mta a\n</virtual-mta-pool>\n", [2], True),
    ("undefined-virtual-mta", "<virtual-mta-pool p>\nvirtual-mta a\n</virtual-mta-pool>\n", [], False),
    ("undefined-virtual-mta", "<pattern-list p>\nmail-from /a/ virtual-mta=x\n</pattern-list>\n", [2], True),
    ("undefined-pattern-list", "<source 0/0>\npattern-list p\n</source>\n", [2], True),
    ("undefined-smtp-pattern-list", "<domain x>\nsmtp-pattern-list p\n</domain>\n", [2], True),
    ("undefined-source", "<smtp-user u>\nsource p\n</smtp-user>\n", [2], True),
    ("undefined-source", "<smtp-user u>\nsource {auth}\n</smtp-user>\n", [], True),
    ("undefined-source-group", "<source 0/0>\nsource-group g\n</source>\n", [2], True),
    ("undefined-address-list", (
        "<source 0/0>\nsuppression-lists a,b\n</source>\n<address-list "
        "a>\n</address-list>\n"
    ), [2], True),
    ("undefined-rewrite-list", "<virtual-mta a>\nrewrite-list g\n</virtual-mta>\n", [2], True),
    ("undefined-proxy", "use-proxy g\n", [1], True),
    ("undefined-macro", "<domain $x>\n</domain>\n", [1], True),
    ("undefined-queue", "<domain x.example>\nqueue-to big.queue\n</domain>\n", [2], True),
    ("undefined-queue", (
        "<domain x.example>\nqueue-to big.queue\n</domain>\n<domain big.queue>\nsmtp-hosts "
        "a.example\n</domain>\n"
    ), [], True),
    ("undefined-queue", "<domain x.example>\nqueue-to y.example\n</domain>\n", [], True),
    ("name-differs-in-case", (
        "<virtual-mta A>\n</virtual-mta>\n<virtual-mta-pool p>\nvirtual-mta "
        "a\n</virtual-mta-pool>\n"
    ), [4], False),
    ("unused-definition", (
        "<pattern-list p>\n</pattern-list>\ndomain-macro m a.example\n<source "
        "s>\n</source>\n"
    ), [1, 3, 4], True),
    ("macro-after-use", "<domain $m>\n</domain>\ndomain-macro m a.example\n", [1], False),
    ("macro-loop", "domain-macro a $b\ndomain-macro b $a\ndomain-macro c $a\n", [1, 2], False),
    ("shadowed-rule", (
        "<pattern-list p>\nmail-from /a/ virtual-mta=x\nmail-from /a/ "
        "virtual-mta=y\n</pattern-list>\n"
    ), [3], False),
    ("shadowed-rule", (
        "<smtp-pattern-list p>\nreply /a/ mode=backoff\nreply /a/ "
        "bounce-rcpt\n</smtp-pattern-list>\n"
    ), [], False),
    ("shadowed-rule", (
        "<smtp-pattern-list p>\nreply /a/ mode=backoff\nreply /a/ "
        "mode=normal\n</smtp-pattern-list>\n"
    ), [3], False),
    ("unreachable-rule", (
        "<pattern-list p>\n* virtual-mta=a\nmail-from /a/ "
        "virtual-mta=b\n</pattern-list>\n"
    ), [3], False),
    ("invalid-regex", (
        "<smtp-pattern-list p>\nreply /(a/ bounce-rcpt\nreply /(?-i)A/ "
        "bounce-rcpt\n</smtp-pattern-list>\n"
    ), [2], False),
    ("unreachable-queue-filter", "<acct-file /a>\nqueue-filter */*,!x/y\n</acct-file>\n", [2], False),
    ("open-relay", "<source ::/0>\nalways-allow-relaying YES\n</source>\n", [2], False),
    ("open-relay", "<source 192.0.2.0/24>\nalways-allow-relaying yes\n</source>\n", [], False),
    ("open-relay-listener", (
        "<smtp-listener 0/0:25>\nsource X\n</smtp-listener>\n<source X>\nalways-allow-relaying "
        "yes\n</source>\n"
    ), [2], False),
    ("open-relay-listener", (
        "smtp-listener 10.0.0.1:25 source=X\n<source X>\nalways-allow-relaying "
        "yes\n</source>\n"
    ), [], False),
    ("open-relay-recipients", "relay-domain *.com\nrelay-domain *.example.com\n", [1], False),
    ("relay-wide-network", "<source 128/1>\nalways-allow-relaying yes\n</source>\n", [2], False),
    ("relay-wide-network", "<source 10/8>\nalways-allow-relaying yes\n</source>\n", [], False),
    ("auth-contradiction", "<source a>\nrequire-auth yes\nallow-auth no\n</source>\n", [2], False),
    ("http-admin-for-everyone", "http-access 0/0 none\nhttp-access 0/0 admin\n", [], False),
    ("http-admin-for-everyone", "http-access 0/0 operator\n", [1], False),
    ("weak-ciphers", "smtp-server-tls-ciphers ALL:!ADH\nhttp-tls-ciphers HIGH:!ADH:@STRENGTH\n", [1], False),
    ("starttls-contradiction", "<domain x>\nrequire-starttls yes\nuse-starttls no\n</domain>\n", [2], False),
    ("starttls-without-certificate", "<source 0/0>\nallow-starttls yes\n</source>\n", [2], True),
    ("auth-needs-missing-tls", "<source 0/0>\nrequire-starttls-before-auth yes\n</source>\n", [2], True),
    ("unverified-certificates", (
        "<domain *>\nsmtp-tls-ca-file /etc/ca.pem\n</domain>\n<domain x>\nrequire-starttls "
        "yes\n</domain>\n"
    ), [], True),
    ("key-without-dkim-sign", "domain-key s,a.example,/k\n", [1], True),
    ("key-for-other-domain", (
        "domain-key s,a.example,/k\n<domain *>\ndkim-sign yes\ndkim-identity "
        "@b.example\n</domain>\n"
    ), [4], True),
    ("key-for-other-domain", (
        "domain-key s,a.example,/k\n<domain *>\ndkim-sign yes\ndkim-identity "
        "@x.a.example\n</domain>\n"
    ), [], True),
    ("dkim-sign-without-key", (
        "<virtual-mta a>\n<domain *>\ndkim-sign yes\n</domain>\n</virtual-mta>\n<virtual-mta b>\ndomain-key "
        "s,*,/k\n</virtual-mta>\n"
    ), [3], True),
    ("unreachable-key", "domain-key s,*,/k\ndomain-key s,a.example,/k\n", [2], False),
    ("unreachable-key", "domain-key s,a.example,/k\ndomain-key s,b.example,/k\ndomain-key s,*,/k\n", [], False),
    ("unreachable-key", "domain-key s,example.com,/k\ndomain-key s,m.example.com,/k\n", [2], False),
    ("backoff-faster", "<domain x>\nmax-msg-rate 10/h\nbackoff-max-msg-rate 10/m\n</domain>\n", [3], False),
    ("backoff-faster", (
        "<domain *>\nmax-smtp-out 5\n</domain>\n<domain x>\nbackoff-max-smtp-out "
        "6\n</domain>\n"
    ), [5], False),
    ("zero-rate", (
        "<domain x>\nmax-msg-rate 0\n</domain>\n<source 0/0>\nsmtp-max-auth-failure-rate "
        "0\n</source>\n"
    ), [2], False),
    ("retry-after-bounce", "<domain x>\nretry-after 5d\nbounce-after 4d\n</domain>\n", [2], False),
    ("limit-above-total", (
        "<virtual-mta a>\nmax-smtp-out 5\n<domain *>\nmax-smtp-out "
        "10\n</domain>\n</virtual-mta>\n"
    ), [4], False),
    ("address-used-twice", (
        "<virtual-mta a>\nsmtp-source-host 192.0.2.1 a.example\n</virtual-mta>\n<virtual-mta b>\nsmtp-source-host "
        "192.0.2.1 b.example\n</virtual-mta>\n"
    ), [5], False),
    ("pool-named-as-virtual-mta", (
        "<virtual-mta a>\n</virtual-mta>\n<virtual-mta-pool "
        "a>\n</virtual-mta-pool>\n"
    ), [3], False),
    ("empty-pool", "<virtual-mta-pool a>\n</virtual-mta-pool>\n", [1], False),
    ("cold-virtual-mta-unused", "<virtual-mta a>\ncold-virtual-mta b\n</virtual-mta>\n", [2], True),
    ("unqualified-ehlo-name", "smtp-source-host 192.0.2.1 mta1\n", [1], False),
    ("unreadable-key", "run-as-root no\ndomain-key s,*,/root/k.pem\n", [2], False),
    ("complaints-not-recorded", "<feedback-loop-processor>\n</feedback-loop-processor>\n", [1], True),
    ("guessable-password", (
        "<smtp-user alice>\npassword alice123\n</smtp-user>\n<smtp-user bob>\npassword "
        "kx9QvLmT2rW8zPbA\n</smtp-user>\n"
    ), [2], False),
    ("rollup-without-hosts", "<mx-rollup-list>\nmx *.a.example a.rollup rollup-by-ip\n</mx-rollup-list>\n", [], True),
    ("not-utf8", "postmaster a@b.example # \udce9\n", [1], False),
    ("no-log-file", "log-file /var/log/pmta/log\n", [], True),
    ("no-spool", "<spool /var/spool/pmta>\n</spool>\n", [], True),
    ("backoff-never-starts", (
        "<domain *>\nsmtp-pattern-list l\n</domain>\n<smtp-pattern-list l>\nreply /4/ "
        "mode=backoff\n</smtp-pattern-list>\n<domain x>\nbackoff-retry-after 2h\n</domain>\n"
    ), [], True),
    ("backoff-never-starts", (
        "<domain x>\nbackoff-retry-after 2h\nbackoff-upon-all-sources-disabled "
        "yes\n</domain>\n"
    ), [], True),
    ("backoff-never-ends", (
        "<domain *>\nbackoff-to-normal-after 1h\n</domain>\n<domain x>\nsmtp-pattern-list "
        "l\n</domain>\n<smtp-pattern-list l>\nreply /4/ mode=backoff\n</smtp-pattern-list>\n"
    ), [], True),
    ("backoff-never-ends", (
        "<domain x>\nsmtp-pattern-list l\nbackoff-to-normal-after never\n</domain>\n<smtp-pattern-list l>\nreply /4/ "
        "mode=backoff\n</smtp-pattern-list>\n"
    ), [6], True),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "text", "lines", "whole"), FINDS, ids=[row[0] for row in FINDS])
def test_a_rule(rule, text, lines, whole):
    assert only(rule, found(text, whole=whole)) == lines


def test_a_fragment_is_not_blamed_for_what_it_lacks():
    fragment = "<domain x>\nsmtp-pattern-list elsewhere\ndkim-sign yes\nbackoff-retry-after 1h\n</domain>\n"
    assert told(found(fragment)) == []


def test_a_whole_configuration_with_all_it_needs_is_quiet():
    text = (
        "postmaster postmaster@example.com\nrun-as-root no\nsmtp-listener 127.0.0.1:25\nlog-file /var/log/pmta/log\n"
        "http-access 127.0.0.1 admin\ndomain-key s1,example.com,/etc/pmta/s1.pem\n<spool /var/spool/pmta>\n</spool>\n"
        "<source 127.0.0.1>\nalways-allow-relaying yes\n</source>\n<domain *>\ndkim-sign yes\nmax-msg-rate "
        "300/h\n</domain>\n"
    )
    assert told(found(text, whole=True)) == []


def test_included_files_belong_to_their_sections():
    files = {
        "/etc/pmta/config": "<virtual-mta a>\ninclude /etc/pmta/v.conf\n</virtual-mta>\n<virtual-mta b>\n"
        "include /etc/pmta/v.conf\n</virtual-mta>\ninclude /etc/pmta/l.conf\n",
        "/etc/pmta/v.conf": "<domain *>\nsmtp-pattern-list l\nmax-conn 3\n</domain>\n",
        "/etc/pmta/l.conf": "<smtp-pattern-list l>\nreply /^4/ mode=normal\n</smtp-pattern-list>\n",
    }
    findings = found_in(files)
    assert [f.place.file for f in findings if f.rule.id == "invented-directive"] == ["/etc/pmta/v.conf"]
    assert not [f for f in findings if f.rule.id.startswith(("undefined-", "repeated-", "unused-"))]


def test_what_was_not_read_is_no_error():
    files = {
        "/etc/pmta/config": "include /etc/pmta/gone.conf\n<virtual-mta-pool p>\nvirtual-mta a\n</virtual-mta-pool>\n"
    }
    (finding,) = [f for f in found_in(files) if f.rule.id == "undefined-virtual-mta"]
    assert finding.severity is Severity.WARNING
    assert not only("no-log-file", found_in(files))


def test_the_vendors_definitions_count():
    from lint_help import configuration

    from pmtaform.lang.includes import single
    from pmtaform.lang.lint import Subject, lint
    from pmtaform.lang.tree import parse

    defaults = single(parse("<smtp-pattern-list v>\nreply /(/ x\n</smtp-pattern-list>\n", "/etc/pmta/config-defaults"))
    text = configuration("<domain x>\nsmtp-pattern-list v\n</domain>\n")
    assert only("undefined-smtp-pattern-list", lint(Subject(configuration=text))) == [2]
    findings = lint(Subject(configuration=text, defaults=defaults))
    assert only("undefined-smtp-pattern-list", findings) == []
    assert only("invalid-regex", findings) == []


def test_key_files():
    text = "domain-key s,*,/etc/pmta/a.pem\ndomain-key t,b.example,/etc/pmta/b.pem\n"
    files = {"/etc/pmta/a.pem": FileFacts(exists=False), "/etc/pmta/b.pem": FileFacts(mode=0o644)}
    findings = found(text, files=files)
    assert only("missing-key-file", findings) == [1]
    assert only("secret-file-readable", findings) == [2]
    assert only("secret-file-readable", found(text, files={"/etc/pmta/b.pem": FileFacts(mode=0o640)})) == []


def test_secrets_in_a_stack():
    text = (
        "<smtp-user u>\npassword kx9QvLmT2rW8zPbA\n</smtp-user>\n<smtp-user v>\npassword (secret "
        "keyring:x)\n</smtp-user>\n"
    )
    assert only("plain-text-secret", found(text, in_stack=True)) == [2]
    assert only("plain-text-secret", found(text)) == []


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
    assert only("not-in-version", found(text, version=version)) == lines


def test_route_is_fine_before_4_5():
    text = "<domain x>\nroute [192.0.2.1]\n</domain>\n"
    assert only("deprecated-directive", found(text, version="4.0")) == []
    assert only("deprecated-directive", found(text, version="4.5")) == [2]


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
    for rule in RULES.values():
        assert rule.id == rule.id.lower()
        assert rule.summary[0].isupper() or rule.summary[0] in "#"
        assert not rule.summary.endswith(".")
        assert f"  {rule.id} (" in text
        assert rule.why
        assert rule.basis
