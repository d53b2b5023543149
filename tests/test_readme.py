"""What the README shows is what happens: its transcript is held against a run of the demo."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TRANSCRIPT = re.compile(r"<!-- transcript -->\n```console\n(.*?)```", re.DOTALL)


@pytest.fixture
def printed(tmp_path: Path) -> list[str]:
    """The lines that the demo prints, run in a copy of the stack."""
    folder = tmp_path
    shutil.copytree(ROOT / "stacks", folder / "stacks")
    output = subprocess.run(
        ["sh", "stacks/demo/demo.sh"],
        cwd=folder,
        env={**os.environ, "COLUMNS": "100", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert output.returncode == 0, output.stdout[-2000:]
    return [line.rstrip() for line in output.stdout.split("\n")]


def test_the_demo_shows_the_whole_main_job_and_the_readme_what_it_prints(printed: list[str]) -> None:
    shown = TRANSCRIPT.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert shown is not None
    wanted = [line.rstrip() for line in shown[1].split("\n") if line.strip() and line.strip() != "…"]
    assert len(wanted) > 40
    missing = [line for line in wanted if line not in printed]
    assert missing == []
    text = "\n".join(printed)
    for shown in (
        'Stack "demo" is valid: 2 hosts.',
        "1 danger needs consent.",
        "(exit code 6)",
        "Applied: all 2 hosts.",
        'No changes. 2 hosts are as the stack "demo" declares.',
        "Drift on 1 of 2 hosts.",
        "~ max-msg-rate  500/h -> 9000/h",
        "unknown directive max-conn",
        "Rolled back: all 2 hosts.",
        "No drift. 2 hosts are as the last apply left them.",
        "status running",
    ):
        assert shown in text
    assert "Traceback" not in text
    assert "BEGIN PRIVATE KEY" not in text
