"""Commands that may not be registered in `cli.app` yet."""

from __future__ import annotations

import importlib

from pmtaform.cli import app as cli


def register(*names: str) -> None:
    """Register commands, if nobody did."""
    known = {command.name for command in cli.app.registered_commands}
    for name in names:
        if name not in known:
            module = importlib.import_module(f"pmtaform.cli.{name}")
            cli.app.command(name)(getattr(module, name))
