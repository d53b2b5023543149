"""Programs over an open SSH connection: bytes in, bytes out, a deadline. No SSH library is imported here."""

from __future__ import annotations

import contextlib
import shlex
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pmtaform.errors import HostError
from pmtaform.host import ssh_errors
from pmtaform.host.model import HostSpec
from pmtaform.host.ssh_settings import Hop
from pmtaform.host.ssh_watch import Watch
from pmtaform.host.text import one_line
from pmtaform.host.transport import MOST_ANSWER, MOST_ERRORS, Output, Running, too_long

PROMPT = "[pmtaform needs the sudo password]"
READY = "[pmtaform is ready]"
_CHUNK = 1 << 18
_LOOK = 1.0  # seconds after which errors are looked at where nothing else comes
LEAST_PATIENCE = 15.0  # seconds
_RATE = 100_000  # bytes per second that a slow way takes
_WRITE_ASIDE = 1 << 19  # more than this on stdin is written by a separate thread, while we read


def patience(spec: HostSpec) -> float:
    """Seconds without any message of the server after which it is taken to have stopped."""
    return max(spec.connect_timeout, LEAST_PATIENCE)


class SshSession:
    """A session on `transport` (paramiko's). `on_close` gives the connection and its jump hosts back.

    `way`: the servers that it leads over, the host itself last, each with the key that it has shown.
    """

    def __init__(
        self,
        spec: HostSpec,
        hop: Hop,
        transport: Any,
        on_close: Callable[[], None],
        way: tuple[tuple[Hop, bytes], ...] = (),
    ) -> None:
        self.way = way
        self._spec = spec
        self._hop = hop
        self._transport = transport
        self._on_close = on_close
        self.running: Running | None = None

    @property
    def shell(self) -> tuple[str, ...]:
        """The words that start the shell."""
        return ("sh",)

    @property
    def is_open(self) -> bool:
        """Whether the connection is still there, as far as is known without asking the host."""
        return bool(self._transport.is_active())

    def rest(self) -> None:
        """Nothing is asked for a while: paramiko would look at each connection ten times a second otherwise."""
        with contextlib.suppress(Exception):
            self._transport.sock.settimeout(_LOOK)

    def answers(self, within: float) -> bool:
        """Whether the server answers within that many seconds. One that does not is disconnected."""
        with contextlib.suppress(HostError), _within(self._transport, self._hop, self._spec, within):
            self._transport.global_request("keepalive@openssh.com")
        return self.is_open

    def close(self) -> None:
        """Close the connection and its jump hosts."""
        self.running = None
        self._on_close()

    def begin(self, command: Sequence[str], *, timeout: float) -> SshDialogue:
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
        with _within(self._transport, self._hop, spec, timeout):
            channel = self._transport.open_session(timeout=min(timeout, spec.connect_timeout))
            try:
                channel.settimeout(timeout)
                # Input follows at once: to wait for the server's reply that it will run this is one more round trip. If
                # it will not, it closes the channel without output. paramiko has no other way to skip the wait.
                channel._wait_for_event = lambda: None  # noqa: SLF001
                channel.exec_command(shlex.join(words))
                early = self._authorise(channel) if asks else b""
            except BaseException:
                channel.close()
                raise
        return SshDialogue(spec, self._hop, channel, early, asks=asks)

    def _authorise(self, channel: Any) -> bytes:
        """Give sudo the password if and when it asks; return when the program reads its input."""
        password = self._spec.sudo_password
        assert password is not None
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


class SshDialogue:
    """A program at the other end of `channel` (paramiko's). `early`: its stderr so far."""

    def __init__(self, spec: HostSpec, hop: Hop, channel: Any, early: bytes, *, asks: bool) -> None:
        self._spec = spec
        self._hop = hop
        self._channel = channel
        self._err = bytearray(early)
        self._asks = asks

    def ask(self, data: bytes, end: bytes, *, timeout: float) -> Output:
        """As `Dialogue.ask`."""
        channel, spec = self._channel, self._spec
        try:
            with _within(channel.transport, self._hop, spec, timeout, len(data)), _writing(channel, data):
                out = self._read(end, time.monotonic() + timeout)
                if out.endswith(end):
                    return Output(None, bytes(out), self._errors())
                # Before the channel is closed: the status comes after the end of the output.
                code = channel.recv_exit_status()
                if code == -1 and not channel.transport.is_active():
                    raise EOFError
        except BaseException:
            self.close()
            raise
        self.close()
        err = self._errors()
        if spec.sudo and not self._asks and code and not out and b"sudo" in err:
            raise ssh_errors.sudo_refused(self._hop, one_line(err), spec.name)
        return Output(code, bytes(out), err)

    def _read(self, end: bytes, deadline: float) -> bytearray:
        """Stdout up to `end`, or to its own end."""
        out = bytearray()
        while not out.endswith(end):
            self._channel.settimeout(min(_LOOK, max(deadline - time.monotonic(), 0.001)))
            try:
                chunk = self._channel.recv(_CHUNK)
            except TimeoutError:
                if time.monotonic() >= deadline:
                    raise
                chunk = None
            # Both share a window: unread data of one would in the end stop the other.
            while self._channel.recv_stderr_ready() and (errors := self._channel.recv_stderr(_CHUNK)):
                if len(self._err) < MOST_ERRORS:
                    self._err += errors
            if chunk == b"":
                break
            out += chunk or b""
            if len(out) > MOST_ANSWER:
                raise too_long(self._spec)
        return out

    def _errors(self) -> bytes:
        output, self._err = bytes(self._err), bytearray()
        return output

    def close(self) -> None:
        """Its input ends, and so does it."""
        self._channel.close()


@contextlib.contextmanager
def _within(transport: Any, hop: Hop, spec: HostSpec, timeout: float, size: int = 0) -> Iterator[None]:
    """What paramiko raises, as `Unreachable`. `transport` is closed after `timeout` seconds, or when the server has
    stopped: some of paramiko's waits have no other end.

    `size` bytes are on their way to it, and its answers come behind them.
    """
    watch = Watch(transport, timeout, patience(spec) + size / _RATE)
    started = time.monotonic()
    try:
        yield
    except HostError:
        raise
    except Exception as error:
        # paramiko's exceptions, EOFError and OSError all mean the same here: the connection is gone.
        if watch.silent:
            raise ssh_errors.silent(hop, watch.patience, spec.name) from None
        late = watch.late or (isinstance(error, TimeoutError) and time.monotonic() - started >= timeout)
        if late:
            transport.close()
            raise ssh_errors.command_timeout(hop, timeout, spec.name) from None
        raise ssh_errors.lost(hop, one_line(str(error)) or "it was closed", spec.name) from None
    finally:
        watch.end()


@contextlib.contextmanager
def _writing(channel: Any, data: bytes) -> Iterator[None]:
    """Writes `data`, beside the reading if it is long. A program that stops reading reports the reason itself."""

    def write() -> None:
        with contextlib.suppress(OSError):
            channel.sendall(data)

    if len(data) <= _WRITE_ASIDE:
        write()
        yield
        return
    writer = threading.Thread(target=write, name="pmtaform-stdin", daemon=True)
    writer.start()
    try:
        yield
    except BaseException:
        channel.close()
        raise
    finally:
        writer.join()
