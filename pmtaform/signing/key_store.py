"""Store DKIM keys where the stack refers to them: generated here, or imported."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.key_commands import (
    AMBIGUOUS_KEY,
    AMBIGUOUS_PASSPHRASE,
    BAD_KEY_NAME,
    DKIM_KEY_EXISTS,
    KEY_PLACE_NOT_WRITABLE,
    NO_KEY_PLACE,
)
from pmtaform.diagnostics.codes.keys import DKIM_KEY_DAMAGED
from pmtaform.dkim.keys import GOOD_BITS, SigningKey, generate_key, load_private_key, locked_pem
from pmtaform.errors import Invalid, PmtaformError, UsageError
from pmtaform.secrets import KEYRING, Reference, forms, parse_reference, require_reference
from pmtaform.secrets.store import holds_secret, read_secret, store_secret
from pmtaform.signing.declared import DeclaredKey, declared_keys
from pmtaform.stack import Stack
from pmtaform.stack.key_plans import name_problem
from pmtaform.stack.resolve import resolver_for

_MOST: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLocation:
    """Where a key is stored. `declared` is the stack's entry for it, if it has one with that reference.

    `passphrase` is that of the entry: the key is stored encrypted with it.
    """

    domain: str
    selector: str
    reference: Reference
    declared: DeclaredKey | None = None
    passphrase: bytes | None = None

    @property
    def name(self) -> str:
        """`example.com/s2026`."""
        return f"{self.domain}/{self.selector}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A key that is stored, with its warnings. `is_new` False: the store had it already."""

    home: KeyLocation
    key: SigningKey
    warnings: tuple[Diagnostic, ...] = ()
    is_new: bool = True


def make_key(stack: Stack, name: str, now: datetime, *, bits: int = GOOD_BITS, to: str | None = None) -> StoredKey:
    """Generate a key and store it where the stack's entry says, or at `to`; else in the keyring.

    `name` is DOMAIN/SELECTOR, or DOMAIN alone: then the selector is the declared one that has no key yet, or a new one
    by the month of `now`. An existing value is never overwritten. Raises `UsageError`, `Invalid`, `SecretUnavailable`.
    """
    home = _home(stack, name, to, now)
    if holds_secret(home.reference, stack.folder):
        raise UsageError.of(DKIM_KEY_EXISTS, _already_stored(home))
    key = generate_key(bits, reference=str(home.reference))
    return _store(stack, home, key, key.pem.reveal())


def import_key(
    stack: Stack, name: str, content: bytes, source: str, *, to: str | None = None, passphrase: str | None = None
) -> StoredKey:
    """Store a key that was made elsewhere; `source` is its name in messages.

    `passphrase` is a reference, for a key that is encrypted. It is stored encrypted if the stack's entry has
    a passphrase, else as PowerMTA needs it. Raises `UsageError`, `Invalid`, `SecretUnavailable`.
    """
    if "/" not in name:
        detail = f'"{name}" has no selector. Write DOMAIN/SELECTOR, the name of the key\'s record in DNS.'
        raise UsageError.of(BAD_KEY_NAME, detail)
    home = _home(stack, name, to, None)
    phrase = home.passphrase
    if passphrase is not None:
        phrase = resolver_for(stack)(str(require_reference(passphrase, what="A passphrase")), None).reveal()
    if len(content) > _MOST:
        raise Invalid.of(DKIM_KEY_DAMAGED, f"{source}: it is larger than 1 MiB.")
    key = load_private_key(content, phrase, reference=source)
    if holds_secret(home.reference, stack.folder):
        if _is_stored(stack, home, key):
            return StoredKey(home=home, key=key, warnings=key.warnings, is_new=False)
        raise UsageError.of(DKIM_KEY_EXISTS, _already_stored(home))
    return _store(stack, home, key, key.pem.reveal())


def _store(stack: Stack, home: KeyLocation, key: SigningKey, pem: bytes) -> StoredKey:
    value = locked_pem(key, home.passphrase) if home.passphrase else pem
    warnings = store_secret(home.reference, value, stack.folder)
    return StoredKey(home=home, key=key, warnings=(*key.warnings, *warnings))


def _is_stored(stack: Stack, home: KeyLocation, key: SigningKey) -> bool:
    stored = read_secret(home.reference, stack.folder).reveal()
    try:
        return load_private_key(stored, home.passphrase).public == key.public
    except Invalid:
        return False


def _already_stored(home: KeyLocation) -> str:
    return (
        f"{home.reference} has a value, and a key that has signed must not be lost, so nothing was changed. "
        f"A new key needs a new selector:\n    pmtaform dkim generate {home.domain}\n"
        f"If the value is no longer needed:\n    pmtaform secrets delete {home.reference}"
    )


# -- names and places ----


def _home(stack: Stack, name: str, to: str | None, now: datetime | None) -> KeyLocation:
    domain, slash, selector = name.partition("/")
    if problem := name_problem(domain, selector if slash else "s1"):
        raise UsageError.of(BAD_KEY_NAME, f'"{name}": {problem}')
    keys = declared_keys(stack)
    if not slash:
        selector = _selector(stack, domain, keys, now)
    own = [key for key in keys if key.is_ours and (key.domain.lower(), key.selector) == (domain.lower(), selector)]
    if to is None and len({key.reference for key in own}) > 1:
        listed = ", ".join(dict.fromkeys(key.reference for key in own))
        detail = f"The stack's layers store {domain}/{selector} at {listed}. Choose one with --to REFERENCE."
        raise UsageError.of(AMBIGUOUS_KEY, detail)
    reference = _default(stack, domain, selector, own) if to is None else parse_reference(to)
    if reference is None:
        detail = "The value of --to is not a reference. Write --to keyring:NAME or --to file:PATH."
        raise UsageError.of(NO_KEY_PLACE, detail)
    _check_writable(reference)
    matches = [key for key in own if key.reference == str(reference)]
    if len(matches) > 1:
        detail = f"The stack's layers give {reference} different passphrases, and a key has only one. Give all "
        detail += f"hosts of {domain}/{selector} the same `passphrase`."
        raise UsageError.of(AMBIGUOUS_PASSPHRASE, detail)
    declared = matches[0] if matches else None
    phrase = None
    if declared is not None and declared.passphrase:
        phrase = resolver_for(stack)(declared.passphrase, declared.place).reveal()
    return KeyLocation(domain=domain, selector=selector, reference=reference, declared=declared, passphrase=phrase)


def _default(stack: Stack, domain: str, selector: str, own: list[DeclaredKey]) -> Reference:
    if own:
        return require_reference(own[0].reference)
    return Reference(KEYRING, f"{stack.name}/dkim/{'all' if domain == '*' else domain}/{selector}")


def _check_writable(reference: Reference) -> None:
    if reference.kind.is_writable:
        return
    detail = f"{reference}: pmtaform reads such references and writes none. Give --to {forms(writable=True)}, "
    detail += "and refer to it in the stack; or make the key with the tool that stores it."
    raise UsageError.of(KEY_PLACE_NOT_WRITABLE, detail)


def _selector(stack: Stack, domain: str, keys: Iterable[DeclaredKey], now: datetime | None) -> str:
    own = [key for key in keys if key.domain.lower() == domain.lower()]
    waiting = list(dict.fromkeys(key.selector for key in own if _is_missing(stack, key)))
    if len(waiting) == 1:
        return waiting[0]
    if waiting or now is None:
        detail = f"{domain} has several keys that are not generated yet: {', '.join(waiting)}. Write one:"
        detail += f"\n    pmtaform dkim generate {domain}/{waiting[0] if waiting else 'SELECTOR'}"
        raise UsageError.of(AMBIGUOUS_KEY, detail)
    taken = {key.selector.lower() for key in own}
    stem = f"s{now:%Y%m}"
    return next(name for n in range(1, len(taken) + 2) if (name := stem if n == 1 else f"{stem}-{n}") not in taken)


def _is_missing(stack: Stack, key: DeclaredKey) -> bool:
    try:
        return not holds_secret(require_reference(key.reference), stack.folder)
    except PmtaformError:
        return False  # env: and command: are stored by others
