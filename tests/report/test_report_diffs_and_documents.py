"""Text diffs with secrets masked, and reports as JSON."""

from __future__ import annotations

import json

from hypothesis import given
from report_samples import host, plan, plans, rate

from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.lang.splices import FileEdit, Splice
from pmtaform.plan.document import loads
from pmtaform.plan.model import Plan
from pmtaform.report import diff_lines, diff_text, json_diagnostics, json_plan

BEFORE = ("max-msg-rate 300/h\n", "http-api-key hunter2hunter2\n", "# password oldoldold\n")
EDIT = FileEdit("/etc/pmta/config", BEFORE, (Splice(0, 2, ("max-msg-rate 500/h\n", "http-api-key hunter3hunter3\n")),))


def test_a_diff_masks_secrets_on_both_sides_and_around() -> None:
    assert diff_text("mta1", {EDIT.path: EDIT}) == (
        "Text diff of mta1:\n"
        "--- a/etc/pmta/config\n"
        "+++ b/etc/pmta/config\n"
        "@@ -1,3 +1,3 @@\n"
        "-max-msg-rate 300/h\n"
        "-http-api-key (sensitive)\n"
        "+max-msg-rate 500/h\n"
        "+http-api-key (sensitive)\n"
        " # password (sensitive)\n"
    )


def test_files_stand_in_the_order_of_their_paths_and_unchanged_ones_are_left_out() -> None:
    new = FileEdit("/etc/pmta/a\x1b.conf", (), (Splice(0, 0, ("x 1\n",)),), is_new=True)
    same = FileEdit("/etc/pmta/same.conf", BEFORE, ())
    lines = diff_lines({EDIT.path: EDIT, same.path: same, new.path: new})
    assert lines[:2] == ["--- /dev/null", "+++ b/etc/pmta/a\\x1b.conf"]
    assert "--- a/etc/pmta/config" in lines
    assert not any("same.conf" in line for line in lines)
    assert diff_text("mta1", {same.path: same}) == ""


def test_a_printed_plan_says_its_verdict_and_its_numbers() -> None:
    sample = plan(host("mta1", rate(), unmanaged=7, adopted=("a",)), host("mta2"))
    document = json.loads(json_plan(sample))
    assert list(document)[:6] == ["format", "kind", "verdict", "summary", "dangers", "checksum"]
    assert document["verdict"] == "Plan: 1 to update on 1 of 2 hosts; needs a reload."
    assert document["summary"] == {
        "create": 0,
        "update": 1,
        "delete": 0,
        "impact": "reload",
        "hosts": 2,
        "changed_hosts": 1,
        "failed_hosts": 0,
        "busy_hosts": 0,
        "frozen_hosts": 0,
        "left_different": 0,
        "dangers": 0,
        "errors": 0,
        "adopted": 1,
        "forgotten": 0,
        "unmanaged": 7,
    }


@given(plans)
def test_a_printed_plan_can_be_applied(any_plan: Plan) -> None:
    assert loads(json_plan(any_plan)) == any_plan


def test_diagnostics_as_json() -> None:
    items = [Diagnostic(code="a", summary="b", severity=Severity.WARNING)]
    document = json.loads(json_diagnostics(items))
    assert document["kind"] == "pmtaform-diagnostics"
    assert document["counts"] == {"error": 0, "warning": 1, "info": 0}
    assert document["diagnostics"][0]["code"] == "a"
