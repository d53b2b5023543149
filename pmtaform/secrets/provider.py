"""What a provider of secrets is, how it says that it has none, and the two that only look at this machine."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

MAX_BYTES = 1 << 20  # no key or password is larger; what is larger is a mistake
_OPEN_TO_OTHERS = 0o066

T = TypeVar("T")


class Unresolved(Exception):
    """No such secret: where the provider `looked`, `why` there is none, and the `fix`. Holds no value."""

    def __init__(self, looked: str, why: str, fix: str = "") -> None:
        self.looked = looked
        self.why = why
        self.fix = fix
        super().__init__(f"looked in {looked}: {why}")


@runtime_checkable
class Provider(Protocol):
    """One kind of place where secrets are kept."""

    def fetch(self, name: str, *, deadline: float) -> bytes:
        """The bytes kept under `name`, as they are, within `deadline` seconds. Raises `Unresolved`."""
        ...


@runtime_checkable
class Store(Provider, Protocol):
    """A provider that can also be written to (`pmtaform secrets set`)."""

    def store(self, name: str, value: bytes, *, deadline: float) -> None:
        """Keep `value` under `name`. Raises `Unresolved`."""
        ...

    def remove(self, name: str, *, deadline: float) -> bool:
        """Forget `name`; whether there was one. Raises `Unresolved`."""
        ...


def within(seconds: float, task: Callable[[], T]) -> T:
    """What `task` returns or raises, or TimeoutError after `seconds`.

    It runs in a daemon thread: one that never returns keeps neither the caller nor the process's end waiting.
    """
    results: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(task())
        except BaseException as problem:
            failures.append(problem)

    thread = threading.Thread(target=run, name="pmtaform-secret", daemon=True)
    thread.start()
    thread.join(seconds)
    if failures:
        raise failures[0]
    if not results:
        raise TimeoutError
    return results[0]


class EnvironmentSecrets:
    """`env:NAME`. `environ` None: that of this process, looked at when asked."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = environ

    def fetch(self, name: str, *, deadline: float) -> bytes:  # noqa: ARG002 - never waits
        """The variable's value."""
        value = (os.environ if self._environ is None else self._environ).get(name)
        looked = "the environment of this process"
        if value is None:
            raise Unresolved(looked, f"{name} is not set", f"Set it before pmtaform runs: export {name}=….")
        return os.fsencode(value)


class FileSecrets:
    """`file:PATH`, relative to `base`; `~/` is the home folder. Refuses what others may read or write."""

    def __init__(self, base: Path) -> None:
        self._base = base

    def fetch(self, name: str, *, deadline: float) -> bytes:
        """The file's content, at most 1 MiB."""
        path = self.path(name)
        try:
            return within(deadline, lambda: _read_private(path))
        except TimeoutError:
            why = f"the file system did not answer within {deadline:g} s"
            raise Unresolved(str(path), why, "Look whether a network file system is down.") from None

    def path(self, name: str) -> Path:
        """The file that `name` means."""
        try:
            return self._base / Path(name).expanduser()
        except RuntimeError:
            raise Unresolved(name, "this user has no home folder", "Write the whole path.") from None


def _read_private(path: Path) -> bytes:
    looked = str(path)
    try:
        # Without O_NONBLOCK a named pipe would hold the open until somebody writes.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as problem:
        fix = "Make the file, or correct the path in the stack." if problem.errno == 2 else ""
        raise Unresolved(looked, os.strerror(problem.errno or 0).lower(), fix) from None
    except ValueError:
        raise Unresolved(looked, "no file can have this name") from None
    try:
        _check_private(looked, os.fstat(descriptor))
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as problem:
        raise Unresolved(looked, os.strerror(problem.errno or 0).lower()) from None
    finally:
        os.close(descriptor)
    if len(content) > MAX_BYTES:
        raise Unresolved(looked, "it is larger than 1 MiB, which no key or password is", "Is it the right file?")
    return content


def _check_private(looked: str, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise Unresolved(looked, "it is not a regular file")
    if found.st_mode & _OPEN_TO_OTHERS:
        mode = f"{stat.S_IMODE(found.st_mode):04o}"
        why = f"its mode is {mode}: users other than its owner may read or change it, so it is no secret"
        raise Unresolved(looked, why, f"Run: chmod 600 {looked}.")
