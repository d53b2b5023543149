"""Worker processes on this machine: the same as without, and none is left."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from projects import ProjectFolder, until

from pmtaform.api import Choice, PlanRequest, Project
from pmtaform.diagnostics import Exit
from pmtaform.execution.fleet import task_of
from pmtaform.execution.processes import ProcessEngine
from pmtaform.execution.tasks import write
from pmtaform.planning.pipeline import load

WANTED = """
config:
  log-file: /var/log/pmta/log
  domain: {gmail.com: {max-smtp-out: 10}}
dkim-keys: {a.org/s: {private-key: "file:keys/a.pem"}}
"""


@pytest.fixture
def fleet(tmp_path: Path) -> ProjectFolder:
    project = ProjectFolder(tmp_path)
    for name in ("mta1", "mta2", "mta3"):
        project.add_host(name)
    project.stack("config: {log-file: /var/log/pmta/log}", activation="none")
    return project


def plain(document: Any) -> Any:
    return {name: value for name, value in document.items() if name not in {"id", "created", "checksum", "seal"}}


def test_the_documents_are_the_same_with_and_without(fleet: ProjectFolder) -> None:
    over, here = (fleet.plan("--format", "json", *more).json() for more in (("--workers", "2"), ()))
    assert plain(over) == plain(here)
    for command in ("drift", "hosts"):
        over, here = (fleet.run(command, "fleet", "--format", "json", *more) for more in (("--workers", "2"), ()))
        assert (over.code, over.json()) == (here.code, here.json()), command
    fleet.apply("--workers", "2").ended(Exit.OK)
    fleet.settled()
    fleet.apply("--workers", "2").ended(Exit.OK)


def test_an_error_is_the_same_with_and_without(fleet: ProjectFolder) -> None:
    fleet.stack(WANTED, activation="none")  # there is no such key file
    over, here = (fleet.plan(*more) for more in (("--workers", "1"), ()))
    assert (over.code, over.err) == (here.code, here.err)
    assert over.code != Exit.OK


def test_a_number_of_processes_is_needed(fleet: ProjectFolder) -> None:
    fleet.plan("--workers", "0").ended(Exit.USAGE)
    assert "no engine" in fleet.plan("--workers", "1", "--executor", "dask").ended(Exit.USAGE).words


def look(fleet: ProjectFolder, engine: ProcessEngine) -> dict[str, Any]:
    project = Project.find(fleet.root)
    draft = load(project, project.load("fleet"), PlanRequest(choice=Choice(hosts=("mta1",))))
    report = engine.run(write(task_of(draft, "mta1")), "", host="mta1", via="", stop=threading.Event())
    document: dict[str, Any] = json.loads(report)
    return document


def test_a_process_that_is_killed_is_replaced(fleet: ProjectFolder) -> None:
    engine = ProcessEngine(fleet.root, 1)
    try:
        first = look(fleet, engine)
        [pid] = engine.pids
        os.kill(pid, signal.SIGKILL)
        until(lambda: not alive(pid))
        second = look(fleet, engine)
        assert engine.pids != [pid]
        assert {**first, "by": ""} == {**second, "by": ""}
    finally:
        engine.close()


def test_no_process_is_left(fleet: ProjectFolder) -> None:
    engine = ProcessEngine(fleet.root, 2)
    look(fleet, engine)
    pids = engine.pids
    engine.close()
    until(lambda: not any(alive(pid) for pid in pids))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_no_process_outlives_the_client(fleet: ProjectFolder, number: int) -> None:
    host = fleet.hosts["mta1"]
    pmta = host.put(f"#!/bin/sh\necho $PPID >{host.root}/asked\nexec sleep 1000\n", "/usr/sbin/pmta", 0o755)
    client = fleet.start("plan", "fleet", "--workers", "1", "--host", "mta1")
    until((pmta.root / "asked").exists, client)
    workers = [pid for pid in children_of_all() if "forkserver" in command_of(pid) and under(pid, client.pid)]
    assert workers
    client.send_signal(number)
    client.communicate(timeout=60)
    until(lambda: not any(alive(pid) for pid in workers))


def children_of_all() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def under(pid: int, above: int) -> bool:
    while pid > 1 and pid != above:
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return False
    return pid == above


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
