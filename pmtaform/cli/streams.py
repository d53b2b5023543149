"""The standard streams: one that is closed, one whose reader has gone, one whose disk is full."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any

from pmtaform.diagnostics import Exit

_lost: list[str] = []  # why output did not get out, the first reason first


def open_streams() -> None:
    """Make standard streams of this process writable, whatever is behind them.

    One that is closed (`>&-`) gets a place to go to; otherwise the next file that is opened would take its number,
    and be written the output.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest number that is free: this one
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    sys.stdout = _wrapped(sys.stdout, 1)
    sys.stderr = _wrapped(sys.stderr, 2)


def _wrapped(stream: Any, number: int) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.BufferedWriter(_Output(number, "w", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


class _Output(io.FileIO):
    """A stream that discards its output once it is broken: a host may be in the middle of a change.

    An error here would end the run at whichever line is printed next. What is done never depends on who reads of it.
    """

    def write(self, data: Any, /) -> int:
        """Write `data`, or drop it."""
        try:
            return super().write(data)
        except OSError as problem:
            let_go(self, problem)
            return memoryview(data).nbytes


def let_go(stream: Any, problem: OSError) -> None:
    """Discard what `stream` gets from now on. `end_of_output` reports why, unless its reader has gone (`| head`).

    A lost standard error is not reported: it is where reports go.
    """
    if not isinstance(problem, BrokenPipeError) and stream.fileno() != 2:
        _lost.append(os.strerror(problem.errno or 0).lower())
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def end_of_output(code: int) -> int:
    """`code`, or the code of an error where a success was not written completely."""
    if not _lost:
        return code
    why = _lost[0]
    _lost.clear()
    print(f"pmtaform: the output could not be written completely: {why}.", file=sys.stderr)
    return int(Exit.ERROR) if code in (Exit.OK, Exit.CHANGES) else code
