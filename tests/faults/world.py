"""One host, one change, and whatever goes wrong at one point of it.

The change has all that a change can have: a key that comes, one that goes, a new include, a changed main file. The
client is a separate process (a fork), the host a folder, reached locally or over SSH; at the chosen point the host's
program stands still until the test has done its worst.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from projects import PMTA, CommandResult, HostFolder, ProjectFolder, move_deadline, until
from signing_keys import pem
from sshd import Sshd

HOOK = Path(__file__).with_name("hook.sh")
BOOT = "/proc/sys/kernel/random/boot_id"
OLD_KEY, NEW_KEY = "/etc/pmta/dkim/old.example.com.pem", "/etc/pmta/dkim/new.example.com.pem"
MORE = "/etc/pmta/conf.d/more.conf"

BEFORE = """
config:
  log-file: /var/log/pmta/log
  include: /etc/pmta/conf.d/*.conf
  domain: {gmail.com: {max-smtp-out: 10}}
dkim-keys:
  example.com/old: {private-key: "file:keys/old.pem", path: /etc/pmta/dkim/old.example.com.pem}
"""
AFTER = """
config:
  log-file: /var/log/pmta/log
  include: /etc/pmta/conf.d/*.conf
  domain: {gmail.com: {max-smtp-out: 20}}
native: [{file: files/more.conf, path: /etc/pmta/conf.d/more.conf}]
dkim-keys:
  example.com/new: {private-key: "file:keys/new.pem", path: /etc/pmta/dkim/new.example.com.pem}
"""
CONSENT = ("--allow", "signing-key-removed")


@dataclass
class World:
    """A project with one host that has the old configuration and is to get the new one."""

    project: ProjectFolder
    server: Sshd | None = None
    child: int = 0
    out: Path = field(default_factory=Path)
    other: CommandResult | None = None  # the output for the other operator
    _go: int = -1

    @property
    def host(self) -> HostFolder:
        return self.project.hosts.setdefault("mta1", HostFolder(self.project.folder / "hosts/mta1"))

    @property
    def root(self) -> Path:
        return self.host.root

    def ctl(self, name: str) -> Path:
        return self.root / "ctl" / name

    @property
    def lib(self) -> Path:
        return self.root / "var/lib/pmtaform"

    # -- making it -----------------------------------------------------------------------------------------------------

    def make(self, template: World | None = None) -> World:
        """The host with what it has before; as in `template`, if there is one."""
        if template is None:
            self._begin()
        else:
            shutil.copytree(template.root, self.root, symlinks=True, ignore=shutil.ignore_patterns("reached", "go"))
            for part in ("state", "stacks/fleet/keys", "stacks/fleet/files"):
                shutil.copytree(template.project.root / part, self.project.root / part)
        for name in ("reached", "go"):
            os.mkfifo(self.ctl(name))
        self._go = os.open(self.ctl("go"), os.O_RDWR | os.O_NONBLOCK)  # a line in it waits for who will read it
        self.say(BEFORE)
        if template is None:
            self.apply_here().ended(0)
        return self

    def _begin(self) -> None:
        host = self.host
        host.at("/etc/pmta/conf.d").mkdir(parents=True)
        host.put("log-file /var/log/pmta/log\n")
        host.put(PMTA, "/usr/sbin/pmta", 0o755)
        host.put("0123456789abcdef0123456789abcdef\n", "/etc/machine-id", 0o444)
        host.put("11111111-1111-1111-1111-111111111111\n", BOOT, 0o444)
        self.ctl("x").parent.mkdir()
        self.ctl("running").write_text(host.read())
        for name in ("old", "new"):
            self.project.add_file(f"keys/{name}.pem", pem(name))
        self.project.add_file("files/more.conf", "<domain yahoo.com>\n    max-smtp-out 2\n</domain>\n")

    def say(self, body: str) -> None:
        """What the stack wants now."""
        own: dict[str, Any] = {"command-timeout": 2}
        if self.server is not None:
            own |= self.server.stack_keys() | {"root": str(self.root)}
        self.project.stack(body, hosts={"mta1": own})

    def apply_here(self) -> CommandResult:
        return self.project.apply(*CONSENT)

    def change(self, point: str = "") -> None:
        """Start the change as a separate process, which stops at `point`."""
        self.say(AFTER)
        shutil.rmtree(self.ctl("once"), ignore_errors=True)
        if point:
            self.ctl("at").write_text(f"{point}\n")
        self.out = self.project.root / "child.out"
        gc.freeze()  # the child would copy every page that a collection looks at
        self.child = os.fork()
        if self.child == 0:
            gc.disable()
            self._be_the_client()
        gc.unfreeze()

    def _be_the_client(self) -> None:
        """Never returns."""
        code = 70
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            sink = os.open(self.out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(sink, 1)
            os.dup2(sink, 2)
            sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
            sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
            code = self.work()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)

    def work(self) -> int:
        """What the client does; its exit code."""
        from pmtaform.cli import run

        return run(["-C", str(self.project.root), "apply", "fleet", "--auto-approve", *CONSENT])

    # -- what happens --------------------------------------------------------------------------------------------------

    def reached(self) -> int:
        """Wait until the program on the host is at the point; its process. 0: the client ended before."""
        pipe = os.open(self.ctl("reached"), os.O_RDWR | os.O_NONBLOCK)
        ended = os.pidfd_open(self.child)
        try:
            ready, _, _ = select.select([pipe, ended], [], [], 60)
            assert ready, "neither reached nor ended"
            return int(os.read(pipe, 100) or b"0") if pipe in ready else 0
        finally:
            os.close(pipe)
            os.close(ended)

    def go_on(self) -> None:
        """Let the program on the host go on, if it is there."""
        os.write(self._go, b"go\n")

    def end(self) -> None:
        """End what still runs of the host."""
        self.kill(*self.programs())
        os.close(self._go)

    def client_ends(self) -> int:
        """The client's exit code; negative: the signal that ended it."""
        _, status = os.waitpid(self.child, 0)
        return os.waitstatus_to_exitcode(status)

    def programs(self) -> list[int]:
        """Every process of the host's program: their environment has this host's mark."""
        mark = f"PMTAFORM_TEST_MARK={self.mark}\0"
        return [pid for pid in _pids() if mark in _environment(pid) and pid != os.getpid()]

    @property
    def mark(self) -> str:
        return str(self.server.folder if self.server is not None else self.root)

    def front(self, program: int) -> int:
        """The program that serves the connection: above the one that does the work, or that itself."""
        above = int(Path(f"/proc/{program}/stat").read_text().rpartition(")")[2].split()[1])
        return above if above in self.programs() and above != self.child else program

    def kill(self, *pids: int) -> None:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def reboot(self) -> None:
        """Everything that runs on the host ends; it starts again, and PowerMTA with what lies on the disk."""
        self.kill(*(pid for pid in self.programs() if pid != self.child))
        self.host.at(BOOT).chmod(0o644)
        self.host.at(BOOT).write_text(f"{os.urandom(4).hex()}-0000-0000-0000-000000000000\n")
        subprocess.run([self.host.at("/usr/sbin/pmta"), "restart"], check=True, capture_output=True)

    def pending(self) -> list[Path]:
        """What of the host's transactions awaits its confirmation."""
        return self.host.marked("pending")

    def time_is_over(self) -> None:
        """Let the time for a confirmation be over, on the host's own clock, and its timer do what it is for."""
        for deadline in self.lib.glob("tx/*/deadline"):
            move_deadline(deadline)
        until(lambda: not self.pending())

    # -- what is there -------------------------------------------------------------------------------------------------

    def files(self) -> dict[str, tuple[str, int, int, int]]:
        """Every file below /etc/pmta: content, mode, owner, group."""
        by_name = {}
        for path in sorted(self.host.at("/etc/pmta").rglob("*")):
            if path.is_file():
                at = path.stat()
                by_name["/" + str(path.relative_to(self.root))] = (path.read_text(), at.st_mode, at.st_uid, at.st_gid)
        return by_name

    @property
    def running(self) -> str:
        return self.ctl("running").read_text()

    @property
    def on_disk(self) -> str:
        """What the stand-in would run if it read its files now."""
        more = sorted(self.host.at("/etc/pmta/conf.d").glob("*.conf"))
        return "".join(path.read_text() for path in [self.host.config, *more])

    def leftovers(self) -> list[str]:
        return self.host.leftovers() + sorted(str(p.name) for p in self.lib.glob("heir.*"))


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _environment(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_text(errors="replace") + "\0"
    return ""


def marks(mark: object) -> dict[str, str]:
    """The environment in which the host's program asks the hook at the points that the host's ctl/at names."""
    return {"PMTAFORM_TEST_AT": "/ctl/at", "PMTAFORM_TEST_HOOK": str(HOOK), "PMTAFORM_TEST_MARK": str(mark)}
