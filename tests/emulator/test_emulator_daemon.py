"""Starting, stopping, reloading: what is in force when (docs/powermta/operations.md sections 1 to 3)."""

import re

import pytest

from pmtaform_emulator import calls
from pmtaform_emulator.layout import Layout
from pmtaform_emulator.store import DaemonStore

GOOD = "log-file /var/log/pmta/log\n"
NEW = GOOD + "postmaster new@example.com\n"
BAD = GOOD + "postmaster\n"
DOWN = (1, "Cannot connect to PowerMTA: it is not running")


def test_reload_puts_a_good_file_into_force(host):
    host.start(GOOD)
    host.write(NEW)
    assert host.in_force() == GOOD
    assert host.pmta("reload") == (0, "Configuration reloaded.")
    assert host.in_force() == NEW


def test_a_failed_reload_keeps_the_old_configuration(host):
    host.start(GOOD)
    host.write(BAD)
    assert host.pmta("reload") == (1, "Error in line 2 of /etc/pmta/config: argument missing")
    assert host.in_force() == GOOD
    assert host.pmta("show", "status")[0] == 0


def test_test_config_touches_nothing(host):
    host.start(GOOD)
    host.write(NEW)
    before = DaemonStore(Layout(host.root)).read()
    assert host.pmta("test", "config")[0] == 0
    host.write(BAD)
    assert host.pmta("test", "config")[0] == 1
    assert DaemonStore(Layout(host.root)).read() == before
    assert host.in_force() == GOOD


def test_test_config_takes_no_file(host):
    host.write(GOOD)
    assert host.pmta("test", "config", "/tmp/other") == (1, "test config: unexpected argument: /tmp/other")


def test_reload_needs_a_running_daemon(host):
    host.write(GOOD)
    assert host.pmta("reload") == DOWN


def test_includes_belong_to_what_is_in_force(host):
    host.write(GOOD, "/etc/pmta/conf.d/log.conf")
    host.start("include /etc/pmta/conf.d/*.conf\n")
    (host.root / "etc/pmta/conf.d/log.conf").unlink()
    assert set(host.json("emulator", "inforce")["data"]["files"]) == {"/etc/pmta/config", "/etc/pmta/conf.d/log.conf"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("postmaster a@example.com\n", "No logging file specified"),
        (BAD, "Error in line 2 of /etc/pmta/config: argument missing"),
    ],
)
@pytest.mark.parametrize("program", [("pmtad", "--debug"), ("pmtad",), ("pmta", "start"), ("pmta", "restart")])
def test_a_startup_error_is_stated_and_logged(host, program, text, reason):
    host.write(text)
    code, out, err = host.service(*program)
    assert (code, out) == (1, "")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d Startup error: " + re.escape(reason), err)
    assert (host.root / "var/log/pmta/pmta-startuperr.log").read_text() == err + "\n"
    assert host.pmta("show", "status") == DOWN


def test_a_missing_log_file_stops_the_start_only(host):
    host.start(GOOD)
    host.write("postmaster a@example.com\n")
    assert host.pmta("reload")[0] == 0
    assert host.service("pmta", "restart")[0] == 1


def test_a_restart_with_a_broken_file_leaves_the_daemon_down(host):
    host.start(GOOD)
    host.write(BAD)
    assert host.pmta("reload")[0] == 1
    assert host.service("pmta", "restart")[0] == 1
    assert host.service("pmta", "status")[:2] == (3, "pmta is stopped")
    host.write(GOOD)
    assert host.service("pmta", "start")[0] == 0
    assert host.service("pmta", "status")[:2] == (0, "pmta is running")


def test_starting_and_stopping_twice_is_stated(host):
    host.start()
    assert host.service("pmta", "start")[:2] == (0, "PowerMTA is already running")
    assert host.service("pmta", "stop")[0] == 0
    assert host.service("pmta", "stop")[:2] == (0, "PowerMTA is not running")


def test_the_init_script_reloads_as_pmta_does(host):
    host.start()
    assert host.service("pmta", "reload")[:2] == (0, "Configuration reloaded.")
    host.write(BAD)
    assert host.service("pmta", "reload")[0] == 1
    assert host.service("pmta", "sing")[0] == 2
    assert host.service("pmtad", "--check-config")[0] == 1


def test_restart_class_directives_wait_for_the_restart(host):
    host.start(GOOD + "run-as-root yes\nhttp-mgmt-port 8080\n")
    host.write(GOOD + "run-as-root no\nhttp-mgmt-port 8081\n")
    host.pmta("reload")
    pending = host.json("emulator", "inforce")["data"]["restartPending"]
    assert pending == [
        {"name": "run-as-root", "service": "pmta", "inForce": ["yes"], "loaded": ["no"]},
        {"name": "http-mgmt-port", "service": "pmtahttp", "inForce": ["8080"], "loaded": ["8081"]},
    ]
    assert "restart of pmta pending: run-as-root" in host.pmta("emulator", "inforce")[1]
    assert host.service("pmtahttp", "restart")[0] == 0
    assert host.json("show", "status")["data"]["emulator"]["restartPending"] == ["run-as-root"]
    assert "restart pending run-as-root" in host.pmta("show", "status")[1]
    host.service("pmta", "restart")
    assert host.json("show", "status")["data"]["emulator"]["restartPending"] == []


def test_a_restart_of_pmta_is_none_of_the_web_monitor(host):
    host.start(GOOD + "http-mgmt-port 8080\n")
    host.write(GOOD + "http-mgmt-port 8081\n")
    host.service("pmta", "restart")
    assert host.json("show", "status")["data"]["emulator"]["restartPending"] == ["http-mgmt-port"]
    assert host.service("pmtahttp", "reload")[0] == 2


def test_a_bounce_processor_waits_for_the_restart(host):
    section = "<bounce-processor>\n deliver-unmatched-email {}\n</bounce-processor>\n"
    host.start(GOOD + section.format("yes"))
    host.write(GOOD + section.format("no"))
    host.pmta("reload")
    assert host.json("show", "status")["data"]["emulator"]["restartPending"] == ["bounce-processor"]


def test_every_call_is_on_record(host):
    host.start()
    host.pmta("reload")
    host.pmta("nonsense")
    made = [(call["program"], call["command"], call["exit"]) for call in calls(host.root)]
    assert made == [("pmta", "start", 0), ("pmta", "reload", 0), ("pmta", None, 1)]


def test_a_damaged_record_is_a_daemon_that_never_ran(host):
    host.start()
    (host.root / "var/lib/pmta-emulator/state.json").write_text('{"running": tr')
    assert host.pmta("show", "status") == DOWN
    assert host.service("pmta", "start")[0] == 0


def test_only_the_configuration_in_force_is_kept(host):
    host.start()
    for _ in range(5):
        host.pmta("reload")
    kept = sorted(p.name for p in (host.root / "var/lib/pmta-emulator/configurations").iterdir())
    assert kept == ["6"]
