"""Look up and read the private keys of `dkim-keys`, and check that they can sign."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Final
from weakref import WeakKeyDictionary

from pmtaform.diagnostics import Diagnostic, Diagnostics, Place
from pmtaform.diagnostics.codes.keys import DKIM_KEY_PASSPHRASE
from pmtaform.dkim.keys import SigningKey, load_private_key
from pmtaform.errors import Invalid, SecretUnavailable
from pmtaform.secrets import Secret
from pmtaform.stack.emit import Resolve

Referred = tuple[str, Place]  # a reference, and where it is written


class PassingResolver:
    """A resolver that passes references on to `inner`, and reads keys together with all others that do."""

    def __init__(self, inner: Callable[[str, Place | None], Secret]) -> None:
        self.inner = inner


@dataclass(slots=True)
class _Reading:
    """A key that is read by the first host that needs it, while the threads of others wait."""

    lock: Lock = field(default_factory=Lock)
    result: SigningKey | Invalid | None = None


# Every host of a fleet may have the same keys: each is read once per resolver, and forgotten with the resolver.
_READ: Final = WeakKeyDictionary[Resolve, dict[tuple[str, str], _Reading]]()
_READ_LOCK: Final = Lock()


def read_key(
    reference: Referred, passphrase: Referred | None, resolve: Resolve, problems: Diagnostics
) -> SigningKey | None:
    """The key that a reference leads to; None with the reason in `problems`.

    The key's warnings are placed at its reference. Messages name the key by its reference only.
    """
    try:
        # For every host, also where the key was read for another: `resolve` notes which host uses which secrets.
        content = resolve(*reference).reveal()
        phrase = resolve(*passphrase).reveal() if passphrase else None
    except SecretUnavailable as error:
        problems.extend(error.diagnostics)
        return None
    reading = _reading(resolve, (reference[0], passphrase[0] if passphrase else ""))
    with reading.lock:
        if reading.result is None:
            reading.result = _loaded(content, phrase, reference[0])
        read = reading.result
    if isinstance(read, Invalid):
        problems.extend(replace(each, place=_blamed(each, reference, passphrase)) for each in read.diagnostics)
        return None
    return replace(read, warnings=tuple(replace(each, place=reference[1]) for each in read.warnings))


def _reading(resolve: Resolve, index: tuple[str, str]) -> _Reading:
    origin = resolve.inner if isinstance(resolve, PassingResolver) else resolve
    with _READ_LOCK:
        return _READ.setdefault(origin, {}).setdefault(index, _Reading())


def _loaded(content: bytes, passphrase: bytes | None, reference: str) -> SigningKey | Invalid:
    try:
        return load_private_key(content, passphrase, reference=reference)
    except Invalid as problem:
        return problem


def _blamed(each: Diagnostic, reference: Referred, passphrase: Referred | None) -> Place:
    wrong = passphrase if DKIM_KEY_PASSPHRASE.describes(each) else None
    return (wrong or reference)[1]
