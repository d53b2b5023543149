"""`command:ARGV`: what a program prints (vault, pass, op, sops, age, …)."""

from __future__ import annotations

import os
import selectors
import shlex
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from pmtaform.programs import AllowedPrograms, remedy
from pmtaform.secrets.provider import MAX_BYTES, ProviderKind, Unresolved

_CHUNK = 65536
_running: set[subprocess.Popen[bytes]] = set()
_starting = threading.RLock()  # held from a program's start until it is in `_running`
_over = threading.Event()  # the process is exiting: no program is started any more


def end_all() -> None:
    """End every program that was started, with its children. Only for a process that is about to exit."""
    _over.set()
    # A program that is being started may run already and not be in `_running` yet.
    known = _starting.acquire(timeout=5)
    for process in list(_running):
        _kill(process)
    if known:
        _starting.release()


class CommandSecrets:
    """Runs the program in the stack's folder, without a shell, a terminal or standard input.

    Its stderr is not shown: wrappers and `set -x` repeat secrets there.
    """

    def __init__(self, base: Path, allowed: AllowedPrograms) -> None:
        self._base = base
        self._allowed = allowed

    def fetch(self, name: str, *, deadline: float) -> bytes:
        """What the program wrote to stdout, at most 1 MiB. It and its children are killed at the deadline."""
        looked = f"the output of `{name}`"
        by_hand = f"Run it by hand, in {self._base}, to see its output: {name}."
        argv = shlex.split(name)
        if not self._allowed.permits(argv[0]):
            why = f"the stack may not run the program {argv[0]} on this machine, and it was not run"
            raise Unresolved(looked, why, remedy(argv[0]))
        with _starting:
            process = _start(argv, self._base, looked)
            _running.add(process)
        ends = time.monotonic() + deadline
        try:
            output = _read(process, ends)
            code = process.wait(max(0.0, ends - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            raise Unresolved(looked, f"it did not end within {deadline:g} s", by_hand) from None
        finally:
            _end(process)
        if len(output) > MAX_BYTES:
            raise Unresolved(looked, "it prints more than 1 MiB, which no key or password is", by_hand)
        if code:
            ended = f"it was ended by signal {-code}" if code < 0 else f"it failed with exit code {code}"
            raise Unresolved(looked, ended, by_hand)
        return output


def _start(argv: list[str], base: Path, looked: str) -> subprocess.Popen[bytes]:
    if _over.is_set():
        raise Unresolved(looked, "pmtaform was interrupted")
    try:
        return subprocess.Popen(
            argv,
            cwd=base,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # its own process group, to be killed as one; no terminal to wait for
        )
    except FileNotFoundError:
        if not base.is_dir():
            raise Unresolved(looked, f"the folder {base} is not there") from None
        why = f"the program {argv[0]} is not on this machine (PATH was searched)"
        raise Unresolved(looked, why, "Install it, or write its absolute path.") from None
    except OSError as problem:
        why = f"the program {argv[0]} could not be run: {os.strerror(problem.errno or 0).lower()}"
        raise Unresolved(looked, why) from None


def _read(process: subprocess.Popen[bytes], ends: float) -> bytes:
    """The output up to its end, or a byte more than is allowed. Raises TimeoutError."""
    assert process.stdout is not None  # asked for as a pipe
    descriptor = process.stdout.fileno()
    output = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while len(output) <= MAX_BYTES:
            if not selector.select(max(0.0, ends - time.monotonic())):
                raise TimeoutError
            chunk = os.read(descriptor, _CHUNK)
            if not chunk:
                return bytes(output)
            output += chunk
    _kill(process)
    return bytes(output)


def _end(process: subprocess.Popen[bytes]) -> None:
    _running.discard(process)
    if process.returncode is None:
        _kill(process)
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _problem(name: str) -> str:
    try:
        argv = shlex.split(name)
    except ValueError:
        return "The command has a quotation mark or a backslash without its partner."
    return "" if argv and argv[0] else "The command has no program."


COMMAND: Final = ProviderKind(
    argument="PROGRAM ARGUMENTS",
    place="the output of the command",
    open=lambda surroundings: CommandSecrets(surroundings.folder, surroundings.allowed),
    problem=_problem,
    is_of_stack=lambda _name: True,
)
