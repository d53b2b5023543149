"""Loading: a stack's own keys, its hosts, its files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from distributions import install
from stack_project import HOST, Project

from pmtaform.errors import Invalid, UsageError
from pmtaform.model.desired import Unmanaged
from pmtaform.secrets import Secret
from pmtaform.stack import compile_all, compile_host, find_project, load_stack, stack_names
from pmtaform.stack.schema import json_schema

StackOf = Callable[[str], Project]


def test_the_project_is_the_nearest_folder_that_holds_stacks(project: Project) -> None:
    root = project.folder.parents[1]
    assert find_project(project.folder) == root
    assert find_project(root) == root


def test_outside_a_project(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        find_project(tmp_path / "nowhere")
    assert error.value.diagnostics[0].code == "no-project"


def test_stacks_are_folders_with_yaml(project: Project) -> None:
    root = project.folder.parents[1]
    assert stack_names(root) == []
    project.write("hosts: {}")
    (root / "stacks" / "empty").mkdir()
    assert stack_names(root) == ["demo"]


def test_everything_of_a_host(project: Project) -> None:
    project.write(
        """
        ssh: {user: deploy, port: 2222, connect-timeout: 5, known-hosts: known_hosts}
        groups: {a: {}}
        hosts:
          mta1:
            address: 192.0.2.1
            port: 22
            sudo: {password: "env:SUDO"}
            password: "keyring:login"
            identity-files: [~/.ssh/id, keys/id]
            passphrase: file:pass
            use-agent: false
            proxy-jump: bastion.example.com
            command-timeout: 2m
            config-path: /etc/pmta/main.conf
            pmta: /opt/pmta/bin/pmta
            activation: restart
            commands: {restart: [systemctl, restart, pmta]}
            groups: [a]
          mta2: {transport: local, root: ../mta2}
          mta3:
        unmanaged: remove
        lifecycle: {protect: ["source[*]"]}
        limits: {deletions: 10%, deletions-free: 0, rate-factor: 2}
        allowed-paths: [/var/lib/pmta/]
        rollout: {parallel: 2}
        generations: 3
        """
    )
    stack = load_stack(project.folder)
    host = stack.hosts["mta1"]
    assert (host.address, host.port, host.user) == ("192.0.2.1", 22, "deploy")
    assert (host.sudo, host.sudo_password, host.password) == (True, "env:SUDO", "keyring:login")
    assert host.identity_files == (str(Path("~/.ssh/id").expanduser()), str(project.folder / "keys/id"))
    assert (host.passphrase, host.use_agent, host.proxy_jump) == ("file:pass", False, "bastion.example.com")
    assert (host.connect_timeout, host.command_timeout) == (5.0, 120.0)
    assert host.known_hosts == str(project.folder / "known_hosts")
    assert (host.config_path, host.pmta) == ("/etc/pmta/main.conf", "/opt/pmta/bin/pmta")
    assert host.activation == "restart"
    assert stack.operations[host.name].commands.restart == ("systemctl", "restart", "pmta")
    assert host.groups == ("a",)
    local = stack.hosts["mta2"]
    assert (local.transport, local.root) == ("local", str(project.folder.parent / "mta2"))
    plain = stack.hosts["mta3"]
    assert (plain.transport, plain.address, plain.root, plain.user) == ("ssh", "mta3", "/", "deploy")
    assert stack.unmanaged is Unmanaged.REMOVE
    assert (stack.rollout.parallel, stack.generations) == (2, 3)
    assert stack.allowed_paths == ("/etc/pmta", "/var/lib/pmta")
    desired = compile_host(stack, "mta1")
    assert (desired.config, desired.protect, desired.limits.deletions_percent) == (
        "/etc/pmta/main.conf",
        ("source[*]",),
        10.0,
    )


def test_a_local_host_wants_no_ssh_keys(project: Project) -> None:
    project.write("hosts: {a: {transport: local, address: x}}")
    assert sorted(project.codes()) == ["missing-key", "unused-key"]


RSH = """
from pmtaform.transports.local import LOCAL
from pmtaform.transport import Transport

RSH = Transport(name="rsh", summary="as in 1983", open=LOCAL.open, needs=("user",), unused=("passphrase",))
"""


def test_a_transport_of_a_plug_in_is_one_registration(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("hosts: {a: {transport: rsh, user: deploy, address: x}}")
    assert project.codes() == ["bad-key-value"]
    lines = "[pmtaform.transports]\nrsh = acme_rsh:RSH\n"
    install(monkeypatch, tmp_path / "site", name="acme-rsh", entry_points=lines, modules={"acme_rsh.py": RSH})
    host = load_stack(project.folder).hosts["a"]
    assert (host.transport, host.address, host.root) == ("rsh", "x", "/")
    project.write("hosts: {a: {transport: rsh, passphrase: env:X}}")
    assert sorted(project.codes()) == ["missing-key", "unused-key"]
    assert json_schema()["$defs"]["transport"]["enum"] == ["ssh", "local", "rsh"]


def test_a_broken_transport_is_an_error_at_its_line(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "[pmtaform.transports]\nrsh = acme_rsh:RSH\n"
    install(monkeypatch, tmp_path / "site", name="acme-rsh", entry_points=lines, modules={"acme_rsh.py": "1 / 0"})
    project.write("hosts: {a: {transport: rsh}}")
    [error] = project.findings()
    assert error.code == "plugin-broken"
    assert error.place is not None
    assert error.place.line == 1
    assert "acme-rsh 1.0" in error.detail


@pytest.mark.parametrize("name", ["-oProxyCommand=id", "a b", "a\\nb"])
def test_an_address_is_no_option(project: Project, name: str) -> None:
    project.write(f'hosts: {{a: {{address: "{name}"}}}}')
    assert project.codes() == ["bad-key-value"]


def test_load_raises_with_everything_that_is_wrong(stack_of: StackOf) -> None:
    project = stack_of("strit: true\nconfig: {max-msg-rate: 5/h, postmaster: [a]}\n")
    with pytest.raises(Invalid) as error:
        load_stack(project.folder)
    assert {d.code for d in error.value.diagnostics} == {"unknown-key", "misplaced-directive", "bad-value"}


def test_a_host_that_is_not_there(stack_of: StackOf) -> None:
    stack = load_stack(stack_of("").folder)
    with pytest.raises(UsageError, match="mta1"):
        compile_host(stack, "mta11")


def test_the_digest_covers_every_file_and_no_path(stack_of: StackOf, tmp_path: Path) -> None:
    project = stack_of("native: [a.conf]\n").write("postmaster a@example.com\n", "a.conf")
    first = load_stack(project.folder)
    assert first.files == ("stacks/demo/main.yaml", "stacks/demo/a.conf")
    other = Project(tmp_path / "elsewhere")
    other.write(HOST + "native: [a.conf]\n").write("postmaster a@example.com\n", "a.conf")
    assert load_stack(other.folder).digest == first.digest
    other.write("postmaster b@example.com\n", "a.conf")
    assert load_stack(other.folder).digest != first.digest


def test_what_many_hosts_show_is_reported_once(project: Project) -> None:
    hosts = ", ".join(f"h{n}: {{transport: local, root: r{n}}}" for n in range(50))
    project.write(f"hosts: {{{hosts}}}\nconfig: {{postmastr: x}}\nnative: [n.conf]\n").write("nonsense 1\n", "n.conf")
    assert project.codes() == ["unknown-directive", "unknown-directive"]


def test_a_value_that_a_higher_layer_replaces_needs_no_secret(stack_of: StackOf) -> None:
    project = stack_of("config: {smtp-user: {a: {password: {secret: 'env:NO'}}}}\ngroups: {}\n")
    stack = load_stack(project.folder)
    asked: list[str] = []

    def resolve(reference: str, place: object) -> Secret:
        asked.append(reference)
        return Secret(b"hunter2", reference)

    blocks = compile_all(stack, resolve)["mta1"].blocks
    assert asked == ["env:NO"]
    assert "hunter2" in next(iter(blocks.values())).parts[0].text


@pytest.mark.parametrize("value", [b"a\nrun-as-root yes", b"a # b", b"\xff", b"", b"a\x00"])
def test_a_secret_that_would_not_stay_on_its_line(stack_of: StackOf, value: bytes) -> None:
    stack = load_stack(stack_of("config: {smtp-user: {a: {password: {secret: 'env:P'}}}}\n").folder)
    with pytest.raises(Invalid) as error:
        compile_host(stack, "mta1", lambda reference, _: Secret(value, reference))
    assert [d.code for d in error.value.diagnostics] == ["unsafe-secret"]
    assert "hunter2" not in str(error.value)


def test_every_line_knows_where_it_was_written(stack_of: StackOf) -> None:
    stack = load_stack(
        stack_of(
            "config:\n  domain:\n    a.example:\n      max-smtp-out: 5\n    b.example: |\n      max-smtp-out 5\n"
        ).folder
    )
    blocks = list(compile_host(stack, "mta1").blocks.values())
    inner = [block.parts[0].tree.place(block.parts[0].node.line + 1) for block in blocks]
    assert [str(place) for place in inner] == ["stacks/demo/main.yaml:5:21", "stacks/demo/main.yaml:7"]


def test_ten_thousand_virtual_mtas(stack_of: StackOf) -> None:
    project = stack_of(
        "config:\n  virtual-mta:\n    m-${n}:\n      for-each: {n: 1..10000, ip: 10.0.0.1..10.0.39.16}\n"
        '      smtp-source-host: ${ip} m-${n}.example.com\n      domain: {"*": {max-smtp-out: 10}}\n'
    )
    assert len(compile_host(load_stack(project.folder), "mta1").blocks) == 10_000


def test_a_value_that_is_whole_only_with_its_secret(stack_of: StackOf) -> None:
    body = "config: {acct-file: {/x: {privacy-policy: {value: siphash, secret: 'env:K'}}}}\n"
    stack = load_stack(stack_of(body).folder)
    block = compile_host(stack, "mta1", lambda reference, _place: Secret(b"abc", reference)).blocks
    assert "privacy-policy siphash abc\n" in next(iter(block.values())).parts[0].text


def test_a_text_that_is_not_kept_is_read_again(stack_of: StackOf, monkeypatch: pytest.MonkeyPatch) -> None:
    project = stack_of("native: [a.conf]\n").write("postmaster a@example.com\n", "a.conf")
    kept = compile_all(load_stack(project.folder))["mta1"].blocks
    monkeypatch.setattr("pmtaform.stack.native._MOST_KEPT", 0)
    again = load_stack(project.folder)
    read = compile_all(again)["mta1"].blocks
    assert {a: [part.text for part in block.parts] for a, block in read.items()} == {
        a: [part.text for part in block.parts] for a, block in kept.items()
    }
    other = load_stack(project.folder)
    assert other.digest == again.digest
    project.write("postmaster b@example.com\n", "a.conf")
    with pytest.raises(Invalid) as error:
        compile_all(other)
    assert error.value.diagnostics[0].code == "native-changed"
    assert load_stack(project.folder).digest != other.digest
