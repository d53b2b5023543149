"""The port of secret providers: what one must do, how it reports that it has no value, and how it is registered."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from pmtaform.programs import AllowedPrograms

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


@runtime_checkable
class InFiles(Protocol):
    """A provider whose secrets are files of this machine, which Git could see."""

    def path(self, name: str) -> Path:
        """The file that `name` means. Raises `Unresolved`."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a provider works: `folder` is the stack's, `allowed` are the programs that a stack may have run."""

    folder: Path
    allowed: AllowedPrograms


def spaces_around(name: str) -> str:
    """The problem of a name with spaces at its ends, or the empty string."""
    return "There are spaces around the name behind the colon." if name != name.strip() else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderKind:
    """A kind of reference, `scheme:NAME`; the scheme is its name in the registry.

    `argument` is what follows the colon, for messages ("NAME"), and `place` where the provider looks ("the system's
    keyring"). `problem` returns what is wrong with a name, or the empty string; it must not repeat the name, which may
    be a secret. `is_writable`: the provider is a `Store`. `is_of_stack`: a name means another thing in another stack.
    """

    argument: str
    place: str
    open: Callable[[Surroundings], Provider]
    problem: Callable[[str], str] = spaces_around
    is_writable: bool = False
    is_of_stack: Callable[[str], bool] = lambda _name: False
