"""A project whose hosts are folders of this machine, with one configuration: what is left when no network is in it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from benchmarks.data import configuration
from benchmarks.measure import PROGRAM

CONFIG = "etc/pmta/config"


class Fleet:
    """`count` hosts that are as their stack wants them."""

    def __init__(self, folder: Path, count: int, *, lines: int) -> None:
        self.folder = folder
        hosts = {f"mta{n}": folder / "roots" / f"mta{n}" for n in range(1, count + 1)}
        for root in hosts.values():
            (root / "etc" / "pmta").mkdir(parents=True)
            (root / CONFIG).write_text("log-file /var/log/pmta/log\n")
        stack = folder / "stacks" / "fleet"
        stack.mkdir(parents=True)
        (stack / "all.conf").write_text(configuration(lines))
        local = {name: {"transport": "local", "root": str(root), "activation": "none"} for name, root in hosts.items()}
        document = {"stack": "fleet", "hosts": local, "native": ["all.conf"]}
        (stack / "stack.yaml").write_text(json.dumps(document, indent=1))
        words = [*PROGRAM, "apply", "fleet", "--auto-approve"]
        subprocess.run(words, cwd=folder, check=True, capture_output=True)
