"""Faults that a test can switch on."""

from pathlib import Path

import pytest

from pmtaform_emulator import clear_faults, fault
from pmtaform_emulator.__main__ import run
from pmtaform_emulator.faults import KINDS

OLD = "log-file /l\n"
NEW = "log-file /l\npostmaster a@example.com\n"


@pytest.fixture
def running(host):
    host.start(OLD)
    host.write(NEW)
    return host


@pytest.mark.parametrize(
    ("kind", "code", "result", "in_force"),
    [
        ("fail", 1, "a fault of the emulator", OLD),
        ("refuse", 1, "Cannot connect to PowerMTA", OLD),
        ("hang", 1, "a fault of the emulator", OLD),
        ("garbage", 0, "\x1b[2J", OLD),
        ("ignore", 0, "Configuration reloaded.", OLD),
        ("fail-after", 1, "a fault of the emulator", NEW),
        ("reworded", 0, "", NEW),
    ],
)
def test_kinds(running, kind, code, result, in_force):
    fault(running.root, "reload", kind, seconds=0)
    got, text = running.pmta("reload")
    assert got == code
    assert result in text
    assert running.in_force() == in_force
    assert running.pmta("reload") == (0, "Configuration reloaded.")
    assert running.in_force() == NEW


def test_a_crash_takes_the_daemon_down(running):
    fault(running.root, "reload", "crash", exit_code=134)
    assert running.pmta("reload") == (134, "PowerMTA closed the connection")
    assert running.pmta("show", "status")[0] == 1
    assert running.service("pmta", "start")[0] == 0


def test_message_and_exit_code_are_as_told(running):
    fault(running.root, "reload", message="Error in line 3 of /etc/pmta/x: odd", exit_code=9)
    assert running.pmta("reload") == (9, "Error in line 3 of /etc/pmta/x: odd")


def test_faults_count_down_each_for_its_command(running):
    fault(running.root, "reload", times=2)
    fault(running.root, "test config", times=None)
    assert [running.pmta("reload")[0] for _ in range(3)] == [1, 1, 0]
    assert [running.pmta("test", "config")[0] for _ in range(3)] == [1, 1, 1]
    assert running.pmta("show", "status")[0] == 0
    clear_faults(running.root)
    assert running.pmta("test", "config")[0] == 0


def test_faults_come_in_the_order_in_which_they_were_set(running):
    fault(running.root, "reload", message="first")
    fault(running.root, "*", message="second")
    assert [running.pmta("reload")[1] for _ in range(3)] == ["first", "second", "Configuration reloaded."]


@pytest.mark.parametrize("act", ["start", "stop", "restart"])
def test_the_service_has_faults_too(running, act):
    fault(running.root, act, message="no")
    assert running.service("pmta", act) == (1, "no", "")
    assert running.in_force() == OLD


def test_an_unknown_kind_is_an_error(running):
    with pytest.raises(ValueError, match="unknown kind"):
        fault(running.root, "reload", "explode")


def test_the_command_line_sets_and_clears_faults(running, capfd):
    root = str(running.root)
    with pytest.raises(SystemExit, match="0"):
        run(["fault", root, "reload", "fail", "--times", "always", "--message", "not today", "--exit-code", "7"])
    assert running.pmta("reload") == (7, "not today")
    with pytest.raises(SystemExit, match="0"):
        run(["clear", root])
    assert running.pmta("reload")[0] == 0
    with pytest.raises(SystemExit, match="1"):
        run(["fault", root, "reload", "explode"])
    assert "unknown kind" in capfd.readouterr().err


def test_every_kind_is_in_the_documentation():
    page = (Path(__file__).parents[2] / "docs/emulator.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"| `{kind}` |" not in page] == []
