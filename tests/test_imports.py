"""What each command imports: heavy libraries only where they are needed, or every command would start as slowly."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from projects import ProjectFolder
from sshd import Sshd

HEAVY = {"pydantic", "yaml", "fabric", "paramiko", "invoke", "deepdiff", "keyring", "cryptography", "rich", "dns"}
SSH = {"fabric", "invoke", "paramiko", "cryptography"}  # Fabric, and what it is built on
COMPARING = {"deepdiff", "pydantic"}  # the first imports the second

# What an unchanged plan has no use for: no file is parsed, nothing differs, no danger is looked for.
UNUSED = {
    *("zoneinfo", "http.client"),
    *("pmtaform.lang.effective.settings", "pmtaform.lang.lint.facts", "pmtaform.lang.lint.table"),
    *("pmtaform.plan.dangers.sides", "pmtaform.plan.dangers.table", "pmtaform.plan.dependencies"),
    *("pmtaform.inspection.predictions", "pmtaform.diagnostics.registry", "pmtaform.policy"),
}

ASYNC = {"asyncio", "unittest"}  # invoke, under Fabric, imports them

LOOK = """
import atexit, json, sys
from pmtaform.__main__ import main
sys.argv[0] = "pmtaform"
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
main()
"""

HELPS = """
import contextlib, io, json, sys
from pmtaform.cli import run
from pmtaform.cli.app import COMMANDS
for name in ("", *COMMANDS, "dns check", "dns records", "state list"):
    with contextlib.redirect_stdout(io.StringIO()) as output:
        assert run([*name.split(), "--help"]) == 0, name
    assert "Usage: pmtaform" in output.getvalue(), name
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""


def imported(folder: Path, *arguments: str, code: str = LOOK) -> set[str]:
    """The heavy libraries that a command imports, run to its good end."""
    words = [sys.executable, "-c", code, *arguments]
    return HEAVY & {name.partition(".")[0] for name in modules(folder, words)}


def modules(folder: Path, words: list[str]) -> set[str]:
    """The modules that a program has imported at its good end."""
    process = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    assert process.returncode == 0, process.stdout + process.stderr
    return set(json.loads(process.stderr.splitlines()[-1]))


@pytest.fixture
def ready(one: ProjectFolder) -> ProjectFolder:
    """A project with one local host, applied."""
    one.config("postmaster: postmaster@example.com")
    one.apply().ended(0)
    return one


@pytest.fixture
def over_ssh(project: ProjectFolder, server: Sshd, tmp_path: Path) -> ProjectFolder:
    """A project with one host behind a real SSH server, applied."""
    root = tmp_path / "root"
    (root / "etc/pmta").mkdir(parents=True)
    (root / "etc/pmta/config").write_text("log-file /var/log/pmta/log\n")
    host = {
        "transport": "ssh",
        "root": str(root),
        "address": server.address,
        "port": server.port,
        "user": server.user,
        "identity-files": [str(server.identity)],
        "known-hosts": str(server.known_hosts),
        "ssh-config": str(server.folder / "ssh_config"),
        "use-agent": False,
        "activation": "none",
    }
    project.stack("config: {postmaster: postmaster@example.com}\n", hosts={"mta1": host})
    project.apply().ended(0)
    return project


def test_version_imports_nothing(tmp_path: Path) -> None:
    assert imported(tmp_path, "--version") == set()


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    """The help of every command there is, one after the other in one process."""
    assert imported(tmp_path, code=HELPS) == set()


def test_providers_and_replies_import_nothing_heavy(tmp_path: Path) -> None:
    assert imported(tmp_path, "providers") == set()
    assert imported(tmp_path, "replies", "421 too many connections") == set()


def test_a_stack_needs_yaml_and_no_more(ready: ProjectFolder) -> None:
    for arguments in (("validate",), ("render", "mta1"), ("state", "list"), ("state", "show", "mta1")):
        assert imported(ready.root, *arguments) <= {"yaml"}, arguments


def test_the_first_stack_and_its_schema_need_yaml_at_the_most(tmp_path: Path) -> None:
    assert imported(tmp_path, "init", "fleet") <= {"yaml"}
    assert imported(tmp_path, "schema") <= {"yaml"}


def test_records_need_no_resolver(ready: ProjectFolder) -> None:
    assert imported(ready.root, "dns", "records") <= {"yaml"}


def test_local_hosts_need_no_ssh(ready: ProjectFolder) -> None:
    assert imported(ready.root, "plan") <= {"yaml"}
    assert ASYNC & modules(ready.root, [sys.executable, "-c", LOOK, "plan"]) == set()
    assert imported(ready.root, "drift") <= {"yaml"}
    assert imported(ready.root, "apply", "--auto-approve") <= {"yaml"}
    assert imported(ready.root, "rollback", "mta1", "--auto-approve") <= {"yaml"}


def test_differences_need_what_compares_them(ready: ProjectFolder) -> None:
    ready.config("postmaster: other@example.com")
    needed = {"yaml", *COMPARING}
    assert imported(ready.root, "plan", "--out", "plan.json") <= needed
    assert imported(ready.root, "show", "plan.json") <= {"yaml"}
    assert imported(ready.root, "apply", "plan.json") <= needed


@pytest.mark.sshd
def test_ssh_hosts_need_the_ssh_library_and_no_more(over_ssh: ProjectFolder) -> None:
    assert imported(over_ssh.root, "plan") <= {"yaml", *SSH}
    assert imported(over_ssh.root, "apply", "--auto-approve") <= {"yaml", *SSH}


@pytest.mark.sshd
def test_an_unchanged_plan_imports_nothing_of_a_difference(over_ssh: ProjectFolder) -> None:
    assert UNUSED & modules(over_ssh.root, [sys.executable, "-c", LOOK, "plan"]) == set()


@pytest.mark.sshd
def test_a_plan_over_kept_connections_needs_no_ssh_library(
    over_ssh: ProjectFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "x"))
    cold = over_ssh.run("plan").ended(0)
    try:
        for _ in range(2):
            warm = over_ssh.run("plan", "--keep-warm").ended(0)
            assert (warm.out, warm.err) == (cold.out, cold.err)
        unused = {*UNUSED, *ASYNC, *SSH}
        assert unused & modules(over_ssh.root, [sys.executable, "-c", LOOK, "plan", "--keep-warm"]) == set()
        assert imported(over_ssh.root, "plan", "--keep-warm") <= {"yaml"}
        assert over_ssh.run("warm", "status").ended(0).out.startswith("mta1  since ")
        (host,) = json.loads(over_ssh.run("warm", "status", "--format", "json").ended(0).out)["hosts"]
        assert host["host"] == "mta1"
    finally:
        assert over_ssh.run("warm", "stop").ended(0).out == "Kept connections closed: 1.\n"
    assert over_ssh.run("warm", "status").ended(0).out == "No connection is kept.\n"
