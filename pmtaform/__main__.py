"""The program `pmtaform`."""

from __future__ import annotations

import os
import sys

from pmtaform import __version__


def main() -> None:
    """Run the command line, and exit with its code (`pmtaform.diagnostics.Exit`)."""
    if sys.argv[1:] == ["--version"]:
        print(f"pmtaform {__version__}")  # before anything is imported: scripts call it often
        sys.exit(0)
    from pmtaform.cli import run
    from pmtaform.cli.interrupt import end_programs
    from pmtaform.cli.streams import open_streams

    open_streams()
    code = run(sys.argv[1:])
    if code == 130:
        # Interrupted: threads that still wait for a host or a program are not waited for.
        end_programs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
