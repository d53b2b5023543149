"""The library behind the command line: what it promises to those who import it."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from projects import RUNS, ProjectFolder

import pmtaform
from pmtaform import (
    ApplyRequest,
    Blocked,
    Exit,
    Locked,
    PlanRequest,
    Project,
    Stale,
    apply_plan,
    drift_of,
    load_plan,
    load_stack,
    make_plan,
    plan_again,
    save_plan,
)
from pmtaform.progress import Event, Phase, Verdict
from pmtaform.rollout.model import HostResult, RunResult

LIBRARY = Path(pmtaform.__file__).parents[1] / "docs/library.md"
PIPELINE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def test_the_four_entrances_do_the_main_job_and_print_nothing(
    one: ProjectFolder, capfd: pytest.CaptureFixture[str]
) -> None:
    one.config("postmaster: a@example.com")
    project = Project(one.root)
    stack = load_stack(project.stack_folder("fleet"))
    planned = make_plan(project, stack, PlanRequest(keep_open=True))
    assert [change.address for change in planned.plan.hosts[0].changes] == ["setting[postmaster]"]
    result = apply_plan(planned)
    planned.close()
    assert {name: host.verdict for name, host in result.hosts.items()} == {"mta1": Verdict.APPLIED}
    assert not make_plan(project, stack).plan.changed
    assert capfd.readouterr() == ("", "")


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = pmtaform.no_such_thing


def test_every_step_of_every_host_is_reported_in_order(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    told: list[Event] = []
    project = Project(one.root)
    planned = make_plan(project, project.load("fleet"), PlanRequest(keep_open=True, watch=told.append))
    assert [event.phase for event in told] == [Phase.CONNECTING, Phase.PROBING, Phase.PLANNED]
    told.clear()
    apply_plan(planned, ApplyRequest(watch=told.append))
    planned.close()
    assert [event.phase for event in told] == [Phase.ACTIVATING, Phase.RECORDING, Phase.DONE]
    assert told[-1].verdict is Verdict.APPLIED
    assert [event.seconds for event in told] == sorted(event.seconds for event in told)


def test_a_run_that_is_stopped_begins_no_host(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    stop = threading.Event()
    stop.set()
    project = Project(one.root)
    planned = make_plan(project, project.load("fleet"), PlanRequest(keep_open=True))
    result = apply_plan(planned, ApplyRequest(stop=stop))
    planned.close()
    assert result.interrupted
    assert result.hosts["mta1"].verdict is Verdict.NOT_STARTED
    assert one.host.read() == RUNS


def test_a_plan_is_applied_once(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    project = Project(one.root)
    planned = make_plan(project, project.load("fleet"), PlanRequest(keep_open=True))
    apply_plan(planned)
    with pytest.raises(Stale, match="serial 0"):
        apply_plan(planned)
    planned.close()


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ((), 0),
        (("applied", "unchanged"), 0),
        (("applied", "unreachable"), 7),
        (("unreachable", "locked"), 5),
        (("locked", "stale"), 4),
        (("stale", "failed", "unreachable"), 3),
        (("rolled back", "applied"), 3),
        (("not started", "applied"), 3),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_the_worst_of_all_hosts_decides_the_exit_code(verdicts: tuple[str, ...], code: int) -> None:
    hosts = {str(n): HostResult(host=str(n), verdict=Verdict(verdict)) for n, verdict in enumerate(verdicts)}
    assert RunResult(run="r", hosts=hosts).exit_code == code
    assert RunResult(run="r", hosts=hosts, interrupted=True).exit_code == 130


DANGEROUS = "relay-domain: ['*']"
WRONG = "virtual-mta-pool: {p: {virtual-mta: [ghost]}}"


@pytest.mark.parametrize(("config", "code"), [(DANGEROUS, "open-relay"), (WRONG, "undefined-virtual-mta")])
def test_no_caller_applies_without_consent(one: ProjectFolder, config: str, code: str) -> None:
    one.config(config)
    project = Project(one.root)
    before = one.host.tree()
    planned = make_plan(project, project.load("fleet"), PlanRequest(keep_open=True))
    with pytest.raises(Blocked) as blocked:
        apply_plan(planned, ApplyRequest(allow=["restart"]))
    codes = {why.code for why in blocked.value.diagnostics}
    assert code in codes
    assert one.host.tree() == before
    assert project.backend("fleet").lock_info() is None
    assert apply_plan(planned, ApplyRequest(allow=codes)).exit_code == Exit.OK
    planned.close()


def test_no_caller_applies_without_the_lock(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    project = Project(one.root)
    planned = make_plan(project, project.load("fleet"), PlanRequest(keep_open=True))
    with project.lock("fleet", "another run") as held:
        with pytest.raises(Locked, match="another run"):
            apply_plan(planned)
        assert one.host.read() == RUNS
        elsewhere = project.lock("other", "mine")
        with pytest.raises(Locked, match="not that of stack"):
            apply_plan(planned, ApplyRequest(lock=elsewhere))
        elsewhere.release()
        assert one.host.read() == RUNS
        assert apply_plan(planned, ApplyRequest(lock=held)).exit_code == Exit.OK
        assert project.backend("fleet").lock_info() == held.info, "it is the caller's to give back"
    with pytest.raises(Locked):
        apply_plan(planned, ApplyRequest(lock=held))
    planned.close()


def test_a_plan_is_saved_loaded_and_made_again(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    project = Project(one.root)
    path = one.root / "plan.json"
    planned = make_plan(project, project.load("fleet"))
    save_plan(planned, path)
    again = plan_again(project, load_plan(path))
    assert apply_plan(again).exit_code == Exit.OK
    again.close()
    one.host.put(RUNS + "postmaster b@example.com\n")
    with pytest.raises(Stale):
        plan_again(project, load_plan(path))
    seen = make_plan(project, project.load("fleet"))
    assert [str(change.address) for change in seen.plan.hosts[0].changes] == ["setting[postmaster]"]
    assert drift_of(seen)["mta1"].blocks


@pytest.mark.parametrize("name", pmtaform.__all__)
def test_every_export_is_there_and_documented(name: str) -> None:
    assert getattr(pmtaform, name)
    if name != "__version__":
        assert f"`{name}`" in LIBRARY.read_text(encoding="utf-8")


def test_the_pipeline_of_the_documentation_runs(one: ProjectFolder) -> None:
    source = PIPELINE.search(LIBRARY.read_text(encoding="utf-8"))
    assert source
    one.config("postmaster: a@example.com")
    for config, code, says in (
        ("postmaster: a@example.com", 0, ""),
        (DANGEROUS, 1, "open-relay"),
        ("postmaster: a@example.com", 0, ""),
    ):
        one.config(config)
        process = subprocess.run(
            [sys.executable, "-c", source[1]], cwd=one.root, capture_output=True, text=True, check=False
        )
        assert process.returncode == code, process.stderr
        assert says in process.stderr
        assert process.stdout == ""
    assert one.host.read() == f"{RUNS}postmaster a@example.com\n"


COSTLY = ("fabric", "paramiko", "deepdiff", "keyring", "cryptography", "rich", "click")


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        (["--version"], ()),
        (["--help"], ("rich",)),
        (["validate"], ("rich",)),
        (["state", "list"], ("rich",)),
        (["plan"], ("rich", "deepdiff")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_imports_only_what_it_needs(one: ProjectFolder, words: list[str], allowed: tuple[str, ...]) -> None:
    one.config("postmaster: a@example.com")
    program = (
        "import sys\nfrom pmtaform.cli import run\ncode = run(sys.argv[1:])\n"
        f"print('LOADED', *[name for name in {COSTLY!r} if name in sys.modules])\n"
        "sys.exit(code)"
    )
    process = subprocess.run(
        [sys.executable, "-c", program, *words], cwd=one.root, capture_output=True, text=True, check=True
    )
    loaded = next(line for line in process.stdout.splitlines() if line.startswith("LOADED")).split()[1:]
    assert set(loaded) <= set(allowed)
