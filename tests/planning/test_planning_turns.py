"""Few hosts have trees at the same time, and a large one has them alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from projects import OFFLINE, ProjectFolder

from pmtaform.inspection.turns import Turns
from pmtaform.planning.pipeline import make_plan
from pmtaform.planning.request import PlanRequest
from pmtaform.project import Project
from pmtaform.stack import load_stack

SMALL, LARGE = 1_000, 10_000_000


def test_small_hosts_have_their_turns_together_and_taking_twice_counts_once() -> None:
    turns = Turns()
    with turns.one(SMALL) as first, turns.one(SMALL) as second, turns.one(SMALL) as third:
        for take in (first, second, third, first, second, third):
            take()


def test_a_large_host_waits_until_no_other_has_a_turn() -> None:
    turns, order = Turns(), list[str]()

    def large() -> None:
        with turns.one(LARGE) as take:
            take()
            order.append("large")

    with turns.one(SMALL) as take:
        take()
        thread = threading.Thread(target=large)
        thread.start()
        order.append("small")
    thread.join()
    assert order == ["small", "large"]


def test_a_host_that_needs_no_tree_takes_no_room() -> None:
    turns = Turns()
    with turns.one(LARGE), turns.one(LARGE) as take:
        take()


class Meeting(Executor):
    """Computes in the thread that submits, once as many tasks as there are hosts have arrived."""

    def __init__(self, hosts: int) -> None:
        self._all_here = threading.Barrier(hosts, timeout=30)

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        self._all_here.wait()
        future = Future[Any]()
        future.set_result(work(*arguments, **named))
        return future


def test_a_large_host_gives_its_turn_back_while_another_process_computes(project: ProjectFolder) -> None:
    for name in ("mta1", "mta2"):
        project.add_host(name)
        project.add_file(f"{name}.conf", "# x\n" * 300_000)
    hosts = {name: {**OFFLINE, "native": [f"{name}.conf"]} for name in ("mta1", "mta2")}
    project.stack("config: {domain: {a.example: {max-smtp-out: 5}}}", hosts=hosts)
    with make_plan(Project(project.root), load_stack(project.folder), PlanRequest(executor=Meeting(2))) as planned:
        assert [len(host.changes) for host in planned.plan.hosts] == [1, 1]
