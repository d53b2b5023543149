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
    _leave(code)


def _leave(code: int) -> None:
    """End the process as the interpreter does, and leave its memory to the kernel.

    The interpreter frees every object first. That takes a fifth of the processor time of a plan of a few hosts.
    """
    import atexit
    import threading

    if sys.gettrace() is not None or sys.getprofile() is not None:
        sys.exit(code)  # who watches the process reads its results afterwards
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001  (waits for threads that are still at work)
    atexit._run_exitfuncs()  # noqa: SLF001  (ends what was started, as the shells of local hosts)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
