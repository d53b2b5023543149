"""The one program that runs on hosts: what it may rely on, and that it arrives as it was written."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hostroot import CONFIG, NEW, OLD, HostRoot, transaction
from ways import SHELLS, in_folder

from pmtaform.host import Status
from pmtaform.host.text import clean, one_line
from pmtaform.host.wire import agent_source, boot, program, steps


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole program in one file."""
    path = tmp_path_factory.mktemp("agent") / "agent.sh"
    path.write_text("#!/bin/sh\n" + agent_source())
    return path


COREUTILS = """
    basename cat chmod chown cp cut date dd dirname env head id install ln ls mkdir mktemp mv printf pwd readlink rm
    rmdir sha256sum sleep sort stat sync tail test timeout touch tr uname wc
"""


@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
def test_each_shell_reads_it(shell: tuple[str, ...], agent: Path) -> None:
    subprocess.run([*shell, "-n", str(agent)], check=True)


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_has_nothing_to_say(agent: Path) -> None:
    """SC2015: `a && b || c` is meant so. SC2030/1: subshells are used for their own variables. SC2034: read by Python,
    or to skip a field. SC2012: names are ours. SC3013: -ef is in dash, bash and busybox. SC2094: -ef reads no file.
    """
    meant = "SC2015,SC2030,SC2031,SC2034,SC2012,SC3013,SC2094"
    subprocess.run(["shellcheck", "-s", "sh", "-e", meant, str(agent)], check=True)


@pytest.mark.parametrize("shell", SHELLS)
def test_coreutils_are_enough(root: HostRoot, tmp_path: Path, shell: str) -> None:
    """With nothing else to be found: no sed, awk, grep, find, flock, setsid. (`sh` is for the stand-in.)"""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in [*COREUTILS.split(), "sh", "bash", "dash", "busybox"]:
        result = shutil.which(name)
        assert result
        (tools / name).symlink_to(result)
    source = agent_source()
    assert source.count("PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:") == 1
    for word in ("sed", "awk", "grep", "find", "flock", "xargs", "python", "perl", "cmp", "diff"):
        assert not re.search(rf"(^|[|;&(]|\$\()\s*{word}\b", source, re.MULTILINE), word
    host = in_folder(root, shell, {"PATH": str(tools)})
    assert host.probe().files[CONFIG].content == OLD
    assert host.apply(transaction((CONFIG, NEW))).status is Status.APPLIED


def test_busybox_for_everything(root: HostRoot, tmp_path: Path) -> None:
    """Every tool is busybox's own."""
    tools = tmp_path / "bin"
    tools.mkdir()
    subprocess.run(["busybox", "--install", "-s", str(tools)], check=True)
    host = in_folder(root, "busybox", {"PATH": str(tools)})
    assert host.probe().files[CONFIG].content == OLD
    root.tell("fail-reload")
    assert host.apply(transaction((CONFIG, NEW))).status is Status.ROLLED_BACK
    assert host.apply(transaction((CONFIG, NEW))).status is Status.APPLIED
    assert root.leftovers() == []


def test_the_command_line_is_small_and_constant() -> None:
    line = " ".join(boot(("sh",), program()))
    assert len(line) < 500
    assert len(line.splitlines()) == 1
    assert line.startswith('sh -c PROGRAM="$(dd bs=')


def test_what_is_sent_is_the_program_without_comments() -> None:
    kept = [line.strip() for line in agent_source().splitlines() if line.strip() and not line.strip().startswith("#")]
    assert program().decode("ascii").splitlines() == kept
    subprocess.run(["dash", "-n"], input=program(), check=True)


def test_nothing_is_evaluated_but_the_program_itself() -> None:
    code = program().decode("ascii")
    assert re.findall(r".*(?:\beval\b|\bsh -c\b|`).*", code) == ['eval "$MORE"']


def test_every_step_that_is_journalled_is_enumerated() -> None:
    code = program().decode("ascii")
    used = set(re.findall(r"(?:^|&& |; |\{ )(?:step|for_each|step_done) ([a-z-]+)\b", code, re.MULTILINE))
    used |= set(re.findall(r"\btest_point \"?([a-z-]+)[.:]", code))
    assert used == set(steps())


def test_importing_the_package_imports_no_ssh_library() -> None:
    code = "import sys, pmtaform.host, pmtaform.host.local; print({'fabric', 'paramiko', 'invoke'} & set(sys.modules))"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout == "set()\n"


def test_text_of_hosts_is_made_harmless() -> None:
    assert clean(b"\x1b[31mred\x1b[0m \x1b]0;title\x07\xc2\x9b1m a\r\nb\tc\x00\x7f \xff") == "red 1m a\nb\tc \ufffd"
    assert clean("\u202eevil\u2066 \u200bx") == "evil x"
    assert one_line(b"a\n b\r\n\tc") == "a b c"
    assert len(clean(b"x" * 10**6)) == 16384
