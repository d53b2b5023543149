"""What `pmta` answers, judged: yes, no or unsure; and that an unsure one is neither a failure nor a success."""

from __future__ import annotations

from pathlib import Path

import pytest
from hostroot import CONFIG, NEW, OLD, HostRoot, transaction
from test_confirm import waiting
from ways import Host, in_folder

from pmtaform.expect import DOCUMENTED, Command, Expect, Texts
from pmtaform.host import Activation, Status, confirm, records, recover, revert

YES, NO, UNSURE = "yes", "no", "unsure"
RESTART = {"restart_command": ("/usr/sbin/pmta", "restart")}
DOWN = "Is the PowerMTA service running?\n"

ANSWERS = [
    # command, what it answers with exit code 0, what that is
    ("test", "", YES),
    ("test", "  \n\t\r\n", YES),
    ("test", "Configuration is fine.\n", UNSURE),
    ("test", "Unknown command: test config\n", UNSURE),
    ("test", "Error in line 11 of /etc/pmta/config: argument missing\n", NO),
    ("test", "checking\nERROR  in\tline 11 of /etc/pmta/config: argument missing", NO),
    ("test", "2018-07-03 18:05:37 Startup error: No logging file specified\n", NO),
    ("reload", "Configuration reloaded.\n", YES),
    ("reload", "configuration  RELOADED.", YES),
    ("reload", '{"status": "success", "message": "Configuration reloaded."}', YES),
    ("reload", "", UNSURE),
    ("reload", "Done.\n", UNSURE),
    ("reload", "\x1b[2J\x07<<<{\n", UNSURE),
    ("reload", "Startup error: No logging file specified\n", NO),
    ("reload", "Error in line 3 of /etc/pmta/config: odd\n", NO),
    ("reload", DOWN, NO),
    ("reload", "PowerMTA is not running\nConfiguration reloaded.\n", NO),
    ("status", "status running\n", YES),
    ("status", "Traffic  in  out\nStatus      running    Started 2018-07-03\n", YES),
    ("status", "", UNSURE),
    ("status", "up and well\n", UNSURE),
    ("status", "the running of this server is not your business\n", UNSURE),
    ("status", DOWN, NO),
    ("status", "PowerMTA is not running\n", NO),
    ("status", "Status starting\n", NO),
    ("status", "status stopped (was: status running)\n", NO),
]
STEPS = {"test": "test", "reload": "activate", "status": "health"}
COMMANDS = {"test": Command.TEST_CONFIG, "reload": Command.RELOAD, "status": Command.STATUS}


def answering(root: HostRoot, word: str, text: str) -> None:
    root.at(f"/ctl/says-{word}").write_text(text)


def answering_after_reload(root: HostRoot, text: str) -> None:
    """`show status` answers so once the reload is over; before it the server runs."""
    pmta = root.at("/usr/sbin/pmta")
    answering(root, "later", text)
    moved = 'cp "$ctl/says-later" "$ctl/says-status"\n        says reload'
    pmta.write_text(pmta.read_text().replace("says reload", moved))


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
@pytest.mark.parametrize(("word", "text", "meaning"), ANSWERS)
def test_an_answer_means_one_thing(root: HostRoot, shell: str, word: str, text: str, meaning: str) -> None:
    host = in_folder(root, shell)
    if word == "status":
        answering_after_reload(root, text)
    else:
        answering(root, word, text)
    outcome = host.apply(transaction((CONFIG, NEW), confirm_within=0))
    assert [(doubt.command, doubt.undoing) for doubt in outcome.doubts if not doubt.undoing] == (
        [(COMMANDS[word], False)] if meaning == UNSURE else []
    )
    if meaning == NO:
        assert outcome.status in {Status.ROLLED_BACK, Status.ROLLBACK_FAILED}
        assert outcome.step == STEPS[word]
        assert f"pmta {COMMANDS[word].words.removeprefix('pmta ')} ended with 0, but answered: " in outcome.reason
        assert root.read(CONFIG) == OLD
    else:
        assert (outcome.status, root.read(CONFIG), root.running) == (Status.APPLIED, NEW, NEW)


def test_what_was_answered_is_quoted_on_one_line(folder: Host) -> None:
    answering(folder.root, "reload", "\nfirst \x1b[31mline\n\n\tsecond\nthird\nfourth\n" + "x" * 4000)
    (doubt,) = folder.apply(transaction((CONFIG, NEW))).doubts
    assert doubt.text == '"first line / second / third"'
    answering(folder.root, "reload", "")
    (doubt,) = folder.apply(transaction((CONFIG, OLD), expect={})).doubts
    assert doubt.text == "nothing"


def test_what_never_stops_talking_is_cut_off(folder: Host) -> None:
    """It would fill the disk, and everybody's memory."""
    root = folder.root
    pmta = root.at("/usr/sbin/pmta")
    pmta.write_text(pmta.read_text().replace("        says test ''\n", "        exec yes\n"))
    outcome = folder.apply(transaction((CONFIG, NEW)))
    assert (outcome.status, outcome.step) == (Status.ROLLED_BACK, "test")
    assert outcome.reason == "pmta test config: it printed more than a megabyte"
    assert root.read(CONFIG) == OLD


# -- the texts of a host's own version ---------------------------------------------------------------------------------

OWN = Expect(
    {
        Command.RELOAD: Texts(success=("Reload  complete",), failure=("rejected",)),
        Command.TEST_CONFIG: Texts(success=("no problems found",)),
        Command.STATUS: Texts(success=("state: UP",), failure=("state: DOWN",)),
    }
)


@pytest.mark.parametrize(
    ("word", "text", "meaning"),
    [
        ("reload", "reload complete, 3 files\n", YES),
        ("reload", "Configuration reloaded.\n", YES),
        ("reload", "Reload REJECTED\n", NO),
        ("reload", "Reload complete; rejected: 1\n", NO),
        ("reload", f"Reload complete\n{DOWN}", NO),
        ("test", "No problems found\n", YES),
        ("test", "No problems found. Error in line 3 of x: y\n", NO),
        ("status", "State: up\n", YES),
        ("status", "State: down\n", NO),
    ],
)
def test_a_host_has_texts_of_its_own(folder: Host, word: str, text: str, meaning: str) -> None:
    if word == "status":
        answering_after_reload(folder.root, text)
    else:
        answering(folder.root, word, text)
    outcome = folder.apply(transaction((CONFIG, NEW)), expect=OWN)
    assert (outcome.status is Status.APPLIED, [doubt for doubt in outcome.doubts if not doubt.undoing]) == (
        meaning == YES,
        [],
    )


def test_a_command_of_the_hosts_own_is_believed_but_for_a_known_failure(folder: Host) -> None:
    spec = {"reload_command": ("/usr/sbin/pmta", "reload")}
    answering(folder.root, "reload", "whatever\n")
    outcome = folder.apply(transaction((CONFIG, NEW)), **spec)
    assert (outcome.status, outcome.doubts) == (Status.APPLIED, ())
    answering(folder.root, "reload", DOWN)
    outcome = folder.apply(transaction((CONFIG, OLD), expect={}), **spec)
    assert "the command for a reload ended with 0, but answered" in outcome.reason


def test_every_documented_text_is_a_line_of_ascii() -> None:
    rows = list(Expect().rows())
    assert {command for _, command, _ in rows} == set(Command) == set(DOCUMENTED)
    assert all(text.isascii() and text.isprintable() and text == text.lower() for _, _, text in rows)


# -- a rollback with an answer that is not known -----------------------------------------------------------------------


def test_a_rollback_without_an_understood_reload_leaves_no_trace(folder: Host) -> None:
    """The old files are back, and that is the end of it: no failure, nothing that each later run meets again."""
    root = folder.root
    answering(root, "reload", "Done.\n")
    for _ in range(3):
        tx = waiting(folder)
        outcome = revert(folder.session, folder.spec, tx, folder.open, "nothing tells")
        assert (outcome.status, outcome.reason) == (Status.ROLLED_BACK, "nothing tells")
        assert [(doubt.command, doubt.undoing) for doubt in outcome.doubts] == [
            (Command.RELOAD, False),
            (Command.RELOAD, True),
        ]
        assert root.read(CONFIG) == root.running == OLD
        assert root.leftovers() == []
    assert folder.probe().unsettled is None
    assert [record.status for record in records(folder.session, folder.spec)] == ["rolled-back"] * 3


def test_what_was_unsure_may_be_confirmed(folder: Host) -> None:
    answering(folder.root, "reload", "Done.\n")
    tx = waiting(folder)
    outcome, _ = confirm(folder.session, folder.spec, tx, folder.open)
    assert outcome.status is Status.APPLIED
    assert folder.root.running == NEW


# -- old files that PowerMTA does not take -----------------------------------------------------------------------------


def untaken(root: HostRoot) -> Path:
    return root.at("/var/lib/pmtaform/untaken")


def test_however_many_changes_fail_one_thing_is_left_to_do(folder: Host) -> None:
    root = folder.root
    root.tell("fail-reload", 99)
    for n in range(4):
        tx = transaction((CONFIG, f"{n}\n".encode()), expect={})
        outcome = folder.apply(tx)
        assert outcome.status is Status.ROLLBACK_FAILED
        assert "the old files are restored, but PowerMTA did not load them" in outcome.reason
        assert root.leftovers() == []
    assert untaken(root).exists()
    assert folder.probe().unsettled == tx.id
    calls = root.calls.count("reload")
    assert recover(folder.session, folder.spec).status is Status.REFUSED
    assert root.calls.count("reload") == calls + 1, "it is one thing, and tried once"
    root.tell("fail-reload", 0)
    settled = recover(folder.session, folder.spec)
    assert settled.status is Status.APPLIED
    assert "PowerMTA has accepted the old configuration now" in (settled.recovered or "")
    assert not untaken(root).exists()
    assert folder.probe().unsettled is None
    assert recover(folder.session, folder.spec).recovered is None


def test_a_change_that_powermta_takes_settles_it(folder: Host) -> None:
    root = folder.root
    root.tell("fail-reload", 3)
    assert folder.apply(transaction((CONFIG, NEW))).status is Status.ROLLBACK_FAILED
    assert untaken(root).exists()
    assert folder.apply(transaction((CONFIG, NEW))).status is Status.APPLIED
    assert not untaken(root).exists()


def test_an_unknown_answer_settles_it_and_is_reported(folder: Host) -> None:
    root = folder.root
    root.tell("fail-reload", 2)
    assert folder.apply(transaction((CONFIG, NEW))).status is Status.ROLLBACK_FAILED
    answering(root, "reload", "Done.\n")
    outcome = recover(folder.session, folder.spec)
    assert outcome.status is Status.APPLIED
    assert [(doubt.command, doubt.undoing, doubt.text) for doubt in outcome.doubts] == [
        (Command.RELOAD, True, '"Done."')
    ]
    assert not untaken(root).exists()


# -- what PowerMTA wrote down ------------------------------------------------------------------------------------------

LOG = "/var/log/pmta/log"


def test_the_reason_of_a_failed_start_is_shown(folder: Host) -> None:
    root = folder.root
    root.put("/var/log/pmta/pmta-startuperr.log", b"2017-01-01 00:00:00 Startup error: an old story\n")
    root.tell("broken-restart")
    tx = transaction((CONFIG, NEW), activation=Activation.RESTART, logs=(LOG,))
    outcome = folder.apply(tx, **RESTART, command_timeout=1.0)
    assert (outcome.status, outcome.step) == (Status.ROLLED_BACK, "health")
    assert (
        "/var/log/pmta/pmta-startuperr.log:\n2018-07-03 18:05:37 Startup error: No logging file spec" in outcome.output
    )
    assert "an old story" not in outcome.output


@pytest.mark.parametrize("answer", ["Done.\n", "Error in line 3 of /etc/pmta/config: odd\n"])
def test_of_the_log_what_speaks_of_errors_is_shown(folder: Host, answer: str) -> None:
    root = folder.root
    root.put(LOG, b"an Error of yesterday\n")
    grown = (
        'printf "Error: no such address\\n>>> RCPT TO:<someone@example.com>\\nConfiguration kept\\n" '
        '>>"$root/var/log/pmta/log"\n        says reload'
    )
    pmta = root.at("/usr/sbin/pmta")
    pmta.write_text(pmta.read_text().replace("says reload", grown))
    answering(root, "reload", answer)
    if answer == "Done.\n":
        tx = transaction((CONFIG, NEW), logs=(LOG,), confirm_within=600)
        assert folder.apply(tx).status is Status.PENDING
        outcome = revert(folder.session, folder.spec, tx, folder.open, "no")
    else:
        outcome = folder.apply(transaction((CONFIG, NEW), logs=(LOG,)))
    assert f"{LOG}:\nError: no such address\nConfiguration kept" in outcome.output
    assert "yesterday" not in outcome.output
    assert "RCPT" not in outcome.output


def test_a_log_that_is_a_link_is_not_read(folder: Host) -> None:
    root = folder.root
    root.put("/etc/secret", b"")
    root.at(LOG).parent.mkdir(parents=True)
    root.at(LOG).symlink_to(root.at("/etc/secret"))
    pmta = root.at("/usr/sbin/pmta")
    grown = 'echo "Error: hidden" >>"$root/etc/secret"\n        says reload'
    pmta.write_text(pmta.read_text().replace("says reload", grown))
    answering(root, "reload", DOWN)
    outcome = folder.apply(transaction((CONFIG, NEW), logs=(LOG,)))
    assert "hidden" not in outcome.output
