"""Keys over real SSH servers: verified where they are, and rotated on two hosts that switch together or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dns_server import Start
from projects import HostFolder, ProjectFolder
from rotating import DAY, KEY, Turning, few_keys
from signing_keys import pem
from sshd import Sshd, start_sshd

from pmtaform.diagnostics import Exit
from pmtaform.dkim import load_private_key
from pmtaform.dns.dkim_record import dkim_text

pytestmark = pytest.mark.sshd


def test_a_key_is_verified_where_it_is(
    project: ProjectFolder, name_server: Start, server: Sshd, tmp_path: Path
) -> None:
    asked = name_server({("s1._domainkey.example.com", "TXT"): [dkim_text(load_private_key(pem()).p)]})
    project.add_file("s1.pem", pem())
    project.stack(
        f"""
        dns: {{resolvers: ["{asked.server}"], authoritative: false}}
        dkim-keys: {{example.com/s1: {{private-key: "file:s1.pem"}}}}
        """,
        hosts=behind(project, tmp_path, {"mta1": server}),
    )
    path = "/etc/pmta/dkim/s1.example.com.pem"
    project.hosts["mta1"].put(pem(), path, 0o600)
    result = project.run("dkim", "verify").ended(Exit.OK)
    assert "stack yes, DNS yes, signature yes" in result.out
    project.hosts["mta1"].put(pem("two"), path, 0o600)
    result = project.run("dkim", "verify").ended(Exit.SOME_FAILED)
    assert "stack no, DNS no, signature no" in result.out
    assert "PRIVATE KEY" not in result.all
    assert not [line for line in pem("two").decode().splitlines()[8:-1] if line in result.all]


@pytest.fixture
def fleet(
    project: ProjectFolder, name_server: Start, server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Turning]:
    few_keys(monkeypatch)
    with start_sshd(tmp_path / "second") as second:
        project.stack(KEY, hosts=behind(project, tmp_path, {"mta1": server, "mta2": second}))
        yield Turning(project, name_server)


def behind(project: ProjectFolder, folder: Path, servers: dict[str, Sshd]) -> dict[str, dict[str, Any]]:
    """Hosts of a stack, each a folder behind its own server."""
    hosts: dict[str, dict[str, Any]] = {}
    for name, server in servers.items():
        host = HostFolder(folder / name)
        host.put("log-file /var/log/pmta/log\n").stand_in()
        project.hosts[name] = host
        hosts[name] = {
            "transport": "ssh",
            "root": str(host.root),
            "address": server.address,
            "port": server.port,
            "user": server.user,
            "identity-files": [str(server.identity)],
            "known-hosts": str(server.known_hosts),
            "ssh-config": str(server.folder / "ssh_config"),
            "use-agent": False,
        }
    return hosts


def test_two_hosts_go_from_one_selector_to_the_next_together(fleet: Turning) -> None:
    first = fleet.until_signing()
    assert fleet.lines("mta2") == [first]
    fleet.passes(86 * DAY)
    fleet.publish()
    fleet.publish()
    (second,) = fleet.stages().keys() - {first}
    fleet.passes(5 * DAY)
    # One host rejects it: the other had activated it already, unconfirmed, and rolls back.
    fleet.project.hosts["mta2"].tell("fail-reload")
    result = fleet.apply()
    assert [host.verdict.value for host in result.hosts.values()] == ["rolled back"] * 2
    assert [fleet.lines(name) for name in ("mta1", "mta2")] == [[first]] * 2
    assert all(first in host.running and second not in host.running for host in fleet.project.hosts.values())
    assert fleet.stages() == {first: "signing", second: "verified"}
    # And when both do, both sign with the next, and the first ends in its time.
    result = fleet.apply()
    assert [host.verdict.value for host in result.hosts.values()] == ["applied"] * 2
    assert all(f"domain-key {second}," in host.running for host in fleet.project.hosts.values())
    assert fleet.stages() == {first: "retiring", second: "signing"}
    fleet.passes(6 * DAY)
    fleet.apply()
    assert [fleet.files(name) for name in ("mta1", "mta2")] == [[second]] * 2
    fleet.passes(7 * DAY)
    fleet.publish()
    fleet.rotate()
    planned = fleet.plan()
    assert fleet.stages(planned) == {first: "revoked", second: "signing"}
    assert not planned.plan.changed
