"""What another run has not confirmed is neither this stack's success nor its state."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hosts_waiting import pending, staged
from projects import ProjectFolder

from pmtaform.diagnostics import Exit

# What Anna's pending change makes of mta1 (`hosts_waiting`), as this stack declares it.
AS_PENDING = "config: {log-file: /var/log/pmta/log}\n"


@pytest.fixture
def waiting(project: ProjectFolder) -> Iterator[ProjectFolder]:
    """A host on which a change of another run is in force, and equals what the stack says."""
    project.add_host("mta1").stand_in()
    project.stack(AS_PENDING)
    with pending(project):
        yield project
        project.run("recover", "--revert")


def test_a_plan_does_not_say_that_the_host_is_as_the_stack_says(waiting: ProjectFolder) -> None:
    result = waiting.plan().ended(Exit.LOCKED)
    assert result.out.startswith("No changes can be planned yet. 1 host has a change under way that is not confirmed.")
    assert "as the stack" not in result.words
    document = waiting.plan("--format", "json", "--detailed-exitcode").ended(Exit.LOCKED).json()
    assert document["summary"]["busy_hosts"] == 1
    assert "as the stack" not in document["verdict"]


def test_a_settled_host_beside_it_is_counted_alone(waiting: ProjectFolder) -> None:
    waiting.add_host("mta2").stand_in()
    waiting.stack(AS_PENDING)
    result = waiting.plan().ended(Exit.LOCKED)
    assert 'No changes. 1 host is as the stack "fleet" declares. 1 host has a change under way' in result.words


def test_an_apply_records_nothing_of_it(waiting: ProjectFolder) -> None:
    result = waiting.apply("--format", "json").ended(Exit.LOCKED)
    assert result.lines()[-1]["hosts"][0]["verdict"] == "locked"
    assert "anna@laptop (a change" in waiting.apply().ended(Exit.LOCKED).words
    assert not waiting.state_file.exists() or "mta1" not in waiting.state["hosts"]


def test_drift_and_hosts_do_not_call_it_settled(waiting: ProjectFolder) -> None:
    result = waiting.run("drift").ended(Exit.LOCKED)
    assert "as the last apply left" not in result.words
    (report,) = waiting.run("drift", "--format", "json").ended(Exit.LOCKED).json()["hosts"]
    assert report["busy"] is True
    result = waiting.run("hosts").ended(Exit.LOCKED)
    assert "as the stack declares" not in result.words
    assert "1 with a pending commit" in result.words


def test_an_owned_host_keeps_its_state_while_another_change_waits(project: ProjectFolder) -> None:
    project.add_host("mta1").stand_in()
    project.stack(AS_PENDING)
    project.apply().ended(Exit.OK)
    before = project.state["hosts"]["mta1"]
    with pending(project):
        project.apply().ended(Exit.LOCKED)
        assert project.state["hosts"]["mta1"] == before
        project.run("recover", "--revert").ended(Exit.OK)
    assert project.state["hosts"]["mta1"] == before
    project.settled()


def test_what_is_only_staged_leaves_the_host_as_it_is(project: ProjectFolder) -> None:
    project.add_host("mta1").stand_in()
    project.stack(AS_PENDING)
    with staged(project):
        assert project.plan().ended(Exit.OK).out.startswith("No changes. 1 host is as the stack")
        project.apply().ended(Exit.OK)


def test_an_import_makes_no_stack_of_it(waiting: ProjectFolder) -> None:
    result = waiting.run("import", "taken", "--from", str(waiting.host.root)).ended(Exit.LOCKED)
    assert "anna@laptop (a change" in result.words
    assert not (waiting.root / "stacks/taken").exists()
    waiting.run("recover", "--revert").ended(Exit.OK)
    waiting.run("import", "taken", "--from", str(waiting.host.root)).ended(Exit.OK)
