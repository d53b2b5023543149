"""A project in a folder, with hosts that are folders, and the command line run on it in this process."""

from __future__ import annotations

import contextlib
import io
import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from textwrap import dedent, indent
from typing import Any, TypeVar

import pytest

from pmtaform.cli import run
from pmtaform.diagnostics import Exit
from pmtaform_emulator import calls, clear_faults, fault, install
from pmtaform_emulator.daemon import Daemon
from pmtaform_emulator.layout import Layout

A = TypeVar("A")
B = TypeVar("B")
CONFIG = "/etc/pmta/config"
RUNS = "log-file /var/log/pmta/log\n"  # what a PowerMTA needs at the least to start
PROGRAM = [sys.executable, "-m", "pmtaform"]
OFFLINE = {"activation": "none"}  # a host without a PowerMTA: the files are all there is
ALL_FAULTS = bool(os.environ.get("PMTAFORM_ALL_FAULTS"))  # `make faults` runs every combination


# A PowerMTA of a few lines: it runs what it read last, and tests can make it fail and hang.
PMTA = r"""#!/bin/sh
root=${0%/usr/sbin/*}
ctl=$root/ctl
word=$1
case $word in show) word=$2 ;; --*) word=$3 ;; esac
left() {
    [ -f "$ctl/$1-$word" ] || return 1
    read -r n <"$ctl/$1-$word"
    [ "$n" -gt 0 ] || return 1
    echo $((n - 1)) >"$ctl/$1-$word"
}
if left hang; then exec sleep 1000; fi
if left fail; then
    echo 'Error in line 1 of /etc/pmta/config: made to fail'
    exit 1
fi
case $1 in
    --*)
        if [ -f "$ctl/$word.json" ]; then
            cat "$ctl/$word.json"
        else
            spool='"spool": {"totalRcp": 0}'
            echo '{"status": "success", "data": {"status": {"status": "running", '"$spool"'}, "queue": []}}'
        fi
        exit 0
        ;;
esac
case $word in
    version) echo 'PowerMTA v5.0r8 (2020-11-05, 64-bit; stand-in).' ;;
    reload | restart)
        set -- "$root/etc/pmta/config"
        for file in "$root"/etc/pmta/conf.d/*.conf; do [ ! -f "$file" ] || set -- "$@" "$file"; done
        cat "$@" >"$ctl/running.new" && mv -f "$ctl/running.new" "$ctl/running" || exit 1
        echo 'Configuration reloaded.'
        ;;
    test)
        if grep -q pmtaform-control "$root/etc/pmta/config"; then
            echo 'Error in line 3 of /etc/pmta/config: unknown directive'
            exit 1
        fi
        ;;
    status) echo 'status running' ;;
    settings) cat "$root/ctl/settings" 2>/dev/null ;;
esac
exit 0
"""


@dataclass(frozen=True)
class CommandResult:
    """What a command put out, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err

    @property
    def words(self) -> str:
        """Everything on one line: text is wrapped to the width of a terminal."""
        return " ".join(self.all.split())

    def json(self) -> Any:
        return json.loads(self.out)

    def lines(self) -> list[Any]:
        """What a run said in JSON, line by line; the last is its result."""
        return [json.loads(line) for line in self.out.splitlines()]

    def ended(self, code: int) -> CommandResult:
        """This, if the command ended with `code`."""
        assert self.code == code, f"exit {self.code}, not {code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"
        return self


@dataclass
class HostFolder:
    """A folder that stands for a host's root."""

    root: Path

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    @property
    def config(self) -> Path:
        return self.at(CONFIG)

    def put(self, content: str | bytes, path: str = CONFIG, mode: int = 0o640) -> HostFolder:
        """Make a file as an administrator would have left it."""
        target = self.at(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        target.chmod(mode)
        return self

    def read(self, path: str = CONFIG) -> str:
        return self.at(path).read_bytes().decode("utf-8", "surrogateescape")

    def mode(self, path: str = CONFIG) -> int:
        return stat.S_IMODE(self.at(path).stat().st_mode)

    def emulate(self, version: str = "5.0r8") -> HostFolder:
        """Put the PowerMTA stand-in there and start it with what is in the folder."""
        install(self.root, version=version)
        subprocess.run([self.at("/etc/init.d/pmta"), "start"], check=True, capture_output=True)
        return self

    def stand_in(self) -> HostFolder:
        """Put a PowerMTA of a few lines there, which runs what is in the folder; much quicker than the emulator."""
        self.put(PMTA, "/usr/sbin/pmta", 0o755)
        self.at("/ctl").mkdir(exist_ok=True)
        subprocess.run([self.at("/usr/sbin/pmta"), "restart"], check=True, capture_output=True)
        return self

    def tell(self, what: str, content: str = "1\n") -> None:
        """Tell the few lines: `fail-reload`, `hang-reload` with a count, `settings`, `status.json`, `queues.json`."""
        self.at(f"/ctl/{what}").write_text(content)

    @property
    def running(self) -> str:
        """What the few lines run."""
        return self.at("/ctl/running").read_text()

    def fault(self, command: str, kind: Any, **more: Any) -> None:
        fault(self.root, command, kind, **more)

    def behave(self) -> None:
        clear_faults(self.root)

    @property
    def in_force(self) -> str:
        """The main file of the configuration that the stand-in runs."""
        return Daemon(Layout(self.root)).in_force()[CONFIG].decode("utf-8", "surrogateescape")

    @property
    def starts(self) -> int:
        """How often the stand-in was started."""
        return Daemon(Layout(self.root)).store.read().starts

    @property
    def called(self) -> list[str]:
        """The commands that the stand-in was given, in order."""
        return [" ".join(map(str, call["arguments"])) for call in calls(self.root)]  # type: ignore[call-overload]

    def tree(self) -> dict[str, tuple[str, int, int]]:
        """Every file below /etc: content, mode, inode. The same tree: not a byte was touched."""
        return {str(p.relative_to(self.root)): _describe(p) for p in sorted(self.at("/etc").rglob("*"))}

    def contents(self) -> dict[str, str]:
        """Every file below /etc/pmta and what it holds."""
        items = sorted(p for p in self.at("/etc/pmta").rglob("*") if p.is_file())
        return {"/" + str(p.relative_to(self.root)): p.read_bytes().decode("utf-8", "surrogateescape") for p in items}

    def marked(self, word: str) -> list[Path]:
        """The transactions of which the host's program has noted `word`: "begin", "staged", "pending" …"""
        items = []
        for marks in self.root.glob("var/lib/pmtaform/tx/*/marks"):
            with contextlib.suppress(FileNotFoundError):  # it ends at this moment
                items += [marks.parent] if word in marks.read_text().split() else []
        return items

    def leftovers(self) -> list[str]:
        """What a transaction must not leave behind."""
        lib = self.at("/var/lib/pmtaform")
        items = [*beside(self.at("/etc")), *lib.glob("tx/*"), *lib.glob("lock"), *lib.glob("own.*")]
        return sorted(str(p.relative_to(self.root)) for p in items)


def _describe(path: Path) -> tuple[str, int, int]:
    result = path.lstat()
    content = "folder" if path.is_dir() else path.read_bytes().decode("latin-1") if path.is_file() else "other"
    return content, stat.S_IMODE(result.st_mode), 0 if path.is_dir() else result.st_ino


@dataclass
class ProjectFolder:
    """A project with one stack, `fleet`, and hosts that are folders."""

    root: Path
    hosts: dict[str, HostFolder] = field(default_factory=dict)

    @property
    def host(self) -> HostFolder:
        return self.hosts["mta1"]

    @property
    def folder(self) -> Path:
        return self.root / "stacks/fleet"

    @property
    def state_file(self) -> Path:
        return self.root / "state/fleet.json"

    @property
    def state(self) -> Any:
        return json.loads(self.state_file.read_text())

    def add_host(self, name: str, config: str | bytes | None = RUNS, *, pmta: bool = False) -> HostFolder:
        """A host with this configuration; with `pmta`, the stand-in runs it."""
        self.hosts[name] = made = HostFolder(self.folder / "hosts" / name)
        made.at("/etc/pmta").mkdir(parents=True, exist_ok=True)
        if config is not None:
            made.put(config)
        if pmta:
            made.emulate()
        return made

    def stack(self, body: str = "", hosts: Mapping[str, Mapping[str, Any]] | None = None, **options: Any) -> None:
        """Write the stack: `body` is its YAML except `stack` and `hosts`; `options` are of every host."""
        known = {name: {} for name in self.hosts} if hosts is None else hosts
        lines = ["stack: fleet", "hosts:"]
        for name, own in known.items():
            more = {"transport": "local", "root": f"hosts/{name}", **options, **own}
            lines.append(f"  {name}: {json.dumps(more)}")
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "stack.yaml").write_text("\n".join(lines) + "\n" + dedent(body).lstrip("\n"))

    def config(self, config: str, body: str = "", **options: Any) -> None:
        """Write a stack for hosts without PowerMTA: `config` is what stands below `config:`."""
        self.stack(f"config:\n{indent(dedent(config).strip(), '  ')}\n{dedent(body)}", **{**OFFLINE, **options})

    def add_file(self, path: str, content: str | bytes, mode: int = 0o600) -> Path:
        """A file of the stack."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        target.chmod(mode)
        return target

    def run(self, *arguments: str) -> CommandResult:
        """Run a command on the project in this process."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(["-C", str(self.root), *arguments])
        return CommandResult(code, out.getvalue(), err.getvalue())

    def plan(self, *arguments: str) -> CommandResult:
        return self.run("plan", "fleet", *arguments)

    def apply(self, *arguments: str) -> CommandResult:
        return self.run("apply", "fleet", "--auto-approve", *arguments)

    def save_plan(self, *arguments: str) -> str:
        """A plan file of the stack as it is now."""
        path = self.root / "plan.json"
        self.plan("--out", str(path), *arguments).ended(Exit.OK)
        return str(path)

    def settled(self) -> None:
        """Assert that a plan now is empty."""
        result = self.plan("--detailed-exitcode")
        assert result.out.startswith("No changes."), result.all
        assert result.code == Exit.OK

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        """Start a command as a separate process, in the project's folder."""
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return subprocess.Popen([*PROGRAM, *arguments], cwd=self.root, text=True, **{**pipes, **more})


def pairs(rows: Iterable[A], columns: Iterable[B], every: int) -> list[tuple[A, B]]:
    """Every pair for `make faults`; else each row with every n-th column, shifted from row to row.

    So each row and each column is in the sample, and neighbouring rows have different columns.
    """
    columns = list(columns)
    return [
        (row, column)
        for at, row in enumerate(rows)
        for number, column in enumerate(columns)
        if ALL_FAULTS or (at + number) % every == 0
    ]


def addresses(result: CommandResult) -> set[tuple[str, str]]:
    """The (action, address) pairs of a plan in JSON."""
    return {(c["action"], c["address"]) for host in result.json()["hosts"] for c in host["changes"]}


def dangers(result: CommandResult) -> set[str]:
    """The codes of all dangers of a plan in JSON."""
    hosts = result.json()["hosts"]
    reported = [d["code"] for host in hosts for d in host["dangers"]]
    return {*reported, *(d["code"] for host in hosts for c in host["changes"] for d in c["dangers"])}


def beside(folder: Path) -> list[Path]:
    """What a transaction has put beside its files. Folders may go while they are looked through."""
    return [
        Path(at, name) for at, folders, files in os.walk(folder) for name in (*folders, *files) if ".pmtaform-" in name
    ]


def until(happened: Callable[[], Any], process: subprocess.Popen[Any] | None = None) -> None:
    """Wait for something to have happened; fails when it takes impossibly long, or `process` ends before it."""
    end = time.monotonic() + 60
    pause = 0.005
    while not happened():
        assert time.monotonic() < end, "it never happened"
        assert process is None or process.poll() is None or happened(), "the process ended before it happened"
        time.sleep(pause)
        pause = min(2 * pause, 0.1)


def move_deadline(file: Path, sooner: int | None = None) -> None:
    """Let the time of what waits be over, or be it `sooner` seconds earlier, on the host's own clock."""
    with contextlib.suppress(FileNotFoundError):  # someone else's word came first, and all is settled
        boot, until_, within, _ = file.read_text().split("\n")[-2].split()
        with file.open("a") as out:
            out.write(f"\n{boot} {0 if sooner is None else int(until_) - sooner} {within} .\n")


def is_root() -> bool:
    return os.geteuid() == 0


@cache
def has_namespaces() -> bool:
    """Whether this machine lets these tests make a mount namespace: root, and not in a strict container."""
    with contextlib.suppress(OSError):
        made = subprocess.run(["unshare", "-m", "mount", "--make-rprivate", "/"], check=False, capture_output=True)
        return made.returncode == 0
    return False


needs_namespaces = pytest.mark.skipif(not has_namespaces(), reason="no mount namespace can be made here")
