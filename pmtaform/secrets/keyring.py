"""`keyring:NAME`: the system's keyring, through the keyring package.

The package is imported when a `keyring:` reference is really needed, and everything it does has a deadline:
choosing a backend may ask a desktop's bus, and a locked Secret Service waits for a prompt that no one sees.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, TypeVar

from pmtaform.secrets.provider import ProviderKind, Unresolved, within

SERVICE = "pmtaform"
_LOOKED = f'the system\'s keyring, service "{SERVICE}"'

T = TypeVar("T")


class KeyringSecrets:
    """Entries of the service `pmtaform`; NAME is the user name of the entry.

    A keyring that is missing, locked or silent once is not asked again in this run: a stack with a thousand
    references waits for one deadline, not for a thousand.
    """

    def __init__(self, service: str = SERVICE) -> None:
        self._service = service
        self._turn = threading.Lock()  # one prompt to unlock at a time
        self._given_up: Unresolved | None = None

    def fetch(self, name: str, *, deadline: float) -> bytes:
        """The entry's value, as UTF-8."""
        value = self._ask(lambda: _get(self._service, name), deadline)
        if value is None:
            set_it = f"Set it:\n    pmtaform secrets set keyring:{name}"
            raise Unresolved(_LOOKED, f'there is no entry "{name}"', set_it)
        return value.encode("utf-8", "surrogateescape")

    def holds(self, name: str, *, deadline: float) -> bool:
        """Whether there is such an entry."""
        return self._ask(lambda: _get(self._service, name), deadline) is not None

    def store(self, name: str, value: bytes, *, deadline: float) -> None:
        """Keep `value`, which must be UTF-8 text, under `name`."""
        try:
            text = value.decode()
        except UnicodeDecodeError:
            raise Unresolved(_LOOKED, "a keyring keeps text, and this value is not UTF-8") from None
        self._ask(lambda: _set(self._service, name, text), deadline)

    def remove(self, name: str, *, deadline: float) -> bool:
        """Forget `name`; whether there was one."""
        return self._ask(lambda: _delete(self._service, name), deadline)

    def _ask(self, question: Callable[[], T], deadline: float) -> T:
        with self._turn:
            if self._given_up is not None:
                raise self._given_up
            try:
                return within(deadline, question)
            except TimeoutError:
                why = f"it did not answer within {deadline:g} s; it may be locked and waiting for its password"
                answer = Unresolved(_LOOKED, why, "Unlock it.")
            except Unresolved as no_keyring:
                answer = no_keyring
            self._given_up = answer
            raise answer from None


def _get(service: str, name: str) -> str | None:
    return _guarded(lambda keyring: keyring.get_password(service, name))


def _set(service: str, name: str, value: str) -> None:
    _guarded(lambda keyring: keyring.set_password(service, name, value))


def _delete(service: str, name: str) -> bool:
    def question(keyring: _Backend) -> bool:
        if keyring.get_password(service, name) is None:
            return False
        keyring.delete_password(service, name)
        return True

    return _guarded(question)


class _Backend:
    """The part of keyring's backends that is used here; only for types."""

    def get_password(self, service: str, username: str) -> str | None:
        raise NotImplementedError

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError


def _guarded(question: Callable[[_Backend], T]) -> T:
    """Put `question` to the chosen backend. Every way in which a backend fails becomes `Unresolved`.

    A backend's own words are not repeated: it knows the secret.
    """
    import keyring
    from keyring import errors

    backend_name = "unknown"
    try:
        backend = keyring.get_keyring()
        backend_name = f"{type(backend).__module__}.{type(backend).__qualname__}"
        if type(backend).__module__ == "keyring.backends.null":
            raise Unresolved(_LOOKED, "keyring is switched off here (its null backend is chosen)")
        return question(backend)  # type: ignore[arg-type]
    except errors.NoKeyringError:
        raise Unresolved(_LOOKED, "this machine has no keyring (no desktop session, as on most servers)") from None
    except errors.KeyringLocked:
        raise Unresolved(_LOOKED, f"it is locked (backend {backend_name})", "Unlock it.") from None
    except Unresolved:
        raise
    except Exception as problem:
        why = f"its backend {backend_name} failed with {type(problem).__name__}"
        raise Unresolved(_LOOKED, why, "Try it alone: `keyring --list-backends`.") from None


KEYRING: Final = ProviderKind(
    argument="NAME", place="the system's keyring", open=lambda _surroundings: KeyringSecrets(), is_writable=True
)
