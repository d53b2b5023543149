"""A stranger's stack: what it has run, read and multiplied on the machine that plans it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from projects import ProjectFolder

from pmtaform.diagnostics import Exit
from pmtaform.programs import PROJECT_FILE, VARIABLE

REFERENCES = {
    "a value": "config: {log-file: /l, http-api-key: {secret: 'command:touch RAN'}}\n",
    "a key": "dkim-keys:\n  example.com/s1: {private-key: 'command:touch RAN'}\n",
    "a file": "files:\n  /etc/pmta/x.pem: {secret: 'command:touch RAN'}\n",
}
LOOKS = ("validate", "lint", "render", "schema")
RUNS = ("plan", "apply", "drift", "hosts")


def write(project: ProjectFolder, text: str) -> Path:
    """A stack of one local host, and the file that its programs would make."""
    ran = project.root / "ran"
    project.add_host("mta1")
    root = project.hosts["mta1"].root
    head = f"stack: fleet\nhosts: {{mta1: {{transport: local, root: {root}, activation: none}}}}\n"
    (project.folder / "stack.yaml").write_text(head + text.replace("RAN", str(ran)))
    return ran


@pytest.fixture(autouse=True)
def nothing_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.mark.parametrize("text", REFERENCES.values(), ids=REFERENCES)
@pytest.mark.parametrize("command", [*LOOKS, *RUNS, "secrets"])
def test_a_stack_has_no_program_run(project: ProjectFolder, command: str, text: str) -> None:
    ran = write(project, text)
    words = {"apply": ["apply", "--auto-approve"], "secrets": ["secrets", "check"], "render": ["render", "mta1"]}
    result = project.run(*words.get(command, [command]))
    assert not ran.exists()
    if command in RUNS:
        assert result.code not in (Exit.OK, Exit.CHANGES)
        assert f"{VARIABLE}=touch" in result.words


ALLOWED = {
    "by the environment": ({VARIABLE: "pass, touch"}, None),
    "by the environment, all": ({VARIABLE: "*"}, None),
    "by the project": ({}, "allow-commands: [touch]\n"),
}
REFUSED = {
    "another program": ({VARIABLE: "pass"}, None),
    "the same name elsewhere": ({VARIABLE: "/usr/bin/touch"}, None),
    "the environment says none, whatever the project says": ({VARIABLE: ""}, "allow-commands: [touch]\n"),
    "another program of the project": ({}, "allow-commands: [pass]\n"),
}


@pytest.mark.parametrize(("environment", "file"), ALLOWED.values(), ids=ALLOWED)
def test_who_owns_the_machine_or_the_project_allows_a_program(
    project: ProjectFolder, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], file: str | None
) -> None:
    ran = write(project, REFERENCES["a value"])
    prepared(project, monkeypatch, environment, file)
    project.run("plan")
    assert ran.exists()


@pytest.mark.parametrize(("environment", "file"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_allowed_is_refused(
    project: ProjectFolder, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], file: str | None
) -> None:
    ran = write(project, REFERENCES["a value"])
    prepared(project, monkeypatch, environment, file)
    project.run("plan").ended(Exit.ERROR)
    assert not ran.exists()


def prepared(
    project: ProjectFolder, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], file: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    if file is not None:
        (project.root / PROJECT_FILE).write_text(file)


@pytest.mark.parametrize("text", ["allow-commands: touch\n", "allow-comands: [touch]\n", "- touch\n", "a: [\n"])
def test_a_project_file_that_is_wrong_is_refused(project: ProjectFolder, text: str) -> None:
    ran = write(project, REFERENCES["a value"])
    (project.root / PROJECT_FILE).write_text(text)
    project.run("plan").ended(Exit.INVALID)
    assert not ran.exists()


SSH = {
    "ProxyCommand": "Host *\n ProxyCommand touch RAN\n",
    "ProxyCommand with an equals sign": "ProxyCommand=touch RAN\n",
    "a shell behind an allowed program": "Host *\n ProxyCommand nc %h %p; touch RAN\n",
    "Match exec": 'Match exec "touch RAN"\n User x\n',
    "Match with more": 'Match host * exec "touch RAN"\n User x\n',
}


@pytest.mark.parametrize("config", SSH.values(), ids=SSH)
@pytest.mark.parametrize("included", [False, True])
def test_an_ssh_config_of_the_project_has_no_program_run(
    project: ProjectFolder, monkeypatch: pytest.MonkeyPatch, config: str, included: bool
) -> None:
    monkeypatch.setenv(VARIABLE, "nc")
    ran = project.root / "ran"
    text = config.replace("RAN", str(ran))
    (project.folder / "ssh_config").write_text("Include more\n" if included else text)
    (project.folder / "more").write_text(text)
    (project.folder / "stack.yaml").write_text(
        "stack: fleet\nhosts: {mta1: {address: 127.0.0.1, port: 9, ssh-config: ssh_config, connect-timeout: 2}}\n"
        "config: {log-file: /l}\n"
    )
    result = project.run("plan")
    assert result.code not in (Exit.OK, Exit.CHANGES)
    assert "[program-not-allowed]" in result.words
    assert not ran.exists()


# -- what multiplies ---------------------------------------------------------------------------------------------------


def chain(levels: int, times: int) -> str:
    """Variables of which each repeats the one before."""
    lines = ["vars:", " v0: xxxxxxxxxx"]
    lines += [f" v{n}: '{f'${{v{n - 1}}}' * times}'" for n in range(1, levels + 1)]
    return "\n".join([*lines, f"config: {{log-file: '/${{v{levels}}}'}}", ""])


MULTIPLY = {
    "ten times ten times ten": chain(12, 10),
    "two times, many levels": chain(60, 2),
    "a loop over a long value": "vars:\n big: '" + "x" * 60_000 + "'\nconfig:\n  virtual-mta:\n    'v${i}':\n"
    "      for-each: {i: 1..60000}\n      host-name: '${big}'\n",
    "a loop with too many rounds": "config:\n  virtual-mta:\n    'v${i}': {for-each: {i: 1..999999999}}\n",
}


@pytest.mark.parametrize("text", MULTIPLY.values(), ids=MULTIPLY)
def test_what_multiplies_is_refused(project: ProjectFolder, text: str) -> None:
    write(project, text)
    result = project.run("validate").ended(Exit.INVALID)
    assert len(result.err) < 20_000


def test_a_variable_that_is_wrong_is_reported_once(project: ProjectFolder) -> None:
    write(project, "vars: {a: '${nowhere}', b: '${a}', c: '${b}'}\nconfig: {log-file: '/${c}'}\n")
    result = project.run("validate", "--format", "json").ended(Exit.INVALID)
    assert result.out.count('"unknown-variable"') == 1


# -- files that never end, or never begin ------------------------------------------------------------------------------

NAMES = ("state/fleet.json", "state/fleet.key", "state/fleet.journal", "state/fleet.lock", "stacks/fleet/more.yaml")


@pytest.mark.parametrize("kind", ["fifo", "device", "folder"])
@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_none_is_refused(project: ProjectFolder, name: str, kind: str) -> None:
    write(project, "config: {log-file: /l}\n")
    path = project.root / name
    path.parent.mkdir(exist_ok=True)
    if kind == "fifo":
        os.mkfifo(path, 0o600)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    result = project.run("apply", "--auto-approve")
    assert result.code not in (Exit.OK, Exit.CHANGES) or (kind, path.suffix) == ("folder", ".yaml")
    assert "bug in pmtaform" not in result.all


def test_a_stack_file_that_leads_out_of_the_project_is_not_read(project: ProjectFolder, tmp_path: Path) -> None:
    write(project, "config: {log-file: /l}\n")
    (tmp_path / "secret.yaml").write_text("password: canary\n")
    (project.folder / "more.yaml").symlink_to(tmp_path / "secret.yaml")
    result = project.run("validate").ended(Exit.INVALID)
    assert "canary" not in result.all
    assert "[stack-outside]" in result.all
