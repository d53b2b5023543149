import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pmtaform_emulator import install
from pmtaform_emulator.daemon import Daemon
from pmtaform_emulator.layout import Layout
from pmtaform_emulator.program import main, service

MINIMAL = "postmaster postmaster@example.com\nlog-file /var/log/pmta/log\n"


@dataclass
class Host:
    """One emulated host, driven in this process."""

    root: Path

    def write(self, text: str, path: str = "/etc/pmta/config") -> None:
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", errors="surrogateescape")

    def copy(self, file: Path) -> None:
        (self.root / "etc/pmta/config").write_bytes(file.read_bytes())

    def pmta(self, *words: str) -> tuple[int, str]:
        out = io.StringIO()
        return main(words, self.root, out, out), out.getvalue().rstrip("\n")

    def service(self, program: str, *words: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        return service(program, words, self.root, out, err), out.getvalue().strip(), err.getvalue().strip()

    def start(self, text: str = MINIMAL) -> None:
        self.write(text)
        assert self.service("pmta", "start")[0] == 0

    def json(self, *words: str) -> Any:
        import json

        return json.loads(self.pmta("--json", *words)[1])

    def in_force(self) -> str:
        return Daemon(Layout(self.root)).in_force()["/etc/pmta/config"].decode()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    install(tmp_path)
    return Host(tmp_path)
