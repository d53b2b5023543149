"""From a reference to its secret: once per run, only when needed, never waiting without end."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pmtaform.diagnostics import Place
from pmtaform.diagnostics.codes.secrets import SECRET_PLACE_NOT_WRITABLE, SECRET_UNAVAILABLE
from pmtaform.errors import SecretUnavailable
from pmtaform.plugins import SECRET_PROVIDERS
from pmtaform.programs import AllowedPrograms
from pmtaform.secrets.fake import FakeSecrets
from pmtaform.secrets.provider import InFiles, Provider, Store, Surroundings, Unresolved
from pmtaform.secrets.reference import Reference, forms
from pmtaform.secrets.secret import Secret

DEADLINE = 30.0  # seconds: time enough to answer a prompt to unlock


class Resolver:
    """Resolves references for one run of one stack. Safe to use from many threads.

    Each reference is looked up at most once: its value, or its failure, is kept until the run ends. `base` is
    the stack's folder; `deadline` bounds each look-up, in seconds; `providers` replaces some of them. `allowed` are the
    programs that `command:` may run; by default none.
    """

    def __init__(
        self,
        base: Path,
        *,
        providers: Mapping[str, Provider] | None = None,
        deadline: float = DEADLINE,
        allowed: AllowedPrograms | None = None,
    ) -> None:
        self._surroundings = Surroundings(base, allowed or AllowedPrograms())
        self._providers = dict(providers or {})
        self._deadline = deadline
        self._lock = threading.Lock()
        self._entries: dict[Reference, _Entry] = {}

    @classmethod
    def fake(cls, values: Mapping[str, str | bytes]) -> Self:
        """A resolver that knows `values`, by whole reference (`"env:TOKEN"`), and looks nowhere else."""
        providers: dict[str, Provider] = {}
        for scheme in SECRET_PROVIDERS.names():
            prefix = f"{scheme}:"
            providers[scheme] = FakeSecrets(
                {text.removeprefix(prefix): v for text, v in values.items() if text.startswith(prefix)}
            )
        return cls(Path(), providers=providers)

    def resolve(self, reference: Reference, *, place: Place | None = None, raw: bool = False) -> Secret:
        r"""The secret that `reference` leads to.

        One line end (`\n` or `\r\n`) at its end is taken away, because programs and editors put it there;
        `raw` keeps every byte, for key files. Raises `SecretUnavailable` (at `place`, the stack's line with
        the reference), also when there is a value and it is empty.
        """
        entry = self._entry(reference)
        if entry.failure is None:
            assert entry.value is not None  # one or the other
            value = entry.value if raw else _without_line_end(entry.value)
            if value:
                return Secret(value, str(reference))
        raise _unavailable(reference, entry.failure or _empty(reference), place)

    def holds(self, reference: Reference) -> bool:
        """Whether there is anything where `reference` leads. Raises `SecretUnavailable`, as `store`."""
        provider = self._store(reference)
        try:
            return provider.holds(reference.name, deadline=self._deadline)
        except Unresolved as problem:
            raise _unavailable(reference, problem, None) from None

    def store(self, reference: Reference, value: Secret) -> None:
        """Keep `value` where `reference` leads. Raises `SecretUnavailable`, also where none can be kept."""
        provider = self._store(reference)
        try:
            provider.store(reference.name, value.reveal(), deadline=self._deadline)
        except Unresolved as problem:
            raise _unavailable(reference, problem, None) from None
        self._forget(reference)

    def remove(self, reference: Reference) -> bool:
        """Delete what `reference` leads to; whether there was anything. Raises `SecretUnavailable`."""
        provider = self._store(reference)
        try:
            existed = provider.remove(reference.name, deadline=self._deadline)
        except Unresolved as problem:
            raise _unavailable(reference, problem, None) from None
        self._forget(reference)
        return existed

    def file_of(self, reference: Reference) -> Path | None:
        """The file that a `file:` reference means; None for other references. Raises `SecretUnavailable`."""
        provider = self._provider(reference)
        if not isinstance(provider, InFiles):
            return None
        try:
            return provider.path(reference.name)
        except Unresolved as problem:
            raise _unavailable(reference, problem, None) from None

    def _store(self, reference: Reference) -> Store:
        provider = self._provider(reference)
        if isinstance(provider, Store):
            return provider
        detail = (
            f"{reference}: pmtaform reads {reference.scheme}: references and does not write them; it writes "
            f"{forms(writable=True)}. Change it with the tool that keeps it."
        )
        raise SecretUnavailable.of(SECRET_PLACE_NOT_WRITABLE, detail)

    def _provider(self, reference: Reference) -> Provider:
        with self._lock:
            provider = self._providers.get(reference.scheme)
            if provider is None:
                provider = self._providers[reference.scheme] = reference.kind.open(self._surroundings)
            return provider

    def _forget(self, reference: Reference) -> None:
        with self._lock:
            self._entries.pop(reference, None)

    def _entry(self, reference: Reference) -> _Entry:
        with self._lock:
            entry = self._entries.setdefault(reference, _Entry())
        with entry.lock:
            if entry.value is None and entry.failure is None:
                try:
                    entry.value = self._provider(reference).fetch(reference.name, deadline=self._deadline)
                except Unresolved as problem:
                    entry.failure = problem
        return entry


class _Entry:
    """What became of one reference; `lock` is held while it is being looked up."""

    __slots__ = ("failure", "lock", "value")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.value: bytes | None = None
        self.failure: Unresolved | None = None


def _without_line_end(value: bytes) -> bytes:
    return value.removesuffix(b"\n").removesuffix(b"\r") if value.endswith(b"\n") else value


def _empty(reference: Reference) -> Unresolved:
    return Unresolved(reference.kind.place, "it is empty", "An empty value is not a secret.")


def _unavailable(reference: Reference, problem: Unresolved, place: Place | None) -> SecretUnavailable:
    fix = f"\n{problem.fix}" if "\n" in problem.fix else f" {problem.fix}" if problem.fix else ""
    detail = (
        f"{reference}: looked in {problem.looked}: {problem.why}. "
        f"The stack can name another place instead: {forms(but=reference.scheme)}.{fix}"
    )
    return SecretUnavailable.of(SECRET_UNAVAILABLE, detail, place=place)
