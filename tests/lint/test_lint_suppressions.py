"""Findings that someone looked at, and said why."""

from lint_help import findings_of, told

from pmtaform.diagnostics import Place
from pmtaform.lang.includes import single
from pmtaform.lang.lint import Subject, lint
from pmtaform.lang.parsing import parse

BAD = "<source 0/0>\n{above}process-x-virtual-mta yes{beside}\n</source>\n"
WHY = "# pmtaform: ignore virtual-mta-from-everyone because only the firewall's inside reaches it"


def test_on_the_line():
    assert told(findings_of(BAD.format(above="", beside=f" {WHY}"))) == []


def test_above_the_line_even_over_other_comments():
    assert told(findings_of(BAD.format(above=f"  {WHY}\n  # more\n\n", beside=""))) == []


def test_another_line_is_not_meant():
    assert ("virtual-mta-from-everyone", 3) in told(findings_of(WHY + "\n" + BAD.format(above="", beside="")))


def test_several_rules_in_one_comment():
    text = (
        "<source 0/0>\n# pmtaform: ignore virtual-mta-from-everyone, bad-value because so\nprocess-x-virtual-mta "
        "yes\n</source>\n"
    )
    assert told(findings_of(text)) == [("unused-suppression", 2)]


def test_without_a_reason_it_works_and_is_reported():
    text = BAD.format(above="", beside=" # pmtaform: ignore virtual-mta-from-everyone")
    assert told(findings_of(text)) == [("suppression-without-reason", 2)]
    assert told(findings_of(text.replace("everyone\n", "everyone because\n"))) == [("suppression-without-reason", 2)]


def test_unused_and_unknown():
    assert told(findings_of("log-file /a # pmtaform: ignore open-relay because x\n")) == [("unused-suppression", 1)]
    (finding,) = findings_of("log-file /a # pmtaform: ignore open-relai because x\n")
    assert finding.rule.code == "unknown-suppression"
    assert "open-relay" in finding.detail


def test_rules_that_were_not_asked_are_not_unused():
    from lint_help import configuration

    subject = Subject(configuration=configuration("log-file /a # pmtaform: ignore open-relay because x\n"), whole=False)
    assert lint(subject, disabled=["open-relay"]) == []


def test_the_file_as_a_whole():
    text = "# pmtaform: ignore no-spool because the vendor's file has it\nlog-file /a\n"
    assert ("no-spool", 0) not in told(findings_of(text, whole=True))


def test_in_a_stack():
    tree = parse("http-access 0/0 admin\n", "/etc/pmta/config", origins=[Place("s.yaml", 2, 3)])
    yaml = ["config: # pmtaform: ignore no-spool because x\n", "  http-access: [0/0 admin]\n"]
    sources = {"s.yaml": yaml}
    assert ("http-admin-for-everyone", 2) in told(
        lint(Subject(configuration=single(tree), whole=False, sources=sources))
    )
    yaml[1] = yaml[1].rstrip() + " # pmtaform: ignore http-admin-for-everyone because it is a test\n"
    findings = lint(Subject(configuration=single(tree), whole=False, sources=sources))
    assert told(findings) == [("unused-suppression", 1)]
