"""The library behind the command line: what it promises to those who import it."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from projects import RUNS, ProjectFolder

import pmtaform
from pmtaform import Project, apply_plan, load_stack, make_plan
from pmtaform.errors import Stale
from pmtaform.rollout.model import Event, HostResult, Phase, RunResult, Verdict


def test_the_four_entrances_do_the_main_job_and_print_nothing(
    one: ProjectFolder, capfd: pytest.CaptureFixture[str]
) -> None:
    one.config("postmaster: a@example.com")
    project = Project(one.root)
    stack = load_stack(project.stack_folder("fleet"))
    with project.lock("fleet", "a test"):
        planned = make_plan(project, stack, keep_open=True)
        assert [change.address for change in planned.plan.hosts[0].changes] == ["setting[postmaster]"]
        result = apply_plan(planned)
        planned.close()
    assert {name: host.verdict for name, host in result.hosts.items()} == {"mta1": Verdict.APPLIED}
    assert not make_plan(project, stack).plan.changed
    assert capfd.readouterr() == ("", "")


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = pmtaform.no_such_thing


def test_every_step_of_every_host_is_told_in_order(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    told: list[Event] = []
    project = Project(one.root)
    planned = make_plan(project, project.load("fleet"), keep_open=True, watch=told.append)
    assert [event.phase for event in told] == [Phase.CONNECTING, Phase.PROBING, Phase.PLANNED]
    told.clear()
    apply_plan(planned, watch=told.append)
    planned.close()
    assert [event.phase for event in told] == [Phase.ACTIVATING, Phase.RECORDING, Phase.DONE]
    assert told[-1].verdict is Verdict.APPLIED
    assert [event.seconds for event in told] == sorted(event.seconds for event in told)


def test_a_run_that_is_stopped_begins_no_host(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    stop = threading.Event()
    stop.set()
    project = Project(one.root)
    planned = make_plan(project, project.load("fleet"), keep_open=True)
    result = apply_plan(planned, stop=stop)
    planned.close()
    assert result.interrupted
    assert result.hosts["mta1"].verdict is Verdict.NOT_STARTED
    assert one.host.read() == RUNS


def test_a_plan_is_applied_once(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    project = Project(one.root)
    planned = make_plan(project, project.load("fleet"), keep_open=True)
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
    done = subprocess.run(
        [sys.executable, "-c", program, *words], cwd=one.root, capture_output=True, text=True, check=True
    )
    loaded = next(line for line in done.stdout.splitlines() if line.startswith("LOADED")).split()[1:]
    assert set(loaded) <= set(allowed)
