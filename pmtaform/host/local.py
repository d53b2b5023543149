"""A folder of this machine that stands for a host's root."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

from pmtaform.errors import Unreachable
from pmtaform.host.model import HostSpec
from pmtaform.host.transport import Completed

# What a login over SSH would have, and where programs and temporary files are. The rest of the environment may hold
# secrets (`env:` references, a pipeline's tokens), and a daemon that is started would keep it for as long as it runs.
_HANDED_ON = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER")
_OF_TESTS = ("PMTAFORM_TEST_AT", "PMTAFORM_TEST_HOOK", "PMTAFORM_TEST_MARK")  # what the agent's points are told to do


class LocalSession:
    """Runs programs on this machine. `environment` is laid over what is handed on of the process's own."""

    def __init__(
        self, spec: HostSpec, shell: tuple[str, ...] = ("/bin/sh",), environment: Mapping[str, str] | None = None
    ) -> None:
        self._spec = spec
        self._shell = shell
        self._environment = {**_handed_on(), **(environment or {})}

    @property
    def shell(self) -> tuple[str, ...]:
        """The words that start the shell."""
        return self._shell

    def run(self, command: Sequence[str], stdin: bytes, *, timeout: float) -> Completed:
        """Run `command` with `stdin`; raises `Unreachable` when it takes longer than `timeout` seconds."""
        try:
            with subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._environment,
                start_new_session=True,
            ) as process:
                try:
                    out, err = process.communicate(stdin, timeout=timeout)
                except subprocess.TimeoutExpired:
                    process.kill()
                    raise
                except BaseException:
                    process.kill()
                    raise
        except subprocess.TimeoutExpired:
            raise Unreachable.of(
                "host-timeout",
                "The host did not answer in time",
                f"The program on {self._spec.root} did not end within {timeout:g} s.",
                host=self._spec.name,
            ) from None
        except OSError as error:
            raise Unreachable.of(
                "shell-missing",
                "No shell could be started",
                f"{self._shell[0]}: {error.strerror}.",
                host=self._spec.name,
            ) from None
        return Completed(process.returncode, out, err)

    def close(self) -> None:
        """Nothing is held."""


def _handed_on() -> dict[str, str]:
    return {name: os.environ[name] for name in (*_HANDED_ON, *_OF_TESTS) if name in os.environ}


def open_local(spec: HostSpec) -> LocalSession:
    """A session on the folder `spec.root`. Raises `Unreachable` if there is no such folder."""
    root = os.path.abspath(spec.root)  # noqa: PTH100  (a Path would resolve nothing here either)
    if not os.path.isdir(root):  # noqa: PTH112
        raise Unreachable.of(
            "root-missing",
            "The host's folder does not exist",
            f"{root} stands for the root of this host and is not there. Make it, or correct `root` in the stack.",
            host=spec.name,
        )
    return LocalSession(spec)
