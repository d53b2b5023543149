"""The command line: one thin module per command. It knows everything and decides nothing."""

from pmtaform.cli.program import run

__all__ = ["run"]
