"""The language between this program and the agent: how a request is sent and an answer is read.

The command line is small and always the same but for the program's length; program and request go on stdin.
The agent reads the program with one exact `dd`, so that not a byte of the request is swallowed.
"""

from __future__ import annotations

import functools
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pmtaform.errors import HostError
from pmtaform.host.model import HostSpec
from pmtaform.host.text import checked, encode, one_line
from pmtaform.host.transport import Session

_FRAMED = (b"data ", b"version", b"output")
_PARTS = ("base", "alive", "probe", "record", "powermta", "files", "transaction", "confirm", "serve")
# What needs no more than these does not make the host read the rest.
_LOOKING = {
    "probe": ("base", "alive", "probe", "serve"),
    "result": ("base", "alive", "record", "serve"),
    "examine": ("base", "alive", "powermta", "serve"),
}
_STEPS = re.compile(r"^(?:UNDO_)?STEPS='([^']*)'", re.MULTILINE)


@functools.cache
def agent_source(parts: Sequence[str] = _PARTS) -> str:
    """The text of the agent as it is in the package: its parts in their order."""
    folder = Path(__file__).parent / "agent"
    return "\n".join((folder / f"{part}.sh").read_text(encoding="utf-8") for part in parts)


@functools.cache
def program(op: str = "") -> bytes:
    """The agent as it is sent for `op`: without comments and indentation, which halve its size."""
    lines = (line.strip() for line in agent_source(_LOOKING.get(op, _PARTS)).splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#")).encode("ascii") + b"\n"


@functools.cache
def steps() -> tuple[str, ...]:
    """Every point at which a transaction can be interrupted, in order, as the agent names them."""
    return tuple(word for group in _STEPS.findall(agent_source()) for word in group.split())


def boot(shell: Sequence[str], op: str = "") -> list[str]:
    """The command line that starts the agent for `op` under `shell`."""
    size = len(program(op))
    script = f'PROGRAM="$(dd bs={size} count=1 iflag=fullblock 2>/dev/null)"; eval "$PROGRAM"'
    return [*shell, "-c", script, "pmtaform", *shell]


@dataclass(frozen=True, slots=True)
class Item:
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
    root = os.path.abspath(spec.root) if spec.transport == "local" else spec.root  # noqa: PTH100
    lines = [setting("root", root.rstrip("/") or "/", spec.name), setting("pmta", spec.pmta, spec.name)]
    lines += [setting("allowed", path.rstrip("/"), spec.name) for path in spec.allowed_paths if path.rstrip("/")]
    return lines


def call(session: Session, spec: HostSpec, op: str, body: Iterable[bytes], *, timeout: float) -> list[Item]:
    """Run the agent once and return what it answers. Raises `HostError`, or `Unreachable` if the connection fails."""
    nonce = secrets.token_hex(16)
    end = nonce.encode("ascii") + b"\n"
    parts = [program(op), end, f"{op}\n".encode("ascii"), *body, end]
    done = session.run(boot(session.shell, op), b"".join(parts), timeout=timeout)
    items = _parse(done.stdout, nonce.encode("ascii"))
    if items is None:
        said = one_line(done.stderr) or one_line(done.stdout[-400:]) or f"it ended with exit code {done.exit_code}"
        raise HostError.of(
            "agent-failed",
            "The host did not run pmtaform's program",
            "It needs a POSIX shell and coreutils (dd with iflag=fullblock, stat, sha256sum, timeout). "
            f"The host said: {said}",
            host=spec.name,
        )
    return items


def _parse(answer: bytes, nonce: bytes) -> list[Item] | None:
    """The items of an answer, or None if it is not whole. What a login script prints before it is left out."""
    start = answer.find(b"\n" + nonce + b" begin\n")
    stop = answer.rfind(b"\n" + nonce + b" end\n")
    if start < 0 or stop < start:
        return None
    return list(_items(answer[start + len(nonce) + 8 : stop + 1], b"\n" + nonce + b"\n"))


def _items(body: bytes, frame: bytes) -> Iterator[Item]:
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
        yield Item(key.decode("ascii", "replace"), rest, data)
