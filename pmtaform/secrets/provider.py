"""What a provider of secrets is, how it says that it has none, and the one that only looks at this process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar, runtime_checkable

MAX_BYTES = 1 << 20  # no key or password is larger; what is larger is a mistake

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

    def holds(self, name: str, *, deadline: float) -> bool:
        """Whether there is anything under `name`, usable or not. Raises `Unresolved`."""
        ...

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
