"""`pmtaform history`: who did what when, and what became of it."""

from __future__ import annotations

import json

import pytest
from projects import ProjectFolder

from pmtaform.diagnostics import Exit
from pmtaform.state import FileBackend, Journal


@pytest.fixture
def two(project: ProjectFolder) -> ProjectFolder:
    """Two hosts, applied to once; then one of them alone."""
    project.add_host("mta1")
    project.add_host("mta2")
    project.config("postmaster: a@example.com")
    project.apply().ended(Exit.OK)
    project.config("postmaster: b@example.com")
    project.apply("--host", "mta2").ended(Exit.OK)
    return project


def journal(project: ProjectFolder, now: str = "2099-01-31T12:00:00Z") -> Journal:
    return Journal(FileBackend(project.root / "state", "fleet").events, clock=lambda: now)


def runs(project: ProjectFolder, *arguments: str) -> list[dict[str, object]]:
    document = project.run("history", "--format", "json", *arguments).ended(Exit.OK).json()
    assert (document["format"], document["kind"], document["stack"]) == (1, "pmtaform-history", "fleet")
    listed: list[dict[str, object]] = document["runs"]
    return listed


def test_before_the_first_apply_there_is_none(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    assert "Nothing was applied to stack fleet yet." in one.run("history").ended(Exit.OK).out
    assert "Nothing was applied to mta1 of stack fleet yet." in one.run("history", "mta1").ended(Exit.OK).out


def test_each_run_says_who_when_what_and_what_became_of_every_host(two: ProjectFolder) -> None:
    first, second = runs(two)
    assert sorted(host["host"] for host in first["hosts"]) == ["mta1", "mta2"]  # type: ignore[attr-defined]
    assert [(h["host"], h["outcome"], h["generation"]) for h in second["hosts"]] == [("mta2", "applied", 2)]  # type: ignore[attr-defined]
    assert first["started"] <= second["started"]  # type: ignore[operator]
    state = two.state["hosts"]["mta2"]
    assert (second["who"], second["plan"], second["commit"]) == (state["who"], state["plan"], state["commit"])
    assert second["what"] == "apply"
    assert second["outcome"] == "ok"
    text = two.run("history").ended(Exit.OK).out
    assert text.index(str(first["run"])) < text.index(str(second["run"]))
    assert f"{second['who']}  apply: ok" in text
    assert "applied: mta2 (generation 2)" in text


def test_of_one_host_only_what_had_to_do_with_it(two: ProjectFolder) -> None:
    (only,) = runs(two, "mta1")
    assert [host["host"] for host in only["hosts"]] == ["mta1"]  # type: ignore[attr-defined]
    assert len(runs(two, "mta2")) == 2


def test_the_limit_keeps_the_newest_and_says_what_it_left_out(two: ProjectFolder) -> None:
    everything = runs(two, "--limit", "0")
    assert runs(two, "--limit", "1") == everything[1:]
    assert "1 earlier run not shown" in two.run("history", "--limit", "1").out
    assert two.run("history", "--limit", "1", "--format", "json").json()["earlier"] == 1


def test_a_rollback_is_in_it_too(two: ProjectFolder) -> None:
    two.run("rollback", "mta2", "--auto-approve").ended(Exit.OK)
    last = runs(two)[-1]
    assert "roll" in str(last["what"])
    assert [host["host"] for host in last["hosts"]] == ["mta2"]  # type: ignore[attr-defined]


def test_a_run_that_was_killed_is_reported_as_unfinished(two: ProjectFolder) -> None:
    journal(two).start("killed-1", who="ann@ops", what="apply", plan="killed-1", commit="abc")
    last = runs(two)[-1]
    assert (last["unfinished"], last["ended"], last["outcome"]) == (True, None, None)
    text = two.run("history").out
    assert "ann@ops  apply: unfinished" in text
    assert "it was killed, or is still running" in text
    assert "run killed-1, commit abc" in text
    assert "`--live` reads it from the host" in two.run("history", "mta1").out


def test_a_host_that_failed_says_why(two: ProjectFolder) -> None:
    kept = journal(two)
    kept.start("r9", who="ann@ops", what="apply", plan="r9", commit=None)
    kept.host("r9", "mta1", "rolled back", reason="PowerMTA refused it \x1b[31m")
    kept.end("r9", "some_failed")
    text = two.run("history", "mta1").out
    assert "ann@ops  apply: some failed" in text
    assert "rolled back: mta1: PowerMTA refused it" in text
    assert "\x1b" not in text


def test_a_line_that_a_crash_cut_short_is_reported_and_spoils_nothing(two: ProjectFolder) -> None:
    path = two.root / "state/fleet.journal"
    path.write_bytes(b'{"at": "2026-0\n' + path.read_bytes())
    result = two.run("history").ended(Exit.OK)
    assert "[journal-damaged]" in result.err
    assert "fleet.journal:1" in result.err
    assert result.out.count("apply: ok") == 2


def test_without_its_start_a_run_is_still_told(two: ProjectFolder) -> None:
    path = two.root / "state/fleet.journal"
    path.write_bytes(b"\n".join(path.read_bytes().split(b"\n")[1:]))
    first, _ = runs(two)
    assert sorted(host["host"] for host in first["hosts"]) == ["mta1", "mta2"]  # type: ignore[attr-defined]
    assert "(its start cannot be read)" in two.run("history").out


def test_a_host_that_left_the_stack_keeps_its_history(two: ProjectFolder) -> None:
    del two.hosts["mta1"]
    two.config("postmaster: b@example.com")
    assert len(runs(two, "mta1")) == 1
    assert "cannot be asked" in two.run("history", "mta1", "--live").ended(Exit.USAGE).words


def test_a_host_that_never_was_is_a_slip(two: ProjectFolder) -> None:
    result = two.run("history", "mta3").ended(Exit.USAGE)
    assert "[no-such-host]" in result.err


def test_live_joins_what_the_host_keeps_to_its_runs(two: ProjectFolder) -> None:
    first, second = runs(two, "mta2", "--live")
    assert [run["hosts"][0]["kept"]["files"] for run in (first, second)] == [["/etc/pmta/config"]] * 2  # type: ignore[index]
    assert "kept on the host: /etc/pmta/config" in two.run("history", "mta2", "--live").out
    assert all(run["in_journal"] for run in (first, second))


def test_live_tells_runs_that_were_made_from_elsewhere(two: ProjectFolder) -> None:
    known = runs(two, "mta2")
    (two.root / "state/fleet.journal").unlink()
    result = runs(two, "mta2", "--live")
    assert [run["run"] for run in result] == [run["run"] for run in known]
    assert not any(run["in_journal"] for run in result)
    assert "made from another machine" in two.run("history", "mta2", "--live").out


def test_live_counts_an_adoption_to_its_run(one: ProjectFolder) -> None:
    """A first apply that changes nothing leaves a generation without files: it is of this journal too."""
    one.host.put("postmaster a@example.com\n")
    one.config("postmaster: a@example.com")
    one.apply().ended(Exit.OK)
    known = runs(one, "mta1")
    live = runs(one, "mta1", "--live")
    assert [run["run"] for run in live] == [run["run"] for run in known]
    assert all(run["in_journal"] for run in live)
    assert "kept on the host: no file" in one.run("history", "mta1", "--live").out
    assert "(no file changed)" in one.run("rollback", "mta1", "--list").out
    (one.root / "state/fleet.journal").unlink()
    assert [run["run"] for run in runs(one, "mta1", "--live")] == [run["run"] for run in known]


def test_live_says_what_became_of_a_host_whose_run_was_killed(two: ProjectFolder) -> None:
    path = two.root / "state/fleet.journal"
    lines = path.read_bytes().splitlines(keepends=True)
    starts = [line for line in lines if json.loads(line)["event"] == "run-started"]
    path.write_bytes(b"".join(starts))
    last = runs(two, "mta2", "--live")[-1]
    assert last["unfinished"]
    assert [(h["outcome"], h["generation"]) for h in last["hosts"]] == [("applied", 2)]  # type: ignore[attr-defined]


def test_live_needs_a_host(two: ProjectFolder) -> None:
    assert "[live-needs-host]" in two.run("history", "--live").ended(Exit.USAGE).err
