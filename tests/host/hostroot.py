"""A folder that stands for a host, with a tiny stand-in for `pmta` that tests can tell to fail."""

from __future__ import annotations

import hashlib
import itertools
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from projects import beside, has_namespaces, move_deadline

from pmtaform.host import Activation, FileKind, FileRemoval, FileWrite, HostSpec, Transaction, digest
from pmtaform.transports.local import LOCAL

sys.path.insert(0, str(Path(__file__).parent.parent))  # for the shared sshd harness

CONFIG = "/etc/pmta/config"
OLD = b"# the old configuration\npostmaster old@example.com\n"
NEW = b"# the new configuration\npostmaster new@example.com\n"

PMTA = r"""#!/bin/sh
# Controlled by files in ROOT/ctl: fail-WORD holds how many times the command still fails, hang-WORD likewise;
# says-WORD what it answers, with exit code 0, to what it does all the same; broken-restart: it fails, and logs.
bin=${0%/*}
root=${bin%/usr/sbin}
ctl=$root/ctl
word=$1
[ "$word" != show ] || word=$2
echo "$*" >>"$ctl/calls"
left() {
    [ -f "$ctl/$1" ] || return 1
    read -r n <"$ctl/$1"
    [ "$n" -gt 0 ] || return 1
    echo $((n - 1)) >"$ctl/$1"
}
says() { if [ -f "$ctl/says-$1" ]; then cat "$ctl/says-$1"; else printf "$2"; fi; }
if left "pause-$word"; then echo >"$ctl/reached"; read -r _ <"$ctl/go"; fi
if left "hang-$word"; then exec sleep 1000; fi
if left "fail-$word"; then
    printf 'Error in line 1 of /etc/pmta/config: \033[31mmade to fail\n'
    exit 1
fi
case $word in
    version) echo 'PowerMTA v5.0r1 (2019-02-12, 64-bit; stand-in).' ;;
    test)
        sees=$root/etc/pmta/config
        [ ! -f "$ctl/asks-daemon" ] || sees=$ctl/running
        if grep -q pmtaform-control "$sees"; then
            echo 'Error in line 3 of /etc/pmta/config: unknown directive'
            exit 1
        fi
        says test ''
        ;;
    reload)
        if left silent; then exit 0; fi
        if left dies-of-reload; then echo 1 >"$ctl/stopped"; fi
        if left mute-after-reload; then echo 1 >"$ctl/fail-status"; fi
        cat "$root/etc/pmta/config" >"$ctl/running" 2>/dev/null
        says reload 'Configuration reloaded.\n'
        ;;
    restart)
        if left broken-restart; then
            cd "$root/var/log/pmta"
            echo '2018-07-03 18:05:37 Startup error: No logging file specified' >>pmta-startuperr.log
            echo 1 >"$ctl/stopped"
            exit 0
        fi
        cat "$root/etc/pmta/config" >"$ctl/running"
        ;;
    status) if left stopped; then echo 'status stopped'; else says status 'status running\n'; fi ;;
esac
exit 0
"""

_numbers = itertools.count(1)


@dataclass
class HostRoot:
    """The folder, and what tests want to know of it."""

    path: Path

    def at(self, path: str) -> Path:
        """Where the host's `path` is on this machine."""
        return self.path / path.lstrip("/")

    def put(self, path: str, content: bytes, mode: int = 0o640) -> None:
        """Make a file as an administrator would have left it."""
        target = self.at(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(mode)

    def read(self, path: str) -> bytes:
        return self.at(path).read_bytes()

    def mode(self, path: str) -> int:
        return stat.S_IMODE(self.at(path).stat().st_mode)

    def exists(self, path: str) -> bool:
        return self.at(path).exists()

    def remove(self, path: str) -> None:
        self.at(path).unlink()

    def expire(self, *, sooner: int | None = None) -> None:
        """Let the time of what is pending be over, or be that much shorter, on the host's own clock."""
        for deadline in self.path.glob("var/lib/pmtaform/tx/*/deadline"):
            move_deadline(deadline, sooner=sooner)

    def tell(self, what: str, times: int = 1) -> None:
        """`fail-test`, `fail-reload`, `hang-reload`, `silent`, `stopped` …: the next `times` times."""
        self.at(f"/ctl/{what}").write_text(f"{times}\n")
        self.at(f"/ctl/{what}").chmod(0o666)

    @property
    def rehearsal_tests(self) -> int:
        """How many times a staged change is tested: with the control, or not at all where the host cannot rehearse."""
        return 2 if has_namespaces() else 0

    @property
    def running(self) -> bytes:
        """The configuration that the stand-in has in force."""
        return self.at("/ctl/running").read_bytes()

    @property
    def calls(self) -> list[str]:
        calls = self.at("/ctl/calls")
        return calls.read_text().splitlines() if calls.exists() else []

    def tree(self) -> dict[str, tuple[str, int, int, int]]:
        """Everything below /etc: kind or digest, mode, uid, gid. Equal trees are equal hosts."""
        return {str(p.relative_to(self.path)): _describe(p) for p in sorted((self.path / "etc").rglob("*"))}

    def made_folders(self, *paths: str) -> list[str]:
        """Those of `paths` that are there, as `tree` names them."""
        return [path.lstrip("/") for path in paths if self.at(path).is_dir()]

    def strays(self) -> list[str]:
        """Files that a shell would have made of a name that it took for a command."""
        return [str(path) for path in self.path.rglob("x")]

    def leftovers(self) -> list[str]:
        """What a transaction must not leave behind."""
        lib = self.at("/var/lib/pmtaform")
        result: Iterator[Path] = itertools.chain(
            beside(self.path), lib.glob("tx/*"), lib.glob("lock"), lib.glob("own.*"), lib.glob("heir.*")
        )
        return sorted(str(p.relative_to(self.path)) for p in result)


def _describe(path: Path) -> tuple[str, int, int, int]:
    s = path.lstat()
    kind = "folder" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "other"
    return kind, stat.S_IMODE(s.st_mode), s.st_uid, s.st_gid


def make_host_root(path: Path, config: bytes = OLD) -> HostRoot:
    """A host with a configuration in force and a `pmta` program."""
    root = HostRoot(path)
    root.put(CONFIG, config)
    root.put("/usr/sbin/pmta", PMTA.encode(), 0o755)
    root.put("/etc/machine-id", b"0123456789abcdef0123456789abcdef\n", 0o444)
    root.put("/ctl/running", config, 0o666)
    root.at("/ctl").chmod(0o777)
    return root


def spec_of(root: Any, **more: object) -> HostSpec:
    """The host as a stack would describe it. `root`: a folder, or one in memory."""
    given: dict[str, object] = {
        "name": "mta1",
        "transport": LOCAL,
        "root": str(getattr(root, "path", "/")),
        "command_timeout": 20.0,
    }
    return HostSpec(**{**given, **more})  # type: ignore[arg-type]


def transaction(
    *writes: FileWrite | tuple[str, bytes],
    removals: tuple[FileRemoval, ...] = (),
    expect: dict[str, str] | None = None,
    activation: Activation = Activation.RELOAD,
    **more: object,
) -> Transaction:
    """A transaction with its own name."""
    made = tuple(w if isinstance(w, FileWrite) else FileWrite(path=w[0], content=w[1]) for w in writes)
    return Transaction(
        id=f"t{os.getpid()}-{next(_numbers)}",
        who="anna@laptop",
        what="a test",
        started="2026-11-23T18:00:00Z",
        writes=made,
        removals=removals,
        expect={CONFIG: digest(OLD)} if expect is None else expect,
        activation=activation,
        **more,  # type: ignore[arg-type]
    )


def key(path: str, content: bytes = b"a private key\n") -> FileWrite:
    """A DKIM key to write."""
    return FileWrite(path=path, content=content, kind=FileKind.KEY)


def never(*_: object) -> list[str]:
    """A configuration without includes."""
    return []
