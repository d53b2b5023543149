"""Every command on its good day: what it prints, where, and its exit code."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from projects import PROGRAM, RUNS, ProjectFolder, addresses
from terminal import QUESTION, talk

from pmtaform import __version__
from pmtaform.diagnostics import Exit

COMMANDS = [
    *(("init",), ("validate",), ("schema",), ("render",), ("plan",), ("apply",), ("show",), ("rollback",)),
    *(("drift",), ("state",), ("state", "list"), ("state", "show"), ("unlock",)),
    *(("warm",), ("warm", "status"), ("warm", "stop")),
]


# -- help and usage ----


@pytest.mark.parametrize("words", [(), *COMMANDS], ids=" ".join)
def test_help_is_on_stdout_and_names_the_command(project: ProjectFolder, words: tuple[str, ...]) -> None:
    for option in ("--help", "-h"):
        result = project.run(*words, option).ended(Exit.OK)
        assert result.out.startswith("Usage: pmtaform " + " ".join(words))
        assert result.err == ""


def test_help_lists_every_exit_code(project: ProjectFolder) -> None:
    result = project.run("--help")
    for code in Exit:
        assert f"{int(code)} " in result.words


def test_the_version(project: ProjectFolder) -> None:
    assert project.run("--version").ended(Exit.OK).out == f"pmtaform {__version__}\n"


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("state",),
        ("no-such-command",),
        ("plan", "--no-such-option"),
        ("plan", "--format", "xml"),
        ("plan", "one", "two"),
        ("show",),
        ("render",),
        ("rollback",),
        ("rollback", "mta1", "--to", "many"),
        ("rollback", "mta1", "--to", "0"),
        ("--no-such-option",),
        ("plan", "--host"),
    ],
    ids=" ".join,
)
def test_usage_errors_exit_64_and_say_what_is_wrong(one: ProjectFolder, words: tuple[str, ...]) -> None:
    one.config("postmaster: a@example.com")
    result = one.run(*words).ended(Exit.USAGE)
    assert result.all.strip()
    assert "Traceback" not in result.all


# -- projects and stacks ----


def test_outside_a_project_it_says_how_to_begin_one(tmp_path: Path, project: ProjectFolder) -> None:
    lonely = ProjectFolder(tmp_path / "empty")
    lonely.root.mkdir()
    result = lonely.run("plan").ended(Exit.USAGE)
    assert "stacks/" in result.words
    assert "pmtaform init" in result.words


def test_the_project_is_the_nearest_folder_upwards_that_holds_stacks(
    one: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    one.config("postmaster: a@example.com")
    monkeypatch.chdir(one.folder / "hosts")
    process = subprocess.run([*PROGRAM, "validate"], capture_output=True, text=True, check=True)
    assert process.stdout == 'Stack "fleet" is valid: 1 host.\n'


def test_minus_c_names_another_project(one: ProjectFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one.config("postmaster: a@example.com")
    monkeypatch.chdir(tmp_path)
    assert one.run("validate").ended(Exit.OK).out == 'Stack "fleet" is valid: 1 host.\n'
    one.apply().ended(Exit.OK)
    assert one.state_file.exists()
    assert not (tmp_path / "state").exists()


def test_with_two_stacks_one_has_to_be_named(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    other = one.root / "stacks/other"
    other.mkdir()
    (other / "stack.yaml").write_text("stack: other\n")
    result = one.run("plan").ended(Exit.USAGE)
    assert "fleet" in result.words
    assert "other" in result.words
    one.run("plan", "fleet").ended(Exit.OK)
    one.run("plan", str(one.folder)).ended(Exit.OK)


def test_an_unknown_stack_gets_a_did_you_mean(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    for command in (("validate", "fleat"), ("plan", "fleat"), ("apply", "fleat"), ("drift", "fleat")):
        assert 'Did you mean "fleet"?' in one.run(*command).ended(Exit.USAGE).words


def test_init_writes_a_stack_that_is_valid_and_no_host_is_needed_for_that(project: ProjectFolder) -> None:
    result = project.run("init", "mine").ended(Exit.OK)
    assert "stacks/mine" in result.out
    assert project.run("validate", "mine").ended(Exit.OK).err == ""  # no warning either
    again = project.run("init", "mine")
    assert again.code != Exit.OK
    assert project.run("init", "../evil").code != Exit.OK
    assert not (project.root / "evil").exists()


def test_render_prints_the_whole_configuration_of_a_host(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com\ndomain:\n  gmail.com: {max-smtp-out: 20}")
    result = one.run("render", "mta1").ended(Exit.OK)
    assert "postmaster a@example.com\n" in result.out
    assert "<domain gmail.com>\n    max-smtp-out 20\n</domain>\n" in result.out
    assert one.host.read() == RUNS
    assert one.run("render", "mta1", "--file", "/etc/pmta/config").ended(Exit.OK).out == result.out
    one.run("render", "mta1", "--file", "/etc/pmta/nothing").ended(Exit.USAGE)
    assert 'Did you mean "mta1"?' in one.run("render", "mta2").ended(Exit.USAGE).words


def test_the_schema_is_a_json_schema(project: ProjectFolder) -> None:
    assert "$schema" in project.run("schema").ended(Exit.OK).json()


# -- validate ----


def test_validate_looks_at_no_host_and_asks_for_no_secret(project: ProjectFolder) -> None:
    project.stack(
        """
        dkim-keys:
          example.com/s1: {private-key: "command:false"}
        """,
        hosts={"mta1": {"root": "nowhere"}},
    )
    project.run("validate").ended(Exit.OK)
    assert not (project.root / "state").exists()


def test_validate_tells_all_errors_at_once_each_with_its_place(one: ProjectFolder) -> None:
    one.config("postmastr: a@example.com\ndomain:\n  gmail.com: {max-smtp-out: lots}")
    result = one.run("validate").ended(Exit.INVALID)
    assert result.out == ""
    assert "stack.yaml:5:3" in result.err
    assert 'Did you mean "postmaster"?' in result.words
    assert "stack.yaml:7:" in result.err


def test_validate_in_json_is_one_document(one: ProjectFolder) -> None:
    one.config("postmastr: a@example.com")
    result = one.run("validate", "--format", "json").ended(Exit.INVALID)
    assert result.json()["counts"]["error"] == 1
    assert result.json()["diagnostics"][0]["code"] == "unknown-directive"


# -- plan and apply ----


def test_the_main_job(live: ProjectFolder) -> None:
    """Plan, apply, plan empty: the first line is the verdict, and PowerMTA runs what was written."""
    live.stack("config: {postmaster: a@example.com, domain: {gmail.com: {max-smtp-out: 20}}}")
    result = live.plan().ended(Exit.OK)
    assert result.out.splitlines()[0] == "Plan: 2 to create on 1 host; needs a reload."
    assert live.host.read() == RUNS
    live.plan("--detailed-exitcode").ended(Exit.CHANGES)
    outcome = live.apply().ended(Exit.OK)
    assert "mta1  applied (generation 1)" in outcome.out
    assert live.host.in_force == live.host.read()
    assert "postmaster a@example.com\n" in live.host.in_force
    assert live.host.starts == 1, "a reload was enough"
    live.settled()
    live.plan("--detailed-exitcode").ended(Exit.OK)
    assert live.host.leftovers() == []


def test_a_saved_plan_is_shown_and_applied_without_a_question(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    path = one.save_plan()
    assert Path(path).stat().st_mode & 0o777 == 0o600
    shown = one.run("show", path).ended(Exit.OK)
    assert shown.out == one.plan().out
    assert one.run("show", path, "--format", "json").json()["kind"] == "pmtaform-plan"
    one.run("apply", path).ended(Exit.OK)
    assert one.host.read() == RUNS + "postmaster a@example.com\n"
    one.settled()


def test_a_plan_in_json_can_be_applied_as_a_plan_file_can(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    result = one.plan("--format", "json").ended(Exit.OK)
    assert addresses(result) == {("create", "setting[postmaster]")}
    assert result.json()["verdict"].startswith("Plan: 1 to create")
    path = one.root / "plan.json"
    path.write_text(result.out)
    one.run("apply", str(path)).ended(Exit.OK)
    one.settled()


def test_an_apply_in_json_says_a_line_for_each_step_and_its_result_last(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    *events, result = one.apply("--format", "json").ended(Exit.OK).lines()
    assert {event["kind"] for event in events} == {"pmtaform-event"}
    assert result["kind"] == "pmtaform-run"
    assert [(h["host"], h["verdict"]) for h in result["hosts"]] == [("mta1", "applied")]


def test_a_diff_shows_the_text_with_secrets_masked(one: ProjectFolder) -> None:
    one.host.put(RUNS + "<smtp-user anna>\n    password old-canary\n</smtp-user>\n")
    one.add_file("anna", "new-canary-with-many-letters")
    one.config("postmaster: a@example.com\nsmtp-user:\n  anna: {password: {secret: file:anna}}")
    result = one.plan("--diff").ended(Exit.OK)
    assert "+postmaster a@example.com" in result.out
    assert " log-file /var/log/pmta/log" in result.out
    assert "canary" not in result.all


def test_a_choice_of_hosts_and_blocks_cannot_be_added_to_a_saved_plan(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    result = one.run("apply", one.save_plan(), "--host", "mta1").ended(Exit.USAGE)
    assert "--host" in result.words
    assert one.host.read() == RUNS


# -- approval ----


def test_nothing_is_applied_that_no_one_approved(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    with one.start("apply", stdin=subprocess.DEVNULL) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == Exit.USAGE
    assert out.startswith("Plan: 1 to create")
    assert "--auto-approve" in err
    assert one.host.read() == RUNS
    assert not one.state_file.exists()


def test_json_has_no_room_for_a_question(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    code, out = on_a_terminal(one, "yes\n", "apply", "--format", "json")
    assert code == Exit.USAGE
    assert "--auto-approve" in out
    assert one.host.read() == RUNS


@pytest.mark.parametrize(
    ("answer", "code", "applied"),
    [("yes\n", 0, True), ("no\n", 1, False), ("y\n", 1, False), ("\n", 1, False), ("\x04", 1, False)],
    ids=["yes", "no", "y", "empty", "end of file"],
)
def test_only_yes_is_taken_for_an_answer(one: ProjectFolder, answer: str, code: int, applied: bool) -> None:
    one.config("postmaster: a@example.com")
    ended, out = on_a_terminal(one, answer, "apply")
    assert "Apply these changes to 1 host?" in out
    assert (ended, one.host.read() != RUNS) == (code, applied), out


def test_nothing_is_asked_when_nothing_is_to_change(one: ProjectFolder) -> None:
    one.config("log-file: /var/log/pmta/log")
    result = one.run("apply").ended(Exit.OK)
    assert result.out.startswith("No changes.")


def on_a_terminal(project: ProjectFolder, answer: str, *words: str) -> tuple[int, str]:
    """The exit code and the screen of a command that is answered once it asks, or ends by itself."""
    result = talk(project.root, list(words), {QUESTION: answer})
    return result.code, " ".join(result.seen.split())


# -- pipes ----


def test_a_reader_that_goes_away_ends_nothing(one: ProjectFolder) -> None:
    """`pmtaform apply --auto-approve | head -1`: the work goes on, and the exit code is its own."""
    domains = "".join(f"  d{n}.example.com: {{max-smtp-out: 7}}\n" for n in range(3000))
    one.config(f"domain:\n{domains}")
    with one.start("apply", "--auto-approve") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Plan: 3000 to create")
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
    assert process.returncode == Exit.OK
    assert all(line.startswith("mta1: ") for line in err.splitlines()), err
    assert one.host.read().count("<domain ") == 3000
    with one.start("render", "mta1") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
    assert (process.returncode, err) == (Exit.OK, "")


# -- state, drift, rollback, unlock ----


def test_the_state_is_listed_and_shown(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com\ndomain:\n  gmail.com: {max-smtp-out: 20}")
    assert one.run("state", "list").ended(Exit.OK).out == ""
    assert "mta1" in one.run("state", "show", "mta1").ended(Exit.USAGE).err
    one.apply().ended(Exit.OK)
    assert one.run("state", "list").out.splitlines() == ["mta1:domain[gmail.com]", "mta1:setting[postmaster]"]
    shown = one.run("state", "show", "mta1").ended(Exit.OK).words
    assert "generation: 1" in shown
    assert "/etc/pmta/config" in shown
    listed = one.run("state", "list", "--format", "json").json()
    assert listed["hosts"]["mta1"]["blocks"] == ["domain[gmail.com]", "setting[postmaster]"]
    assert one.run("state", "show", "mta1", "--format", "json").json()["kind"] == "pmtaform-state"
    assert "mta1" in one.run("state", "show", "mta9").ended(Exit.USAGE).err


def test_drift_tells_what_changed_since_the_last_apply(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    assert "What changed on mta1 is not known: nothing was ever applied" in one.run("drift").ended(Exit.ERROR).words
    one.apply().ended(Exit.OK)
    assert one.run("drift", "--detailed-exitcode").ended(Exit.OK).out.startswith("No drift.")
    one.host.put(one.host.read().replace("a@example", "hand@example"))
    result = one.run("drift").ended(Exit.OK)
    assert result.out.startswith("Drift on 1 of 1 host.")
    assert "hand@example.com" in result.out
    one.run("drift", "--detailed-exitcode").ended(Exit.CHANGES)
    document = one.run("drift", "--format", "json").json()["hosts"][0]
    assert document["drifted"]
    assert document["files"]["/etc/pmta/config"].startswith("changed: content")


def test_rollback_lists_generations_and_goes_back(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    assert "no generation" in one.run("rollback", "mta1", "--list").ended(Exit.OK).out
    assert "nothing to restore" in one.run("rollback", "mta1", "--auto-approve").ended(Exit.SOME_FAILED).words.lower()
    one.apply().ended(Exit.OK)
    assert "1  20" in one.run("rollback", "mta1", "--list").ended(Exit.OK).out
    kept = one.run("rollback", "mta1", "--list", "--format", "json").json()["generations"]
    assert [(k["number"], k["status"], k["files"]) for k in kept] == [(1, "applied", ["/etc/pmta/config"])]
    one.run("rollback", "mta1", "--auto-approve").ended(Exit.OK)
    assert one.host.read() == RUNS
    assert 'Did you mean "mta1"?' in one.run("rollback", "mta2").ended(Exit.USAGE).words


def test_unlock_says_whose_lock_it_took(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    assert "is not locked" in one.run("unlock").ended(Exit.OK).out
    assert "is not locked" in one.run("unlock", "--host", "mta1").ended(Exit.OK).out
    foreign_lock(one)
    assert "ben@elsewhere" in one.run("unlock").ended(Exit.OK).out
    one.apply().ended(Exit.OK)


def foreign_lock(project: ProjectFolder) -> Path:
    """The lock of an operator on another machine, of whom no one here can know whether he is at work."""
    path = project.root / "state/fleet.lock"
    path.parent.mkdir(exist_ok=True)
    process = {"host": "elsewhere", "boot": "b", "namespace": "n", "pid": 7, "started": 9}
    told = {"who": "ben@elsewhere", "what": "apply fleet", "since": "2026-11-23T18:00:00Z", "run": "r1"}
    path.write_text(json.dumps({**told, "process": process}))
    return path
