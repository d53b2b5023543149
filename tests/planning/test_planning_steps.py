"""A step takes part in a plan only where the stack uses its feature, and costs nothing elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from projects import OFFLINE, ProjectFolder

from pmtaform.planning import pipeline
from pmtaform.planning.draft import Draft
from pmtaform.planning.pipeline import make_plan
from pmtaform.planning.step import Step
from pmtaform.planning.steps import STEPS
from pmtaform.planning.steps.dns import DnsStep
from pmtaform.planning.steps.expiry import ExpiryStep
from pmtaform.planning.steps.freeze import FreezeStep
from pmtaform.planning.steps.rotation import RotationStep
from pmtaform.project import Project
from pmtaform.stack import Stack

CONFIG = "config: {postmaster: a@example.com}\n"
USES = {
    DnsStep: "dns: warn\n",
    ExpiryStep: "files: {/etc/pmta/extra.conf: {text: '# nothing', role: fragment}}\n",
    FreezeStep: "freeze: {until: 2999-01-01, reason: holidays}\n",
    RotationStep: "dkim-keys:\n  example.com/s: {private-key: 'file:keys/${selector}.pem', rotation: {every: 90d}}\n",
}

# What only stacks need that use a feature: modules by the step that they belong to.
OWN = {
    DnsStep: ("pmtaform.dns.touched", "pmtaform.dns.live", "dns"),
    ExpiryStep: ("cryptography",),
    RotationStep: ("pmtaform.signing", "pmtaform.dkim.status", "pmtaform.planning.rotation_notes"),
}

LOADED = """
import json, sys
from pathlib import Path
from pmtaform import Project, make_plan
project = Project(Path(sys.argv[1]))
make_plan(project, project.load("fleet"))
print(json.dumps(sorted(sys.modules)))
"""


def steps_of(project: ProjectFolder, body: str) -> set[type[Step]]:
    project.stack(body, **OFFLINE)
    stack = Project(project.root).load("fleet")
    return {step for step in STEPS if step.applies(stack)}


@pytest.mark.parametrize("step", USES, ids=lambda step: step.__name__)
def test_a_step_applies_where_the_stack_uses_its_feature(one: ProjectFolder, step: type[Step]) -> None:
    assert step not in steps_of(one, CONFIG)
    assert step in steps_of(one, CONFIG + USES[step])


def test_every_step_that_a_stack_may_leave_out_is_tested() -> None:
    assert [step.__name__ for step in STEPS if step not in USES] == ["DangersStep", "LintStep"]


def test_a_step_that_does_not_apply_is_not_called(one: ProjectFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    class Unused(Step):
        def __init__(self) -> None:
            raise AssertionError("it does not apply")

        @staticmethod
        def applies(stack: Stack) -> bool:
            return not stack.hosts

    one.stack(CONFIG, **OFFLINE)
    monkeypatch.setattr(pipeline, "STEPS", (*STEPS, Unused))
    root = Project(one.root)
    assert make_plan(root, root.load("fleet")).plan.changed


def test_hooks_are_called_in_the_order_of_the_plan(one: ProjectFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []

    class Watching(Step):
        @staticmethod
        def applies(stack: Stack) -> bool:
            return bool(stack.hosts)

        def prepare(self, draft: Draft) -> None:
            called.append(f"prepare {len(draft.targets)} {len(draft.hosts)}")

        def reconcile(self, draft: Draft) -> tuple[str, ...]:
            called.append(f"reconcile {len(draft.targets)} {len(draft.hosts)}")
            return ("mta1",) if len(called) == 2 else ()

        def advise(self, draft: Draft) -> None:
            called.append(f"advise {len(draft.targets)} {len(draft.hosts)}")

        def consent(self, draft: Draft) -> None:
            called.append(f"consent {len(draft.targets)} {len(draft.hosts)}")

    one.stack(CONFIG, **OFFLINE)
    monkeypatch.setattr(pipeline, "STEPS", (Watching,))
    root = Project(one.root)
    make_plan(root, root.load("fleet"))
    assert called == ["prepare 0 0", "reconcile 1 0", "reconcile 1 0", "advise 1 1", "consent 1 1"]


def test_a_plan_loads_only_what_its_stack_uses(one: ProjectFolder) -> None:
    one.stack(CONFIG, **OFFLINE)
    words = [sys.executable, "-c", LOADED, str(one.root)]
    modules = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    for step, names in OWN.items():
        loaded = [m for m in modules if any(m == name or m.startswith(f"{name}.") for name in names)]
        assert loaded == [], step.__name__


def test_an_unchanged_host_loads_neither_lint_nor_dangers(one: ProjectFolder) -> None:
    one.stack(CONFIG, **OFFLINE)
    one.apply().ended(0)
    words = [sys.executable, "-c", LOADED, str(one.root)]
    modules = set(json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout))
    assert modules & {"pmtaform.plan.dangers.limits", "pmtaform.plan.dangers.signing"} == set()
    assert modules & {"pmtaform.planning.host_lint", "pmtaform.inspection.reading"} == set()
