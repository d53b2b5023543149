"""The installed programs as other programs meet them: real processes, a bare environment, several at once."""

import json
import os
import stat
import subprocess
import sys
import time

import pytest

from pmtaform_emulator import calls, fault, install


def bare(*words, cwd="/", **more):
    """Run a program with no environment at all."""
    return subprocess.run(
        ["/usr/bin/env", "-i", *map(str, words)],
        capture_output=True, text=True, cwd=cwd, timeout=60, check=False, stdin=subprocess.DEVNULL, **more,
    )  # fmt: skip


def test_the_programs_run_with_a_bare_environment_from_anywhere(tmp_path):
    root = tmp_path / 'it\'s a "root" $(touch x)\n-é'
    root.mkdir()
    install(root)
    decoy = tmp_path / "decoy"
    (decoy / "pmtaform").mkdir(parents=True)
    (decoy / "pmtaform/__init__.py").write_text("raise SystemExit('decoy')")
    (decoy / "json.py").write_text("raise SystemExit('decoy')")
    (root / "etc/pmta/config").write_text("log-file /l\n")
    assert bare(root / "usr/sbin/pmtad", cwd=decoy).returncode == 0
    answer = bare(f"PYTHONPATH={decoy}", root / "usr/sbin/pmta", "reload", cwd=decoy)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "Configuration reloaded.\n", "")
    (root / "etc/pmta/config").write_text("log-file\n")
    answer = bare(root / "etc/init.d/pmta", "restart", cwd=decoy)
    assert answer.returncode == 1
    assert "Startup error: Error in line 1 of /etc/pmta/config: argument missing" in answer.stderr
    assert bare(root / "etc/init.d/pmta", "status").returncode == 3
    assert not (decoy / "x").exists()
    for program in ("usr/sbin/pmta", "usr/sbin/pmtad", "etc/init.d/pmta", "etc/init.d/pmtahttp"):
        assert stat.S_IMODE((root / program).stat().st_mode) == 0o755
    for folder in ("etc/pmta", "var/spool/pmta", "var/log/pmta", "var/lib/pmta-emulator"):
        assert (root / folder).is_dir()


def test_the_command_line_installs(tmp_path):
    command = [sys.executable, "-m", "pmtaform_emulator", "install", str(tmp_path), "--version", "4.5r1"]
    subprocess.run(command, check=True, timeout=60)
    assert "v4.5r1" in bare(tmp_path / "usr/sbin/pmta", "show", "version").stdout


def test_installing_again_keeps_the_daemon(host):
    host.start()
    install(host.root)
    assert host.pmta("show", "status")[0] == 0


def test_what_a_version_says_needs_no_catalogue(host):
    code = (
        "import sys, pathlib; from pmtaform_emulator.program import main; "
        "main(['show', 'version'], pathlib.Path(sys.argv[1])); print(sorted(m for m in sys.modules if 'lang' in m))"
    )
    process = subprocess.run([sys.executable, "-c", code, host.root], capture_output=True, text=True, check=True)
    assert process.stdout.splitlines()[-1] == "[]"


def test_many_reloads_at_once_leave_one_whole_configuration(host):
    host.start()
    pmta = host.root / "usr/sbin/pmta"
    running = [subprocess.Popen([pmta, "reload"], stdout=subprocess.PIPE, text=True) for _ in range(6)]
    result = [process.communicate(timeout=60)[0] for process in running]
    assert result == ["Configuration reloaded.\n"] * 6
    emulator = host.json("show", "status")["data"]["emulator"]
    assert (emulator["generation"], emulator["reloads"]) == (7, 6)
    assert len([call for call in calls(host.root) if call["command"] == "reload"]) == 6
    assert host.in_force() == (host.root / "etc/pmta/config").read_text()


def test_faults_are_counted_exactly_among_several_calls(host):
    host.start()
    fault(host.root, "reload", times=3)
    pmta = host.root / "usr/sbin/pmta"
    running = [subprocess.Popen([pmta, "reload"], stdout=subprocess.DEVNULL) for _ in range(5)]
    assert sorted(process.wait(timeout=60) for process in running) == [0, 0, 1, 1, 1]


def test_a_hanging_reload_holds_no_one_up_and_can_be_killed(host):
    host.start()
    fault(host.root, "reload", "hang")
    hanging = subprocess.Popen([host.root / "usr/sbin/pmta", "reload"], stdout=subprocess.DEVNULL)
    try:
        faults = host.root / "var/lib/pmta-emulator/faults.json"
        deadline = time.monotonic() + 60
        while json.loads(faults.read_text())["faults"]:
            assert time.monotonic() < deadline
            assert hanging.poll() is None
            os.sched_yield()
        assert host.pmta("show", "status")[0] == 0
        assert host.pmta("reload") == (0, "Configuration reloaded.")
        assert hanging.poll() is None
    finally:
        hanging.kill()
        hanging.wait(timeout=60)


def test_a_reader_that_goes_away_gets_no_traceback(host):
    host.start()
    read, write = os.pipe()
    os.close(read)
    process = subprocess.run(
        [host.root / "usr/sbin/pmta", "show", "settings", "x.example"],
        stdout=write, stderr=subprocess.PIPE, timeout=60, check=False,
    )  # fmt: skip
    os.close(write)
    assert process.returncode == 1
    assert b"Traceback" not in process.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_other_users_may_not(host):
    host.start()
    process = subprocess.run(
        [sys.executable, "-c", "import sys, pathlib; from pmtaform_emulator.program import main; "
         "import os; os.setuid(65534); sys.exit(main(['reload'], pathlib.Path(sys.argv[1])))", host.root],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (process.returncode, process.stdout) == (
        1,
        "Permission denied: pmta needs root or membership of group pmta\n",
    )


def test_a_full_or_closed_disk_is_an_error_with_the_old_configuration_in_force(host):
    host.start()
    before = host.in_force()
    state = host.root / "var/lib/pmta-emulator/state.json"
    (state.parent / "state.json.new").mkdir()
    host.write("log-file /other\n")
    code, result = host.pmta("reload")
    assert code == 1
    assert "Is a directory" in result
    assert host.in_force() == before
