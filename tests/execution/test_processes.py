"""Worker processes on this machine: the same as without, and none is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from projects import ProjectFolder, until

from pmtaform.api import PlanRequest, Project, make_plan
from pmtaform.diagnostics import Exit
from pmtaform.execution.processes import WorkerPool

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


def test_a_process_does_the_work(fleet: ProjectFolder) -> None:
    fleet.config("postmaster: a@example.com")
    project = Project.find(fleet.root)
    with WorkerPool(1) as pool, make_plan(project, project.load("fleet"), PlanRequest(executor=pool)) as planned:
        assert len(planned.plan.changed) == 3
        assert (len(pool.pids), pool.done_here) == (1, 0)


def test_an_error_is_the_same_with_and_without(fleet: ProjectFolder) -> None:
    fleet.stack(WANTED, activation="none")  # there is no such key file
    over, here = (fleet.plan(*more) for more in (("--workers", "1"), ()))
    assert (over.code, over.err) == (here.code, here.err)
    assert over.code != Exit.OK


@pytest.mark.parametrize("workers", ["0", "-1", "two", "٢", "1000"])
def test_a_number_of_processes_is_needed(fleet: ProjectFolder, workers: str) -> None:
    assert "--workers auto" in fleet.plan(f"--workers={workers}").ended(Exit.USAGE).words
    assert "Omit --executor" in fleet.plan("--workers", "1", "--executor", "dask").ended(Exit.USAGE).words


def test_auto_waits_for_enough_work(fleet: ProjectFolder) -> None:
    assert fleet.plan("--workers", "auto").out == fleet.plan().out
    with WorkerPool(1, is_eager=False) as pool:
        assert pool.submit(os.getpid).result() == os.getpid()
        assert pool.pids == []


def test_an_exception_is_the_clients_own() -> None:
    with WorkerPool(1) as pool, pytest.raises(ValueError, match="invalid literal"):
        pool.submit(int, "x").result()


def test_what_cannot_be_sent_is_done_by_the_client() -> None:
    with WorkerPool(1) as pool:
        assert pool.submit(lambda: os.getpid()).result() == os.getpid()
        assert pool.done_here == 1


def test_much_goes_both_ways_at_once() -> None:
    """More than a pipe holds, in both directions."""
    much = [bytes([number]) * 1_000_000 for number in range(20)]
    with WorkerPool(1) as pool, ThreadPoolExecutor(20) as threads:
        assert list(threads.map(lambda content: pool.submit(bytes, content).result(), much)) == much


def test_a_process_that_is_killed_is_replaced_and_its_work_done_again(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with WorkerPool(1) as pool:
        first = pool.submit(os.getpid).result()
        assert first != os.getpid()
        waiting = pool.submit(Path.read_text, fifo)
        os.kill(first, signal.SIGKILL)
        until(lambda: not alive(first))
        fifo.write_text("read by the client")
        assert waiting.result(timeout=60) == "read by the client"
        assert pool.submit(os.getpid).result() != first


def test_no_process_is_left() -> None:
    with WorkerPool(2) as pool:
        pool.submit(os.getpid).result()
        pids = pool.pids
    assert pids
    until(lambda: not any(alive(pid) for pid in pids))


CLIENT = """
import sys, time
from pmtaform.execution.processes import WorkerPool
if __name__ == "__main__":
    with WorkerPool(1) as pool:
        waiting = pool.submit(time.sleep, 1000)
        print(*pool.pids, flush=True)
        try:
            waiting.result()
        except KeyboardInterrupt:
            sys.exit(130)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_no_process_outlives_the_client(tmp_path: Path, number: int) -> None:
    script = tmp_path / "client.py"
    script.write_text(CLIENT)
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as client:
        assert client.stdout
        pids = [int(word) for word in client.stdout.readline().split()]
        assert pids
        if number == signal.SIGINT:
            os.killpg(client.pid, number)  # as a terminal does
        else:
            client.send_signal(number)
        client.wait(timeout=60)
    until(lambda: not any(alive(pid) for pid in pids))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
