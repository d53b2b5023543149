"""A command on a terminal: what it asks is waited for, and answered."""

from __future__ import annotations

import os
import pty
import subprocess
import termios
import time
from dataclasses import dataclass
from pathlib import Path

from projects import PROGRAM

QUESTION = "Only `yes` is accepted: "


def read_question(terminal: int) -> str:
    """What a command prints up to its question. Fails if it does not ask within a minute."""
    end = time.monotonic() + 60
    screen = ""
    while QUESTION.rstrip() not in " ".join(screen.split()):
        assert time.monotonic() < end, f"it does not ask; so far: {screen}"
        screen += _read(terminal)
    return screen


@dataclass(frozen=True)
class Talk:
    """What was seen on the terminal, and the exit code. `echoed` says whether an answer could have been seen."""

    code: int
    seen: str
    echoed: bool


def talk(folder: Path, arguments: list[str], answers: dict[str, str], ahead: str = "") -> Talk:
    """Run a command with a terminal for all its streams. `answers`: what ends a question -> what is typed.

    `ahead` is typed before the command starts.
    """
    ours, theirs = pty.openpty()
    os.write(ours, ahead.encode())
    process = subprocess.Popen(
        [*PROGRAM, *arguments],
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "TERM": "dumb"},
    )
    end = time.monotonic() + 60
    seen, echoed, waiting = "", False, list(answers.items())
    try:
        os.set_inheritable(ours, False)
        mine = os.dup(theirs)
        os.close(theirs)
        while True:
            seen += _read(ours)
            if waiting and seen.rstrip(" ").endswith(waiting[0][0].rstrip(" ")):
                echoed |= bool(termios.tcgetattr(mine)[3] & termios.ECHO)
                os.write(ours, waiting.pop(0)[1].encode())
            assert time.monotonic() < end, f"it does not end; so far: {seen}"
            if process.poll() is not None:
                os.close(mine)
                return Talk(process.returncode, (seen + _rest(ours)).replace("\r\n", "\n"), echoed)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _read(terminal: int) -> str:
    import select

    ready, _, _ = select.select([terminal], [], [], 0.05)
    return os.read(terminal, 65536).decode() if ready else ""


def _rest(terminal: int) -> str:
    rest = ""
    try:
        while text := _read(terminal):
            rest += text
    except OSError:
        pass  # a terminal whose other end is closed is not read to an end
    return rest
