"""Findings as people and programs read them."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import accumulate

import pytest
from lint_help import configuration, findings_of

from pmtaform.diagnostics import Diagnostic, Place, Severity
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.lint import Finding, Subject, apply_fixes, lint, rules
from pmtaform.report.lint_documents import github_lint, json_lint, junit_lint
from pmtaform.report.lint_sarif import sarif_lint
from pmtaform.report.lint_text import lint_text
from pmtaform.report.problems import diagnostics_text

TEXT = (
    "http-access 0/0 admin\n<smtp-user u>\n\tpassword changeme # remember\n</smtp-user>\n"
    "<domain x>\n    max-msg-rate 10/M   # slow\n</domain>\n<virtual-mta a>\nsmtp-source-host 192.0.2.1 h.example\n"
    "</virtual-mta>\n<virtual-mta b>\nsmtp-source-host 192.0.2.1 h.example\n</virtual-mta>\n"
)


def source(place):
    return TEXT.splitlines()[place.line - 1]


def odd(file="a b/%,:é\x1b.conf", detail='x <&>"\n::error::%0A\x1b[31m\x00') -> Finding:
    rule = rules()["open-relay"]
    place = Place(file, 2, 3)
    return Finding(
        rule=rule, severity=Severity.ERROR, place=place, detail=detail, end_column=7, host="m1", related=(place,)
    )


def test_text_shows_the_line_and_marks_the_piece():
    text = lint_text(findings_of(TEXT), source=source)
    assert "/etc/pmta/config:1:13: error: Web monitor administered by everyone [http-admin-for-everyone]\n" in text
    assert "    1 | http-access 0/0 admin\n      |             ^~~~~~~~~\n" in text
    assert "    6 |     max-msg-rate 10/M   # slow\n      |                  ^~~~\n" in text
    assert "    fix: max-msg-rate 10/m   # slow\n" in text
    assert "    See also /etc/pmta/config:9\n" in text
    assert text.endswith("2 errors, 1 warning, 1 remark. 1 can be fixed with --fix.\n")


def test_text_never_shows_a_secret():
    findings = findings_of(TEXT)
    for text in (lint_text(findings, source=source), json_lint(findings), sarif_lint(findings), github_lint(findings)):
        assert "changeme" not in text
        assert "remember" not in text
    assert "    3 |  password (sensitive)" in lint_text(findings, source=source)


def test_text_obeys_no_control_characters():
    text = lint_text([odd()], source=lambda _: "a\x1b[31mb\x00")
    assert "\x1b" not in text
    assert "\x00" not in text
    coloured = lint_text(findings_of(TEXT), source=source, colour=True)
    assert "\x1b[31;1m" in coloured or "\x1b[31m" in coloured


def test_nothing_found():
    assert lint_text([]) == "Nothing found.\n"
    assert json.loads(json_lint([]))["findings"] == []


def test_text_of_a_stack_line():
    place = Place("stacks/a/x.yaml", 1, 3)
    finding = Finding(rule=rules()["open-relay"], severity=Severity.ERROR, place=place, detail="d", mark="yes")
    text = lint_text([finding], source=lambda _: "  always-allow-relaying: yes\n")
    assert "      |                          ^~~\n" in text


def test_json():
    document = json.loads(json_lint(findings_of(TEXT)))
    assert document["kind"] == "pmtaform-lint"
    assert document["counts"] == {"error": 2, "warning": 1, "info": 1}
    by_rule = {item["rule"]: item for item in document["findings"]}
    rate = by_rule["rate-unit-case"]
    assert rate["place"] == {"file": "/etc/pmta/config", "line": 6, "column": 18, "end_column": 22}
    assert rate["fix"] == [
        {"file": "/etc/pmta/config", "line": 6, "end_line": 6, "lines": ["    max-msg-rate 10/m   # slow"]}
    ]
    assert by_rule["http-admin-for-everyone"]["security"] is True


def test_sarif_has_the_shape_of_the_standard():
    document = json.loads(sarif_lint([*findings_of(TEXT), odd()]))
    assert document["version"] == "2.1.0"
    assert set(document) == {"$schema", "version", "runs"}
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
        assert rule["shortDescription"]["text"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        for location in (*result["locations"], *result.get("relatedLocations", ())):
            physical = location["physicalLocation"]
            uri = physical["artifactLocation"]["uri"]
            assert uri.isascii()
            assert not set(uri) & set(' <>"%') - {"%"}
            region = physical.get("region", {"startLine": 1})
            assert region["startLine"] >= 1
            assert region.get("endColumn", 99) > region.get("startColumn", 1)
    assert run["results"][-1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].startswith(
        "a%20b/%25%2C%3A"
    )


def test_sarif_of_a_finding_on_the_whole_file():
    findings = lint(Subject(configuration=configuration("log-file /a\n")), only=["no-spool"])
    (result,) = json.loads(sarif_lint(findings))["runs"][0]["results"]
    assert "region" not in result["locations"][0]["physicalLocation"]


def test_junit_is_xml_whatever_is_in_it():
    root = ET.fromstring(junit_lint([*findings_of(TEXT), odd()], ["/etc/pmta/config", "clean.conf"]).encode())
    suites = {suite.get("name"): suite for suite in root.findall("testsuite")}
    assert suites["clean.conf"].get("failures") == "0"
    assert len(suites["clean.conf"].findall("testcase")) == 1
    main = suites["/etc/pmta/config"]
    assert main.get("failures") == "3"
    assert len(main.findall("testcase/failure")) == 3
    assert "address-used-twice" in main.findtext("system-out")
    assert root.get("failures") == "4"


def test_github_annotations_cannot_be_forged():
    lines = github_lint([odd()]).splitlines()
    assert lines == [
        "::error file=a b/%25%2C%3Aé\\x1b.conf,line=2,col=3,endColumn=7,title=Open relay [open-relay]"
        '::m1: x <&>"\\n::error::%250A\\x1b[31m\\x00'
    ]


def test_github_levels():
    text = github_lint(findings_of(TEXT))
    assert text.count("::error ") == 2
    assert text.count("::warning ") == 1
    assert text.count("::notice ") == 1


SECRET = "Zq7xKp9mW3vT"
FORMS = (
    "{name} {secret}",
    "{name} = {secret}",
    "{name}={secret}",
    '{name} "{secret}',
    "{name} {secret} more",
    "{name} {secret}#{secret}",
    "{name} #{secret}",
    "{name} {secret} </domain>",
    "{name} {secret} {{",
    "{name} {secret} <!-- x -->",
    "{name}s {secret}",
)


@pytest.mark.parametrize("name", sorted({s.name for s in catalogue().directives if s.sensitive == "value"}))
@pytest.mark.parametrize("form", FORMS)
def test_no_report_cites_a_secret(name, form):
    """Whatever is wrong with the line of a secret, and wherever it stands, the secret itself is in no report."""
    line = form.format(name=name, secret=SECRET)
    scopes = sorted({scope for spec in catalogue().anywhere(name) for scope in spec.scopes} | {"global", "domain"})
    for scope in scopes:
        text = f"{line}\n" if scope == "global" else f"<{scope} x>\n{line}\n{line}\n</{scope}>\n"
        lines = text.splitlines()
        findings = findings_of(text, whole=True, version="4.0", in_stack=True)
        told = lint_text(findings, source=lambda place, lines=lines: lines[place.line - 1])
        for report in (told, json_lint(findings), sarif_lint(findings), junit_lint(findings), github_lint(findings)):
            assert SECRET not in report


def test_the_same_finding_is_one_entry_with_the_other_places():
    text = "".join(f"<domain d{n}.example>\nmax-msg-rate {n}/M\nretry-after 10m\n</domain>\n" for n in range(1, 13))
    findings = findings_of(text)
    assert len(findings) == 12
    told = lint_text(findings, source=lambda place: text.splitlines()[place.line - 1])
    assert told.count("[rate-unit-case]") == 1
    assert "/etc/pmta/config:2:14: warning:" in told
    assert "The same at 11 more places: line 6 (2/M), line 10" in told
    assert "and 3 more." in told
    assert "12 warnings. 12 can be fixed" in told
    assert len(json.loads(json_lint(findings))["findings"]) == 12
    assert len(json.loads(sarif_lint(findings))["runs"][0]["results"]) == 12


def test_different_findings_are_entries_of_their_own():
    told = lint_text(findings_of("max-msg-ratee 1/h\nmax-smtp-outt 5\nrun-as-root maybe\n"))
    assert told.count("[unknown-directive]") == 2
    assert "The same at" not in told


def test_the_same_finding_on_many_hosts_is_one_entry():
    findings = [replace(odd("/etc/pmta/config", "d"), host=f"m{n}", related=()) for n in range(1, 51)]
    told = lint_text(findings)
    assert told.count("[open-relay]") == 1
    assert "The same at 49 more places, on 50 hosts: m2:/etc/pmta/config:2:3" in told


def test_diagnostics_of_like_hosts_are_one_entry_each():
    notes = [
        Diagnostic(code=code, summary="s", detail=f"<domain d{n}.example> has {n} of it.", host=f"m{n}")
        for n in range(1, 21)
        for code in ("a", "b")
    ]
    told = diagnostics_text(notes, grouped=True)
    assert told.count("S [a]") == 1
    assert told.count("S [b]") == 1
    assert "<domain d1.example> has 1 of it." in told
    assert "The same at 19 more places, on 20 hosts: m10, m11" in told.replace("\n    ", " ")
    assert told.endswith("40 errors.\n")
    assert diagnostics_text(notes).count("S [a]") == 20


def sarif_results(findings, files=None):
    document = json.loads(sarif_lint(findings, files))
    assert document["$schema"].endswith("sarif-2.1.0.json")
    return document["runs"][0]["results"]


def with_sarif_fix(text: str, replacements: list[dict]) -> str:
    """The text with replacements as SARIF 2.1.0 defines them (3.30, 3.57)."""
    lines = text.splitlines(keepends=True)
    starts = [0, *accumulate(len(line) for line in lines)]
    for each in sorted(replacements, key=lambda each: -each["deletedRegion"]["startLine"]):
        region = each["deletedRegion"]
        start = starts[region["startLine"] - 1] + region.get("startColumn", 1) - 1
        last = region.get("endLine", region["startLine"])
        end = starts[last - 1] + region.get("endColumn", 1) - 1
        if "endColumn" not in region:
            end = starts[last - 1] + len(lines[last - 1].rstrip("\r\n"))
        text = text[:start] + each["insertedContent"]["text"] + text[end:]
    return text


@pytest.mark.parametrize(
    "text",
    [
        "<domain x>\n    max-msg-rate 10/M\n</domain>\n",
        "<domain x>\r\n    max-msg-rate 10/M\r\n</domain>\r\n",
        "<pattern-list p>\nreply /a b/ mode=backoff\n</pattern-list>\n",
        "domain x {\n  max-smtp-out 5\n}\n",
        "<domain x>\nmax-smtp-out 5 </domain>\n",
        "log-file /a\nlog-file /a\n",
        "# x\nsync-msg-create yes\n<!-- old -->\n",
    ],
)
def test_sarif_fixes_are_those_of_the_command(text):
    findings = [finding for finding in findings_of(text) if finding.fix]
    assert findings
    for finding, result in zip(findings, sarif_results(findings), strict=True):
        (fix,) = result["fixes"]
        assert set(fix) == {"description", "artifactChanges"}
        (change,) = fix["artifactChanges"]
        assert set(change) == {"artifactLocation", "replacements"}
        for replacement in change["replacements"]:
            assert set(replacement) == {"deletedRegion", "insertedContent"}
        edits = apply_fixes(configuration(text), [finding])
        assert with_sarif_fix(text, change["replacements"]) == edits["/etc/pmta/config"].text


def test_sarif_fixes_name_the_files_of_this_machine():
    (finding,) = findings_of("<domain x>\nmax-msg-rate 10/M\n</domain>\n")
    (result,) = sarif_results([finding], {"/etc/pmta/config": "conf/config"})
    assert result["fixes"][0]["artifactChanges"][0]["artifactLocation"]["uri"] == "conf/config"


def test_sarif_has_no_fix_that_holds_a_secret():
    findings = [f for f in findings_of("<smtp-user u>\n    password = kx9QvLmT2rW8zPbA\n</smtp-user>\n") if f.fix]
    assert findings
    assert all("fixes" not in result for result in sarif_results(findings))


def test_sarif_tells_what_a_comment_ignores():
    text = "http-access 0/0 admin # pmtaform: ignore http-admin-for-everyone because lab\nrun-as-root maybe\n"
    assert [f.rule.code for f in findings_of(text)] == ["bad-boolean"]
    findings = lint(Subject(configuration=configuration(text), whole=False), ignored=True)
    results = {result["ruleId"]: result for result in sarif_results(findings)}
    assert results["http-admin-for-everyone"]["suppressions"] == [
        {"kind": "inSource", "status": "accepted", "justification": "lab"}
    ]
    assert results["bad-boolean"]["suppressions"] == []
    assert all("suppressions" not in result for result in sarif_results(findings_of(text)))
