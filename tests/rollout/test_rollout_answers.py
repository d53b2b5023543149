"""What a run makes of answers of `pmta` that are neither known as success nor as failure, and what it says of them."""

from __future__ import annotations

import json

import pytest
from projects import RUNS, CommandResult, ProjectFolder

from pmtaform.diagnostics import Exit
from pmtaform_emulator.daemon import Daemon
from pmtaform_emulator.layout import Layout

QUEUE = (
    "config: {domain: {gmail.com: {max-smtp-out: 7}}}"  # `pmta show settings gmail.com` tells whether it is in force
)
NO_QUEUE = "config: {postmaster: a@example.com}"  # nothing that PowerMTA shows tells
DONE = "All well."
EXPECT = '`expect: {reload: {success: ["All well."]}}`'
UNKNOWN = '`pmta reload` ended with 0 and answered "All well."'


def codes(result: CommandResult) -> list[str]:
    """The codes of the notes on the host, in JSON."""
    return [note["code"] for note in result.lines()[-1]["hosts"][0].get("notes", [])]


def unknown(live: ProjectFolder, *commands: str, kind: str = "reworded", message: str = DONE) -> None:
    for command in commands:
        live.host.fault(command, kind, message=message, times=None)


def is_clean(live: ProjectFolder) -> None:
    """Nothing is left on the host that a later command would have to finish."""
    assert live.host.leftovers() == []
    assert not live.host.at("/var/lib/pmtaform/untaken").exists()


# -- what settings in force decide -------------------------------------------------------------------------------------


def test_new_values_in_force_keep_the_change(live: ProjectFolder) -> None:
    live.stack(QUEUE)
    unknown(live, "reload")
    result = live.apply().ended(Exit.OK)
    for words in (UNKNOWN, "`pmta show settings gmail.com` shows that it is in force, so the change is kept", EXPECT):
        assert words in result.words, result.all
    assert "max-smtp-out 7" in live.host.in_force
    is_clean(live)
    live.settled()


def test_old_values_in_force_roll_back(live: ProjectFolder) -> None:
    live.stack(QUEUE)
    unknown(live, "reload", kind="ignore")
    result = live.apply().ended(Exit.SOME_FAILED)
    assert "the configuration in force is not the new one" in result.words
    assert "The old files are back, and PowerMTA runs the old configuration." in result.words, result.all
    assert (live.host.read(), live.host.in_force) == (RUNS, RUNS)
    is_clean(live)


@pytest.mark.parametrize("kind", ["reworded", "ignore"])
def test_where_nothing_proves_it_the_host_rolls_back_and_says_so(live: ProjectFolder, kind: str) -> None:
    live.stack(NO_QUEUE)
    unknown(live, "reload", kind=kind)
    for _ in range(3):
        result = live.apply().ended(Exit.SOME_FAILED)
        for words in (
            "mta1 rolled back",
            "Files rolled back; configuration in force unknown",
            "whether PowerMTA runs the new configuration is not known",
            UNKNOWN,
            "the change affects no queue whose settings would show it",
            "The old files are back. Whether PowerMTA runs them is not known",
            EXPECT,
        ):
            assert words in result.words, result.all
        assert "An earlier transaction" not in result.words, "each run is over when it ends"
        assert live.host.read() == RUNS
        is_clean(live)
    live.host.behave()
    live.apply().ended(Exit.OK)


def test_it_is_the_same_where_nothing_has_to_be_confirmed(live: ProjectFolder) -> None:
    live.stack(f"{NO_QUEUE}\nconfirm-within: 0")
    unknown(live, "reload")
    result = live.apply().ended(Exit.SOME_FAILED)
    assert "Files rolled back; configuration in force unknown" in result.words, result.all
    assert live.host.read() == live.host.in_force == RUNS
    is_clean(live)
    live.stack(f"{QUEUE}\nconfirm-within: 0")
    live.apply().ended(Exit.OK)


def test_no_answer_at_all_has_another_remedy(live: ProjectFolder) -> None:
    live.stack(NO_QUEUE)
    unknown(live, "reload", message="")
    result = live.apply().ended(Exit.SOME_FAILED)
    assert "`pmta reload` ended with 0 and answered nothing" in result.words
    assert "`commands: {reload: [/usr/sbin/pmta, reload]}`" in result.words
    live.stack(f"{NO_QUEUE}\ncommands: {{reload: [/usr/sbin/pmta, reload]}}")
    live.apply().ended(Exit.OK)


# -- the texts that a stack adds ---------------------------------------------------------------------------------------


def test_a_text_that_the_stack_knows_is_success(live: ProjectFolder) -> None:
    live.stack(f'{NO_QUEUE}\nexpect: {{reload: {{success: ["all WELL"]}}}}')
    unknown(live, "reload")
    result = live.apply("--format", "json").ended(Exit.OK)
    assert "unknown-answer" not in json.dumps(result.lines())
    live.settled()


def test_a_text_that_the_stack_knows_is_failure(live: ProjectFolder) -> None:
    live.stack(f"{QUEUE}\nexpect: {{reload: {{failure: [All well]}}}}")
    unknown(live, "reload", kind="ignore")
    result = live.apply().ended(Exit.SOME_FAILED)
    assert 'pmta reload ended with 0, but answered: "All well."' in result.words


def test_a_test_that_is_not_understood_decides_nothing(live: ProjectFolder) -> None:
    live.stack(NO_QUEUE)
    unknown(live, "test config", message="Fine, and fit to run.")
    result = live.apply().ended(Exit.OK)
    assert '`pmta test config` ended with 0 and answered "Fine, and fit to run."' in result.words
    assert "the test did not decide" in result.words
    assert '`expect: {test-config: {success: ["Fine, and fit to run."]}}`' in result.words
    live.stack(f"{QUEUE}\nexpect: {{test-config: {{success: [fit to run]}}}}")
    assert "did not decide" not in live.apply().ended(Exit.OK).words


def test_a_startup_error_fails_the_test_whatever_its_exit_code(live: ProjectFolder) -> None:
    live.stack(NO_QUEUE)
    unknown(live, "test config", message="2018-07-03 18:05:37 Startup error: No logging file specified")
    result = live.apply().ended(Exit.SOME_FAILED)
    assert "test: pmta test config ended with 0, but answered: " in result.words
    assert "Startup error: No logging file specified" in result.words
    assert "reload" not in live.host.called


# -- whether it runs ---------------------------------------------------------------------------------------------------


def test_a_server_that_cannot_be_asked_is_not_running(live: ProjectFolder) -> None:
    live.stack(NO_QUEUE)
    unknown(live, "show status", message="Is the PowerMTA service running?")
    result = live.apply().ended(Exit.SOME_FAILED)
    assert "PowerMTA is not running on this host" in result.words
    assert "Is the PowerMTA service running?" in result.words
    assert "reload" not in live.host.called


def test_a_status_that_is_not_understood_leaves_it_to_the_settings(live: ProjectFolder) -> None:
    live.stack(QUEUE)
    unknown(live, "show status", message="Up for 3 days")
    result = live.apply().ended(Exit.OK)
    assert '`pmta show status` ended with 0 and answered "Up for 3 days"' in result.words
    assert '`expect: {status: {success: ["Up for 3 days"]}}`' in result.words
    live.stack("config: {postmaster: a@example.com, domain: {gmail.com: {max-smtp-out: 7}}}")
    result = live.apply().ended(Exit.SOME_FAILED)
    assert "whether PowerMTA runs the new configuration is not known" in result.words
    is_clean(live)


# -- what is shown of the logs -----------------------------------------------------------------------------------------


def test_why_a_restart_failed_is_shown(live: ProjectFolder) -> None:
    """The service exits with 0; the reason is only in the start error log (docs/powermta/operations.md section 2)."""
    service = live.host.at("/etc/init.d/pmta")
    real = service.with_name("real-pmta")
    service.rename(real)
    service.write_text(f'#!/bin/sh\n"{real}" "$@" >/dev/null 2>&1\nexit 0\n')
    service.chmod(0o755)
    live.add_file("files/more.conf", "run-as-root no\n")
    live.stack("native: [files/more.conf]", **{"command-timeout": 1})
    live.host.fault("test config", "ignore", message="")
    live.add_file("files/more.conf", "run-as-root no\nno-such-directive at-all\n")
    result = live.apply("--allow", "restart").ended(Exit.SOME_FAILED)
    assert "/var/log/pmta/pmta-startuperr.log:" in result.words, result.all
    assert "Startup error: Error in line" in result.words
    assert live.host.in_force == RUNS


# -- rolling back, and recovering --------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", [QUEUE, NO_QUEUE])
def test_a_rollback_whose_reload_is_not_understood_is_kept_only_if_it_is_proven(
    live: ProjectFolder, wanted: str
) -> None:
    live.stack(wanted)
    live.apply().ended(Exit.OK)
    unknown(live, "reload")
    result = live.run("rollback", "mta1", "--auto-approve")
    assert live.host.read() == RUNS
    if wanted == QUEUE:
        result.ended(Exit.OK)
    else:
        result.ended(Exit.SOME_FAILED)
        assert "Configuration in force not known" in result.words
        assert "Whether PowerMTA runs them is not known" in result.words
        assert EXPECT in result.words
    is_clean(live)


def test_recovering_with_an_answer_that_is_not_understood_is_no_success(live: ProjectFolder) -> None:
    live.stack(NO_QUEUE)
    live.host.fault("reload", "fail", times=2)
    assert "Rollback not confirmed" in live.apply().ended(Exit.SOME_FAILED).words
    assert live.host.at("/var/lib/pmtaform/untaken").exists()
    unknown(live, "reload")
    result = live.run("recover", "mta1").ended(Exit.SOME_FAILED)
    assert "Whether PowerMTA runs the old ones is not known: `pmta reload` ended with 0" in result.words
    is_clean(live)
    assert live.run("recover", "mta1").ended(Exit.OK)


def test_however_many_runs_fail_one_thing_is_left_to_settle(live: ProjectFolder) -> None:
    live.stack(NO_QUEUE)
    live.host.fault("reload", "fail", times=None)
    for _ in range(3):
        live.apply().ended(Exit.SOME_FAILED)
        assert live.host.leftovers() == []
    live.host.behave()
    result = live.apply().ended(Exit.OK)
    assert "PowerMTA has accepted the old configuration now" in result.words
    is_clean(live)
    assert Daemon(Layout(live.host.root)).state().running


# -- secrets -----------------------------------------------------------------------------------------------------------


def test_an_answer_is_quoted_without_secrets(live: ProjectFolder) -> None:
    live.host.put(RUNS + "<smtp-user app>\n  password hunter2horse\n</smtp-user>\n").emulate()
    live.stack(NO_QUEUE)
    unknown(live, "reload", message="line 3: password hunter2horse is weak")
    result = live.apply().ended(Exit.SOME_FAILED)
    assert "hunter2horse" not in result.all
    assert "line 3: password" in result.words
