"""The language between this program and the agent: how a request is sent and an answer is read.

The command line is small and constant except for the program's length; program and requests go on stdin.
The agent reads the program with one exact `dd`, so that not a byte of a request is swallowed. It stays for as long as
its input is open, and what a later request needs more of the program is sent before it.

The program is sealed. A start-up file of the login may read from the same input before: what is left would be shifted,
and text of the stack would be evaluated as part of the program. The command line therefore holds the program's length
and digest. The digest is its first and its last line: where bytes are missing, wherever that is, one of the two is not
in its place, and nothing is evaluated.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import secrets
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pmtaform.diagnostics.codes.hosts import AGENT_FAILED, INPUT_GARBLED
from pmtaform.errors import HostError
from pmtaform.host.model import HostSpec
from pmtaform.host.text import checked, encode, one_line
from pmtaform.host.transport import Output, Running, Session

_FRAMED = (b"data ", b"version", b"output")
_BEGUN, _END, _LAST = b"\n%b begin\n", b"\n%b end\n", b"\n%b last\n"
_PARTS = (
    "base",
    "alive",
    "probe",
    "record",
    "powermta",
    "files",
    "rehearse",
    "transaction",
    "confirm",
    "answer",
    "serve",
)
# What needs no more than these does not make the host read the rest.
_LOOKING = {
    "probe": ("base", "alive", "probe", "serve"),
    "result": ("base", "alive", "record", "answer", "serve"),
    "left": ("base", "alive", "answer", "serve"),
    "copies": ("base", "alive", "answer", "serve"),
    "examine": ("base", "alive", "powermta", "answer", "serve"),
}
GARBLED = 76  # the exit code where what is read is not the program that was sent
_GARBLED = "pmtaform: what arrived on standard input is not the program that was sent"
_FIRST_OP = re.compile(rb"^[0-9a-f]{32}\n([a-z]+)$", re.MULTILINE)
_ONLY_LOOKING = frozenset({b"probe", b"left", b"copies", b"results", b"generations"})
_STEPS = re.compile(r"^(?:UNDO_)?STEPS='([^']*)'", re.MULTILINE)


@functools.cache
def agent_source(parts: tuple[str, ...] = _PARTS) -> str:
    """The text of the agent as it is in the package: its parts in their order."""
    folder = Path(__file__).parent / "agent"
    return "\n".join((folder / f"{part}.sh").read_text(encoding="utf-8") for part in parts)


_turn = threading.Lock()


def program(parts: tuple[str, ...] = _PARTS) -> bytes:
    """The parts of the agent as they are sent: without comments and indentation, which halve their size."""
    with _turn:  # many hosts are asked at once, and one of them has it made
        return _program(parts)


@functools.cache
def _program(parts: tuple[str, ...]) -> bytes:
    if not parts:
        return b""
    lines = (line.strip() for line in agent_source(parts).splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#")).encode("ascii") + b"\n"


def _parts(op: str) -> tuple[str, ...]:
    return _LOOKING.get(op, _PARTS)


@functools.cache
def steps() -> tuple[str, ...]:
    """Every point at which a transaction can be interrupted, in order, as the agent names them."""
    return tuple(word for group in _STEPS.findall(agent_source()) for word in group.split())


def sealed(text: bytes) -> tuple[bytes, str]:
    """`text` of the program between two lines with its digest, and such a line."""
    seal = f"#{hashlib.sha256(text).hexdigest()}"
    line = seal.encode("ascii") + b"\n"
    return line + text + line, seal


def boot(shell: Sequence[str], text: bytes) -> list[str]:
    """The command line that starts the agent under `shell`, when `text` of it comes first on its input, sealed."""
    sent, seal = sealed(text)
    # Without an end of line: not every login shell takes one between quotes.
    script = (
        f'PROGRAM="$(dd bs={len(sent)} count=1 iflag=fullblock 2>/dev/null)"; '
        f'case "${{#PROGRAM}}$PROGRAM" in {len(sent) - 1}"{seal}"*"{seal}") ;; '
        f'*) echo "{_GARBLED}" >&2; exit {GARBLED};; esac; eval "$PROGRAM"; main "$@"'
    )
    return [*shell, "-c", script, "pmtaform", *shell]


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """One line of an answer: its first word, the rest, and the bytes that follow it, if it brings any."""

    key: str
    rest: bytes
    data: bytes | None = None


def setting(name: str, value: str, host: str) -> bytes:
    """One `name value` line."""
    return encode(f"{name} {checked(value, name, host)}\n")


def common(spec: HostSpec) -> list[bytes]:
    """The settings that every request carries."""
    # The agent leaves the folder that it is started in, so a folder of this machine is named by its whole path.
    root = os.path.abspath(spec.root) if spec.transport.is_local else spec.root  # noqa: PTH100  (Path.resolve would follow links)
    lines = [setting("root", root.rstrip("/") or "/", spec.name), setting("pmta", spec.pmta, spec.name)]
    lines += [setting("allowed", path.rstrip("/"), spec.name) for path in spec.allowed_paths if path.rstrip("/")]
    return lines


def call(session: Session, spec: HostSpec, op: str, body: Iterable[bytes], *, timeout: float) -> list[AnswerLine]:
    """Have the agent do `op`, and return what it answers. It is started if it does not wait there, and then waits.

    Raises `HostError`, or `Unreachable` if the connection fails.
    """
    nonce = secrets.token_hex(16).encode("ascii")
    request = b"".join([nonce, b"\n", op.encode("ascii"), b"\n", *body, nonce, b"\n"])
    waited = session.running is not None
    result = _ask(session, op, request, nonce, timeout)
    if waited and result.exit_code is not None and _BEGUN % nonce not in result.stdout:
        # It had ended while it waited (a host may limit that), so it cannot have started this.
        result = _ask(session, op, request, nonce, timeout)
    items = _parse(result.stdout, nonce)
    if items is None and result.exit_code == GARBLED and _BEGUN % nonce not in result.stdout:
        raise _garbled(spec)
    if items is None:
        output = (
            one_line(result.stderr) or one_line(result.stdout[-400:]) or f"it ended with exit code {result.exit_code}"
        )
        raise HostError.of(
            AGENT_FAILED,
            "It needs a POSIX shell and coreutils (dd with iflag=fullblock, stat, sha256sum, timeout). "
            f"The host said: {output}",
            host=spec.name,
        )
    return items


def is_look(data: bytes) -> bool:
    """Whether what goes to the agent has it look and no more, so that it may be sent again.

    The first line of a request is the first that has a mark alone: what comes before is the agent's program.
    """
    match = _FIRST_OP.search(data)
    return match is not None and match[1] in _ONLY_LOOKING


def _garbled(spec: HostSpec) -> HostError:
    return HostError.of(
        INPUT_GARBLED,
        f"{spec.name} did not receive the program as it was sent, so it ran nothing and changed nothing. "
        "A start-up file of the login there (`.bashrc`, `.cshrc`, `/etc/profile.d`) or a forced command reads standard "
        "input. Let it do so only in an interactive session: `[ -t 0 ] || return`.",
        host=spec.name,
    )


def _ask(session: Session, op: str, request: bytes, nonce: bytes, timeout: float) -> Output:
    """Send a request to the agent that waits, or to one that is started for it."""
    running, parts = session.running, _parts(op)
    session.running = None  # until it is seen to wait again
    if running is None:
        text = program(parts)
        running = Running(session.begin(boot(session.shell, text), timeout=timeout), frozenset(parts))
        text, _ = sealed(text)
    else:
        text = program(tuple(part for part in parts if part not in running.parts))
        if text:
            text, seal = sealed(text)
            text = b"more %d %b\n%b" % (len(text), seal.encode("ascii"), text)
    result = running.dialogue.ask(text + request, _END % nonce, timeout=timeout)
    if result.exit_code is None:
        session.running = Running(running.dialogue, running.parts | set(parts))
    return result


def _parse(answer: bytes, nonce: bytes) -> list[AnswerLine] | None:
    """The lines of an answer, or None if it is not complete. What a login script prints before it is omitted."""
    begun = _BEGUN % nonce
    start = answer.find(begun)
    stop = max(answer.rfind(_END % nonce), answer.rfind(_LAST % nonce))
    if start < 0 or stop < start:
        return None
    return list(_items(answer[start + len(begun) : stop + 1], b"\n" + nonce + b"\n"))


def _items(body: bytes, frame: bytes) -> Iterator[AnswerLine]:
    at = 0
    while at < len(body):
        newline = body.find(b"\n", at)
        newline = len(body) if newline < 0 else newline
        line, at = body[at:newline], newline + 1
        if not line:
            continue
        key, _, rest = line.partition(b" ")
        data: bytes | None = None
        if line.startswith(_FRAMED):
            close = body.find(frame, at)
            close = len(body) if close < 0 else close
            data, at = body[at:close], close + len(frame)
        yield AnswerLine(key.decode("ascii", "replace"), rest, data)
