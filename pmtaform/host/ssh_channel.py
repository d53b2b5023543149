"""One program over an open SSH connection: bytes in, bytes out, a deadline. No SSH library is imported here."""

from __future__ import annotations

import contextlib
import shlex
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pmtaform.errors import Unreachable
from pmtaform.host import ssh_errors
from pmtaform.host.model import HostSpec
from pmtaform.host.ssh_settings import Hop
from pmtaform.host.text import one_line
from pmtaform.host.transport import Completed

PROMPT = "[pmtaform asks for the sudo password]"
READY = "[pmtaform is ready]"
_CHUNK = 1 << 18
_WRITE_ASIDE = 1 << 19  # more than this on stdin is written by a thread of its own, while we read


class SshSession:
    """A session on `transport` (paramiko's). `on_close` gives the connection and its jump hosts back."""

    def __init__(self, spec: HostSpec, hop: Hop, transport: Any, on_close: Callable[[], None]) -> None:
        self._spec = spec
        self._hop = hop
        self._transport = transport
        self._on_close = on_close

    @property
    def shell(self) -> tuple[str, ...]:
        """The words that start the shell."""
        return ("sh",)

    @property
    def is_open(self) -> bool:
        """Whether the connection is still there, as far as is known without asking the host."""
        return bool(self._transport.is_active())

    def close(self) -> None:
        """Close the connection and its jump hosts."""
        self._on_close()

    def run(self, command: Sequence[str], stdin: bytes, *, timeout: float) -> Completed:
        """Run `command`, through sudo if the host is described so. Raises `Unreachable`."""
        spec = self._spec
        asks = spec.sudo and spec.sudo_password is not None
        words = list(command)
        if asks:
            # The mark goes to stderr, where the prompt goes too: one stream to wait on.
            ready = f"echo '{READY}' >&2; exec \"$@\""
            words = ["sudo", "-S", "-p", PROMPT, "--", "sh", "-c", ready, "pmtaform", *words]
        elif spec.sudo:
            words = ["sudo", "-n", "--", *words]
        with self._deadline(timeout) as passed, self._translated(timeout, passed):
            done = self._exchange(shlex.join(words), stdin, asks=asks, timeout=timeout)
            if done.exit_code == -1 and not self._transport.is_active():
                raise EOFError
        if spec.sudo and not asks and done.exit_code and not done.stdout and b"sudo" in done.stderr:
            raise ssh_errors.sudo_refused(self._hop, one_line(done.stderr), spec.name)
        return done

    def _exchange(self, line: str, stdin: bytes, *, asks: bool, timeout: float) -> Completed:
        channel = self._transport.open_session(timeout=min(timeout, self._spec.connect_timeout))
        try:
            channel.settimeout(timeout)
            # Input follows at once: waiting for the server's word that it will run this is a round trip more. Where it
            # will not, it closes the channel, and there is no output. paramiko has no other way to say so.
            channel._wait_for_event = lambda: None  # noqa: SLF001
            channel.exec_command(line)
            early = self._authorise(channel) if asks else b""
            with _writing(channel, stdin):
                out, err = _read_all(channel)
                # Before the channel is closed: the status comes after the end of the output.
                exit_code = channel.recv_exit_status()
            return Completed(exit_code, out, early + err)
        finally:
            channel.close()

    def _authorise(self, channel: Any) -> bytes:
        """Give sudo the password if and when it asks; return when the program is there to read its input."""
        password = self._spec.sudo_password
        assert password is not None  # noqa: S101
        prompt, ready = PROMPT.encode("ascii"), READY.encode("ascii") + b"\n"
        seen = b""
        sent = False
        while True:
            chunk: bytes = channel.recv_stderr(_CHUNK)
            seen += chunk
            if ready in seen:
                return seen.partition(ready)[2]
            if seen.count(prompt) > 1 or (sent and not chunk and b"incorrect" in seen):
                raise ssh_errors.sudo_password(self._hop, self._spec.name)
            if not chunk:
                raise ssh_errors.sudo_refused(self._hop, one_line(seen.replace(prompt, b"")), self._spec.name)
            if prompt in seen and not sent:
                channel.sendall(password.reveal().rstrip(b"\r\n") + b"\n")
                sent = True

    @contextlib.contextmanager
    def _deadline(self, timeout: float) -> Iterator[threading.Event]:
        """Closes the transport after `timeout` seconds: some of paramiko's waits have no other end."""
        passed = threading.Event()

        def expire() -> None:
            passed.set()
            self._transport.close()

        timer = threading.Timer(timeout, expire)
        timer.daemon = True
        timer.start()
        try:
            yield passed
        finally:
            timer.cancel()
            timer.join()

    @contextlib.contextmanager
    def _translated(self, timeout: float, passed: threading.Event) -> Iterator[None]:
        """What paramiko raises, as `Unreachable`."""
        started = time.monotonic()
        try:
            yield
        except Unreachable:
            raise
        except Exception as error:
            # paramiko's exceptions, EOFError and OSError all mean the same here: the connection is gone.
            late = passed.is_set() or (isinstance(error, TimeoutError) and time.monotonic() - started >= timeout)
            if late:
                raise ssh_errors.command_timeout(self._hop, timeout, self._spec.name) from None
            raise ssh_errors.lost(self._hop, one_line(str(error)) or "it was closed", self._spec.name) from None


def _read_all(channel: Any) -> tuple[bytes, bytes]:
    """Stdout and stderr to their ends."""
    out: list[bytes] = []
    err: list[bytes] = []

    def drain() -> None:
        with contextlib.suppress(OSError):
            while chunk := channel.recv_stderr(_CHUNK):
                err.append(chunk)

    # Both share a window: what nobody reads on the one would in the end stop the other.
    aside = threading.Thread(target=drain, name="pmtaform-stderr", daemon=True)
    aside.start()
    try:
        while chunk := channel.recv(_CHUNK):
            out.append(chunk)
    except BaseException:
        channel.close()
        raise
    finally:
        aside.join()
    return b"".join(out), b"".join(err)


@contextlib.contextmanager
def _writing(channel: Any, stdin: bytes) -> Iterator[None]:
    """Writes `stdin`, beside the reading if it is long. A program that stops reading says itself why."""

    def write() -> None:
        with contextlib.suppress(OSError):
            channel.sendall(stdin)
            channel.shutdown_write()

    if len(stdin) <= _WRITE_ASIDE:
        write()
        yield
        return
    writer = threading.Thread(target=write, name="pmtaform-stdin", daemon=True)
    writer.start()
    try:
        yield
    finally:
        channel.close()
        writer.join()
