"""A folder of this machine that stands for a host's root."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import time
import weakref
from collections.abc import Mapping, Sequence
from typing import IO

from pmtaform.diagnostics.codes.connections import HOST_TIMEOUT, ROOT_MISSING, SHELL_MISSING
from pmtaform.errors import Unreachable
from pmtaform.host.model import HostSpec
from pmtaform.host.transport import MOST_ANSWER, MOST_ERRORS, Output, Running, too_long

_CHUNK = 1 << 16
# What a login over SSH would have, and where programs and temporary files are. The rest of the environment may hold
# secrets (`env:` references, a pipeline's tokens), and a daemon that is started would keep it for as long as it runs.
_HANDED_ON = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER")
_OF_TESTS = (
    "PMTAFORM_TEST_AT",
    "PMTAFORM_TEST_HOOK",
    "PMTAFORM_TEST_MARK",
)  # for the agent's test points


class LocalSession:
    """Runs programs on this machine. `environment` is laid over what is handed on of the process's own."""

    def __init__(
        self, spec: HostSpec, shell: tuple[str, ...] = ("/bin/sh",), environment: Mapping[str, str] | None = None
    ) -> None:
        self._spec = spec
        self._shell = shell
        self._environment = {**_handed_on(), **(environment or {})}
        self.running: Running | None = None

    @property
    def shell(self) -> tuple[str, ...]:
        """The words that start the shell."""
        return self._shell

    def begin(self, command: Sequence[str], *, timeout: float) -> LocalDialogue:  # noqa: ARG002  (begins at once)
        """Run `command`. Raises `Unreachable` where there is no such program."""
        try:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._environment,
                start_new_session=True,
            )
        except OSError as error:
            raise Unreachable.of(SHELL_MISSING, f"{self._shell[0]}: {error.strerror}.", host=self._spec.name) from None
        return LocalDialogue(self._spec, process)

    def close(self) -> None:
        """End what waits there."""
        if self.running is not None:
            self.running.dialogue.close()
            self.running = None


class LocalDialogue:
    """A program of this machine, `process`."""

    def __init__(self, spec: HostSpec, process: subprocess.Popen[bytes]) -> None:
        self._spec = spec
        self.process = process
        self._streams = tuple(each for each in (process.stdin, process.stdout, process.stderr) if each is not None)
        for stream in self._streams:
            os.set_blocking(stream.fileno(), False)
        # A caller that forgets `close` leaves no process behind.
        self._end = weakref.finalize(self, _end, process, self._streams)

    def ask(self, data: bytes, end: bytes, *, timeout: float) -> Output:
        """As `Dialogue.ask`."""
        try:
            return self._ask(data, end, time.monotonic() + timeout)
        except TimeoutError:
            self._kill()
            raise Unreachable.of(
                HOST_TIMEOUT,
                f"The program on {self._spec.root} did not end within {timeout:g} s.",
                host=self._spec.name,
            ) from None
        except BaseException:
            self._kill()
            raise

    def _ask(self, data: bytes, end: bytes, deadline: float) -> Output:
        stdin, stdout, stderr = self._streams
        out, err, left = bytearray(), bytearray(), memoryview(data)
        with selectors.DefaultSelector() as ready:
            for stream in (stdout, stderr):
                ready.register(stream, selectors.EVENT_READ)
            if left:
                ready.register(stdin, selectors.EVENT_WRITE)
            while stdout in ready.get_map():
                for key, _ in ready.select(_left(deadline)):
                    if key.fileobj is stdin:
                        left = _write(stdin, left)
                        if not left:
                            ready.unregister(stdin)
                    elif chunk := os.read(key.fd, _CHUNK):
                        if key.fileobj is stdout:
                            out += chunk
                        elif len(err) < MOST_ERRORS:
                            err += chunk
                    else:
                        ready.unregister(key.fileobj)
                if len(out) > MOST_ANSWER:
                    raise too_long(self._spec)
                if out.endswith(end):
                    return Output(None, bytes(out), bytes(err))
        try:
            code = self.process.wait(_left(deadline))
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        err += stderr.read() or b""
        self.close()
        return Output(code, bytes(out), bytes(err))

    def _kill(self) -> None:
        self.process.kill()
        self.close()

    def close(self) -> None:
        """Its input ends, and so does it."""
        self._end()


def _end(process: subprocess.Popen[bytes], streams: Sequence[IO[bytes]]) -> None:
    for stream in streams:
        with contextlib.suppress(OSError):
            stream.close()
    process.wait()


def _left(deadline: float) -> float:
    """Seconds until `deadline`. Raises `TimeoutError` if there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _write(stream: IO[bytes], data: memoryview) -> memoryview:
    """What is left of `data` to be written. A program that stops reading reports the reason itself."""
    try:
        return data[os.write(stream.fileno(), data[:_CHUNK]) :]
    except BlockingIOError:
        return data
    except OSError:
        return data[len(data) :]


def _handed_on() -> dict[str, str]:
    return {name: os.environ[name] for name in (*_HANDED_ON, *_OF_TESTS) if name in os.environ}


def open_local(spec: HostSpec) -> LocalSession:
    """A session on the folder `spec.root`. Raises `Unreachable` if there is no such folder."""
    root = os.path.abspath(spec.root)  # a Path would resolve nothing here either
    if not os.path.isdir(root):
        raise Unreachable.of(
            ROOT_MISSING,
            f"{root} is the root of this host and does not exist. Create it, or correct `root` in the stack.",
            host=spec.name,
        )
    return LocalSession(spec)
