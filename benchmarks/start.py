"""How long a command takes that looks at no host."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import PROGRAM, Command, Options, Row, compare, processes

ROUNDS = 15
DEMO = Path(__file__).parent.parent / "stacks" / "demo"


def run(_: Options) -> list[Row]:
    """`--version`, `--help`, `validate` and `render`, each to the import of the library that reads the command line."""
    with tempfile.TemporaryDirectory() as folder:
        name = _stack(Path(folder))
        commands = {
            "typer": Command([sys.executable, "-c", "import typer"]),
            "--version": Command([*PROGRAM, "--version"]),
            "--help": Command([*PROGRAM, "--help"]),
            "validate": Command([*PROGRAM, "validate", name], folder),
            "render": Command([*PROGRAM, "render", _host(name)], folder),
        }
        timings = processes(commands, ROUNDS)
    bounds = {"--version": 1.7, "--help": 1.7, "validate": 4.0, "render": None}
    return [
        compare("start", f"pmtaform {name} : import typer", timings[name], timings["typer"], bound)
        for name, bound in bounds.items()
    ]


def _stack(folder: Path) -> str:
    """The demo's stack, or the one that `pmtaform init` writes where there is no demo."""
    (folder / "stacks").mkdir()
    if DEMO.is_dir():
        shutil.copytree(DEMO, folder / "stacks" / "demo")
        return "demo"
    subprocess.run([*PROGRAM, "init", "starter"], cwd=folder, check=True, capture_output=True)
    return "starter"


def _host(stack: str) -> str:
    """A host of it."""
    return "mta1" if stack == "demo" else "mta1.example.com"
