"""The program `pmtaform`."""

from __future__ import annotations

import sys

from pmtaform import __version__


def main() -> None:
    """Run the command line, and exit with its code (`pmtaform.errors.Exit`)."""
    if sys.argv[1:] == ["--version"]:
        print(f"pmtaform {__version__}")  # before anything is imported: scripts ask for it often
        sys.exit(0)
    from pmtaform.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
