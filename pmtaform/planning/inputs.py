"""The inputs of hosts: which hosts need not be compiled, because nothing that they are made from has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

from pmtaform.diagnostics import Place
from pmtaform.diagnostics.codes.secrets import SECRET_UNAVAILABLE
from pmtaform.errors import SecretUnavailable
from pmtaform.fingerprint import fingerprint
from pmtaform.model.desired import Desired, FileRole
from pmtaform.secrets import Secret
from pmtaform.stack import Stack
from pmtaform.stack.private_keys import PassingResolver
from pmtaform.stack.resolve import Resolve
from pmtaform.stack.sources import HostSources
from pmtaform.state import HostInputs, HostState, StackKey

_EXPIRE: Final = frozenset({FileRole.CERTIFICATE, FileRole.CA})


class StackInputs:
    """What the hosts of a stack are made from, under the stack's key."""

    def __init__(self, stack: Stack, key: StackKey, resolve: Resolve) -> None:
        self._stack, self._key, self._resolve = stack, key, resolve

    def are_sources_same(self, host: str, state: HostState | None) -> bool:
        """Whether a host is made from the same as when it was last as declared; the values of secrets aside.

        Such a host compiles without an error.
        """
        return state is not None and state.inputs is not None and state.inputs.sources == self._of_sources(host)

    def are_same(self, host: str, state: HostState | None, now: datetime) -> bool:
        """Whether a host is made from exactly the same as when it was last as declared, and means the same now."""
        if state is None or state.inputs is None or not self.are_sources_same(host, state):
            return False
        if not _is_within(state.inputs, now):
            return False
        try:
            # The host refers to the same secrets as then, because its sources are the same.
            values = {name: _digest(self._resolve(name, None)) for name in state.inputs.references}
        except SecretUnavailable:
            return False  # it is compiled, which reports the secret at its place
        return state.inputs.secrets == self._of_secrets(host, values)

    def of(self, host: str, desired: Desired, asked: AskedSecrets) -> HostInputs | None:
        """The inputs of a host that was compiled; None where a secret was not available."""
        if asked.failed:
            return None
        since, until = _quiet_time(desired)
        return HostInputs(
            sources=self._of_sources(host),
            references=tuple(sorted(asked.secrets)),
            secrets=self._of_secrets(host, asked.digests),
            since=since,
            until=until,
        )

    def _of_sources(self, host: str) -> str:
        whole = f"{fingerprint()}\n{self._sources.digest(host)}"
        return self._key.inputs_for(host)(hashlib.sha256(whole.encode()).hexdigest())

    def _of_secrets(self, host: str, digests: Mapping[str, str]) -> str:
        if not digests:
            return ""
        text = "\n".join(f"{len(name)}:{name} {digests[name]}" for name in sorted(digests))
        return self._key.inputs_for(host)(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())

    @cached_property
    def _sources(self) -> HostSources:
        return HostSources(self._stack)


def _quiet_time(desired: Desired) -> tuple[str, str]:
    """From when to when no certificate of a host causes a note; empty without certificates."""
    contents = [file.content for file in desired.managed if file.role in _EXPIRE and file.content is not None]
    if not contents:
        return "", ""
    from pmtaform.tls.checks import SOON
    from pmtaform.tls.content import read_tls_file

    certificates = [one for content in contents for one in read_tls_file(content.reveal()).certificates]
    if not certificates:
        return "", ""
    since = max(one.begins for one in certificates)
    until = min(one.ends for one in certificates) - SOON
    return since.astimezone(UTC).isoformat(), until.astimezone(UTC).isoformat()


def _is_within(inputs: HostInputs, now: datetime) -> bool:
    if inputs.since and now < datetime.fromisoformat(inputs.since):
        return False
    return not inputs.until or now < datetime.fromisoformat(inputs.until)


class KnownSecrets:
    """Resolves the references that were resolved before, elsewhere."""

    def __init__(self, secrets: Mapping[str, Secret]) -> None:
        self._secrets = secrets

    def __call__(self, reference: str, place: Place | None) -> Secret:
        """The secret. Raises `SecretUnavailable`."""
        if reference not in self._secrets:
            raise SecretUnavailable.of(SECRET_UNAVAILABLE, f"{reference} was not resolved.", place=place)
        return self._secrets[reference]


class AskedSecrets(PassingResolver):
    """Resolves references, and keeps each secret. `failed`: one was not available."""

    def __init__(self, resolve: Resolve) -> None:
        super().__init__(resolve)
        self.secrets: dict[str, Secret] = {}
        self.failed = False

    @property
    def digests(self) -> dict[str, str]:
        """The digest of each value, by its reference."""
        return {reference: _digest(secret) for reference, secret in self.secrets.items()}

    def __call__(self, reference: str, place: Place | None) -> Secret:
        """The secret. Raises `SecretUnavailable`."""
        try:
            secret = self.inner(reference, place)
        except SecretUnavailable:
            self.failed = True
            raise
        self.secrets[reference] = secret
        return secret


def _digest(secret: Secret) -> str:
    return hashlib.sha256(secret.reveal()).hexdigest()
