"""Install the emulated programs into a folder that serves as a machine's root."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

import pmtaform
from pmtaform_emulator.layout import LOGS, STATE, VERSION, Layout
from pmtaform_emulator.store import DaemonStore

_SHIM: Final = """\
#!/bin/sh
# A stand-in for PowerMTA's {name}, by pmtaform. It is not PowerMTA and delivers no mail.
exec {python} -I -S -c 'import sys; sys.path[:0] = sys.argv[1:3]; \\
from pmtaform_emulator.__main__ import run; run(sys.argv[3:])' {emulator} {pmtaform} --root {root} --as {program} "$@"
"""
_PROGRAMS: Final = {
    "/usr/sbin/pmta": "pmta",
    "/usr/sbin/pmtad": "pmtad",
    "/etc/init.d/pmta": "init.d/pmta",
    "/etc/init.d/pmtahttp": "init.d/pmtahttp",
}


def install(root: Path, *, version: str = VERSION, python: str = sys.executable, listen: bool = False) -> None:
    """Install the emulator on the host whose root is `root`, over an earlier installation.

    With `listen` the daemon answers, while it runs, on the ports that the configuration in force names, on loopback.

    The daemon is not started, and no configuration is written. Nothing outside `root` is touched.
    """
    layout = Layout(Path(root).absolute())
    for folder in ("/etc/pmta", "/var/spool/pmta", LOGS, STATE):
        layout.real(folder).mkdir(0o700 if folder == STATE else 0o755, parents=True, exist_ok=True)
    store = DaemonStore(layout)
    with store.locked():
        store.replace("install.json", {"product": "pmtaform emulator", "version": version, "listen": listen})
    for path, program in _PROGRAMS.items():
        text = _SHIM.format(
            name=path.rpartition("/")[2],
            python=_quoted(python),
            emulator=_quoted(str(Path(__file__).resolve().parent.parent)),
            pmtaform=_quoted(str(Path(pmtaform.__file__).resolve().parent.parent)),
            root=_quoted(str(layout.root)),
            program=program,
        )
        _write_program(layout.real(path), text)


def calls(root: Path) -> list[dict[str, object]]:
    """Every call of the emulated programs, in order."""
    try:
        lines = (Layout(Path(root)).state / "calls.log").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [json.loads(line) for line in lines]


def _write_program(target: Path, text: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(target.name + ".new")
    new.write_text(text, encoding="utf-8", errors="surrogateescape")
    new.chmod(0o755)
    new.replace(target)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\"'\"'") + "'"
