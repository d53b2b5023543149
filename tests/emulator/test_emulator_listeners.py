"""Listeners that answer, on request: which ports, when they move, and that nothing is left behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from projects import until

from pmtaform_emulator import calls, fault, install
from pmtaform_emulator.__main__ import run
from pmtaform_emulator.daemon import Daemon
from pmtaform_emulator.layout import Layout

LOG = "log-file /var/log/pmta/log\n"


def free_ports(number: int) -> list[int]:
    """Ports that no one uses: held all at once while they are chosen."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def is_open(port: int) -> bool:
    # Refused; or reset, by a process that is just ending.
    with suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), 10):
        return True
    return False


def talk(port: int, *lines: str) -> list[str]:
    """The greeting, and the answer to each line."""
    with socket.create_connection(("127.0.0.1", port), 10) as client, client.makefile("rwb") as stream:
        result = [stream.readline().decode().strip()]
        for line in lines:
            stream.write(line.encode() + b"\r\n")
            stream.flush()
            result.append(stream.readline().decode().strip())
        return result


def status(port: int, path: str = "/status") -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


@pytest.fixture
def listening(host) -> Iterator[object]:
    install(host.root, listen=True)
    yield host
    if host.root.exists():
        host.service("pmta", "stop")


def test_the_ports_are_open_once_the_start_is_done(listening) -> None:
    one, two, web = free_ports(3)
    listening.start(
        f"{LOG}smtp-listener 0/0:{one}\n<smtp-listener 192.0.2.1:{two}>\n</smtp-listener>\nhttp-mgmt-port {web}\n"
    )
    for port in (one, two):  # an address that is not this machine's is taken for loopback
        greeting, hello, odd, bye = talk(port, "EHLO test", "MAIL FROM:<>", "QUIT")
        assert greeting.startswith("220 ")
        assert greeting.endswith("ESMTP (pmtaform emulator)")
        assert (hello[:3], odd[:3], bye[:3]) == ("250", "502", "221")
    assert status(web) == 200
    assert status(web, "/status?format=json") == 200
    assert status(web, "/etc/passwd") == 404
    listening.service("pmta", "stop")
    assert not any(is_open(port) for port in (one, two, web))


def test_without_being_asked_no_port_is_opened(host) -> None:
    (port,) = free_ports(1)
    host.start(f"{LOG}smtp-listener 127.0.0.1:{port}\n")
    assert not is_open(port)
    assert host.json("emulator", "inforce")["data"]["listening"] == []


def test_listeners_follow_a_reload_and_the_web_monitor_its_own_restart(listening) -> None:
    old, new, web, other = free_ports(4)
    listening.start(f"{LOG}smtp-listener 127.0.0.1:{old}\nhttp-mgmt-port {web}\n")
    listening.write(f"{LOG}smtp-listener 127.0.0.1:{new}\nhttp-mgmt-port {other}\n")
    assert listening.pmta("reload")[0] == 0
    assert [is_open(port) for port in (old, new, web, other)] == [False, True, True, False]
    assert listening.service("pmtahttp", "restart")[0] == 0
    assert [is_open(port) for port in (old, new, web, other)] == [False, True, False, True]


def test_a_refused_reload_moves_nothing(listening) -> None:
    old, new = free_ports(2)
    listening.start(f"{LOG}smtp-listener 127.0.0.1:{old}\n")
    listening.write(f"{LOG}smtp-listener 127.0.0.1:{new}\nno-such-directive 1\n")
    assert listening.pmta("reload")[0] == 1
    assert [is_open(port) for port in (old, new)] == [True, False]


def test_late_listeners_wait_for_a_restart(listening) -> None:
    old, new = free_ports(2)
    fault(listening.root, kind="late-listeners")
    listening.start(f"{LOG}smtp-listener 127.0.0.1:{old}\n")
    listening.write(f"{LOG}smtp-listener 127.0.0.1:{new}\n")
    assert listening.pmta("reload") == (0, "Configuration reloaded.")
    assert [is_open(port) for port in (old, new)] == [True, False]
    listening.service("pmta", "restart")
    assert [is_open(port) for port in (old, new)] == [False, True]


def test_no_one_is_interrupted_where_nothing_changes(listening) -> None:
    (port,) = free_ports(1)
    listening.start(f"{LOG}smtp-listener 127.0.0.1:{port}\n")
    with socket.create_connection(("127.0.0.1", port), 10) as client, client.makefile("rwb") as stream:
        stream.readline()
        assert listening.pmta("reload")[0] == 0
        stream.write(b"NOOP\r\n")
        stream.flush()
        assert stream.readline().startswith(b"250")


def test_a_port_that_someone_has_is_reported_and_stops_nothing(listening) -> None:
    (good,) = free_ports(1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        bad = taken.getsockname()[1]
        listening.start(f"{LOG}smtp-listener 127.0.0.1:{bad}\nsmtp-listener 127.0.0.1:{good}\n")
        rows = {row["port"]: row["problem"] for row in listening.json("emulator", "inforce")["data"]["listening"]}
        assert rows == {bad: "address already in use", good: ""}
        assert is_open(good)
        assert any(call["command"] == "listen" and call["port"] == bad for call in calls(listening.root))
        assert f"127.0.0.1:{bad} address already in use" in listening.pmta("emulator", "inforce")[1]


def test_a_crash_closes_the_ports(listening) -> None:
    (port,) = free_ports(1)
    listening.start(f"{LOG}smtp-listener 127.0.0.1:{port}\n")
    fault(listening.root, "reload", "crash")
    listening.pmta("reload")
    assert not is_open(port)


def test_a_root_that_is_gone_leaves_no_process(listening) -> None:
    (port,) = free_ports(1)
    listening.start(f"{LOG}smtp-listener 127.0.0.1:{port}\n")
    shutil.rmtree(listening.root)
    until(lambda: not is_open(port))


def test_the_programs_do_it_too(host, capfd) -> None:
    (port,) = free_ports(1)
    for words in (["install", str(host.root), "--listen"], ["start", str(host.root)]):
        host.write(f"{LOG}smtp-listener 127.0.0.1:{port}\n")
        with pytest.raises(SystemExit) as ended:
            run(words)
        assert ended.value.code == 0
    assert is_open(port)
    host.service("pmta", "stop")
    assert not is_open(port)


def test_settings_can_be_other_than_what_is_in_force(host) -> None:
    host.start()
    true = host.json("show", "settings", "gmail.com")["data"]["settings"]
    fault(host.root, "show settings", "other-settings")
    false = host.json("show", "settings", "gmail.com")["data"]["settings"]
    assert false.keys() == true.keys()
    assert set(false.values()) == {"emulated-other-value"}
    assert host.json("show", "settings", "gmail.com")["data"]["settings"] == true


def test_a_slow_start_is_starting_for_so_many_questions(host) -> None:
    host.write(LOG)
    fault(host.root, "start", "slow", seconds=2)
    assert host.service("pmta", "start")[0] == 0
    result = [host.json("show", "status")["data"]["status"]["status"] for _ in range(3)]
    assert result == ["starting", "starting", "running"]


def test_queues_with_errors_over_time_in_every_form(host) -> None:
    from pmtaform_emulator import figures

    host.start()
    events = [{"type": "error", "time": f"2026-01-31 12:0{n}:00", "text": f"421 <{n}>"} for n in range(3)]
    figures(host.root, queues={"a.com/v": {"mode": "backoff", "event": events}, "b.com/v": {}})
    backoff = ("show", "queues", "--mode=backoff")
    (queue,) = host.json(*backoff)["data"]["queue"]
    assert queue["event"] == events
    assert host.json(*backoff, "--errors=1")["data"]["queue"][0]["event"] == events[2:]
    assert host.json("show", "queues", "--maxitems=1")["data"]["total"] == 2
    assert "421 <2>" not in host.pmta(*backoff)[1]
    assert "421 <2>" in host.pmta(*backoff, "--errors")[1]
    assert "<mode>backoff</mode><event><type>error</type>" in host.pmta("--xml", *backoff)[1]
    figures(host.root, status={"spool": {"totalRcp": 7}}, queues={"a.com/v": {}})
    assert host.json(*backoff)["data"]["queue"] == []
    assert host.json("show", "status")["data"]["status"]["spool"]["totalRcp"] == 7
    assert "<totalRcp>7</totalRcp>" in host.pmta("--xml", "show", "status")[1]


def test_what_was_killed_is_opened_again_by_the_next_reload(listening) -> None:
    (port,) = free_ports(1)
    listening.start(f"{LOG}smtp-listener 127.0.0.1:{port}\n")
    process = Daemon(Layout(listening.root)).store.document("listeners.json")["process"]
    os.kill(process, signal.SIGKILL)
    until(lambda: not is_open(port))
    assert listening.pmta("reload")[0] == 0
    assert is_open(port)
