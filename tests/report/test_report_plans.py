"""Printed plans. A case is a folder of `cases/`: `plan.json` (from `pmtaform plan --out`) and `expected.txt`.

`PMTAFORM_UPDATE=1` writes `expected.txt` anew; read the difference before it is committed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import host, place, plan, plans, rate, unreachable

from pmtaform import report
from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.lang.catalogue import Impact
from pmtaform.plan.document import loads
from pmtaform.plan.model import Action, Change, Danger, Left, LeftBy, Plan, Reason, ValueChange
from pmtaform.report import plan_text
from pmtaform.report.verdict import verdict

CASES = sorted(path.parent for path in Path(__file__).parent.glob("cases/*/plan.json"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_plan_is_printed_as_expected(case: Path) -> None:
    text = plan_text(loads((case / "plan.json").read_bytes()))
    expected = case / "expected.txt"
    if os.environ.get("PMTAFORM_UPDATE"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


LEFT = Left("domain[a]", Action.UPDATE, LeftBy.TARGET)
IGNORED = Left("domain[b]", Action.DELETE, LeftBy.IGNORE)
NOTHING = plan(host("mta1"), host("mta2"))


@pytest.mark.parametrize(
    ("given_plan", "says"),
    [
        (plan(), "No hosts are selected."),
        (plan(host("mta1")), 'No changes. 1 host is as the stack "demo" declares.'),
        (NOTHING, 'No changes. 2 hosts are as the stack "demo" declares.'),
        (
            plan(host("a"), selection={"targets": ("domain[**]",)}),
            'No changes. 1 host is as the stack "demo" declares.',
        ),
        (plan(host("a", left=(LEFT,))), "No changes to make on 1 host. 1 difference stays because of --target."),
        (
            plan(host("a", rate(), left=(LEFT,)), host("b", left=(LEFT, IGNORED))),
            "Plan: 1 to update on 1 of 2 hosts; needs a reload. 3 differences stay because of --target (2), "
            "lifecycle.ignore (1).",
        ),
        (
            plan(host("a", rate(), frozen=True), host("b", frozen=True)),
            "Plan: 1 to update on 1 of 2 hosts; needs a reload. 1 host with changes is frozen.",
        ),
        (plan(failures={"b": unreachable("b")}), "No host could be planned. 1 host could not be reached."),
        (
            plan(host("a"), failures={"b": unreachable("b"), "c": Diagnostic(code="agent-failed", summary="x")}),
            'No changes. 1 host is as the stack "demo" declares. 1 host could not be reached. '
            "1 host could not be planned.",
        ),
        (plan(host("a", rate())), "Plan: 1 to update on 1 host; needs a reload."),
        (plan(host("a", rate()), host("b")), "Plan: 1 to update on 1 of 2 hosts; needs a reload."),
        (
            plan(host("a", rate()), host("b", rate(impact=Impact.RESTART))),
            "Plan: 2 to update on 2 hosts; needs a restart on 1 host, a reload on 1.",
        ),
        (
            plan(host("a", rate()), host("b", rate(impact=Impact.NONE))),
            "Plan: 2 to update on 2 hosts; needs a reload on 1 host.",
        ),
        (plan(host("a", rate(impact=Impact.NONE))), "Plan: 1 to update on 1 host; needs no reload."),
        (
            plan(host("a", rate(dangers=(Danger("rate-raised", "much"),)))),
            "Plan: 1 to update on 1 host; needs a reload. 1 danger needs consent.",
        ),
    ],
)
def test_the_first_line_is_the_verdict(given_plan: Plan, says: str) -> None:
    assert verdict(given_plan) == says
    assert plan_text(given_plan).splitlines()[0] == says


def test_what_is_left_different_is_named_with_what_keeps_it() -> None:
    text = plan_text(plan(host("a", left=(LEFT, IGNORED)), host("b", left=(LEFT,))))
    assert "  --target, else to update: a:domain[a], b:domain[a]\n" in text
    assert "  lifecycle.ignore, else to delete: a:domain[b]\n" in text


def test_a_note_of_the_run_names_no_host() -> None:
    gone = Diagnostic(code="host-not-in-stack", summary="a host left", severity=Severity.WARNING)
    own = Diagnostic(code="frozen", summary="it is frozen", severity=Severity.WARNING, host="a")
    text = plan_text(plan(host("a", notes=(own,)), host("b"), notes=(gone,)))
    assert "\n  warning: A host left [host-not-in-stack]\n" in text
    assert "\n  a: warning: It is frozen [frozen]\n" in text


def test_a_protected_block_is_not_called_as_the_stack_says() -> None:
    note = Diagnostic(code="protected", summary="a protected block would change", severity=Severity.ERROR)
    text = plan_text(plan(host("a", notes=(note,))))
    assert text.startswith("No changes to make on 1 host. 1 problem is listed below.\n")
    assert "a: error: A protected block would change [protected]" in text


def test_hosts_that_change_alike_are_shown_once() -> None:
    text = plan_text(plan(host("a", rate()), host("b", rate(after="9/h")), host("c", rate())))
    assert text.count("300/h -> 500/h") == 1
    assert "\na, c (2 hosts)\n" in text
    assert "\nb\n" in text


def test_many_hosts_are_named_by_the_first_few() -> None:
    text = plan_text(plan(*(host(f"mta{i}", rate()) for i in range(40))))
    assert "\nmta0, mta1, mta2, mta3 and 36 more (40 hosts)\n" in text


def test_a_place_that_differs_between_hosts_is_left_out() -> None:
    text = plan_text(plan(host("a", rate()), host("b", rate(place=place(99)))))
    assert "a, b (2 hosts)" in text
    assert "config.yaml" not in text


def test_a_long_block_is_cut_and_says_so() -> None:
    values = tuple(ValueChange((), f"directive-{i}", (), ("yes",)) for i in range(60))
    change = Change(address="domain[x]", action=Action.CREATE, reason=Reason.NEW, values=values)
    text = plan_text(plan(host("a", change)))
    assert "directive-39" in text
    assert "directive-40" not in text
    assert "... 20 more lines (--diff or --format json shows all)" in text
    assert "directive-59" in plan_text(plan(host("a", change)), most=None)


def rules(before: tuple[str, ...], after: tuple[str, ...], name: str = "") -> str:
    values = (ValueChange((), name, before, after),)
    return plan_text(plan(host("a", rate(values=values))))


def test_of_a_list_only_lines_that_differ_are_shown() -> None:
    text = rules(("reply /a/ x", "reply /b/ x"), ("reply /a/ x", "reply /c/ x", "reply /b/ x"))
    assert "+ reply /c/ x  (line 2 of 3)" in text
    assert "/a/" not in text
    assert "order" not in text


def test_a_new_order_is_stated() -> None:
    text = rules(("a", "b", "c"), ("b", "c", "a"))
    assert "the order changes:" in text
    assert "~ a  (after c)" in text
    long = tuple(str(i) for i in range(1000))
    assert "the same 1000 lines in another order" in rules(long, long[::-1])


def test_lines_that_differ_where_nothing_is_shown_are_stated_to() -> None:
    assert "(changed in a part that is not shown)" in rules(("(sensitive)",) * 2, ("(sensitive)",) * 2, "password")
    assert "(sensitive) -> (sensitive)  (changed)" in rules(("(sensitive)",), ("(sensitive)",), "password")


def test_long_values_stand_below_each_other() -> None:
    text = rules(("x" * 60,), ("y" * 60,), "smtp-listener")
    assert f"- {'x' * 60}\n" in text
    assert f"+ {'y' * 60}\n" in text


def test_diffs_are_shown_once_for_hosts_with_the_same() -> None:
    lines = ["--- a/etc/pmta/config", "+++ b/etc/pmta/config", "@@ -1 +1 @@", "-a", "+b"]
    text = plan_text(plan(host("a", rate()), host("b", rate())), diffs={"a": lines, "b": lines, "c": []})
    assert "Text diff of a, b:\n--- a/etc/pmta/config\n" in text
    assert text.count("@@ -1 +1 @@") == 1


def test_colour_is_only_added() -> None:
    sample = plan(host("a", rate(dangers=(Danger("x", "y"),))), failures={"b": unreachable("b")})
    coloured = plan_text(sample, colour=True)
    assert "\x1b[" in coloured
    plain = coloured
    for code in ("0", "1", "2", "31", "32", "33", "36", "1;36", "31;1", "1;31"):
        plain = plain.replace(f"\x1b[{code}m", "")
    assert plain == plan_text(sample)


@given(plans, st.integers(1, 200))
def test_nothing_that_a_terminal_would_obey_is_printed(any_plan: Plan, width: int) -> None:
    text = plan_text(any_plan, width=width)
    assert text.replace("\n", "").isprintable()
    text.encode("utf-8")


def test_a_stack_or_host_cannot_inject_escapes() -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\r\n+ fake line\u202e"
    change = rate(address=f"domain[{evil}]", before=evil, after=evil, file=evil, impact_note=evil)
    text = plan_text(plan(host(evil, change, dangers=(Danger(evil, evil),)), stack=evil))
    assert "\x1b" not in text
    assert "\r" not in text
    assert "\u202e" not in text


def test_prose_keeps_to_the_width() -> None:
    sample = plan(host("a", rate(dangers=(Danger("x", "word " * 80),))))
    assert all(len(line) <= 70 for line in plan_text(sample, width=70).splitlines() if "word" in line)


@pytest.mark.parametrize(
    ("imports", "unwanted"),
    [
        ("pmtaform.report.style", ("rich", "pmtaform.lang", "pmtaform.plan", "textwrap")),
        ("pmtaform.report.problems", ("rich", "pmtaform.lang", "pmtaform.plan")),
        ("pmtaform.report.plans, pmtaform.report.progress, pmtaform.report.runs", ("rich", "deepdiff", "fabric")),
    ],
)
def test_a_report_imports_only_what_it_needs(imports: str, unwanted: tuple[str, ...]) -> None:
    code = f"import sys, {imports}; print([m for m in {unwanted!r} if m in sys.modules])"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "[]"


def test_every_public_name_can_be_had() -> None:
    for name in report.__all__:
        assert callable(getattr(report, name))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = report.nonsense
