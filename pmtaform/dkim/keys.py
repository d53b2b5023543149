"""Private keys: read strictly, described without being shown, compared by what they are.

PowerMTA documents the signature algorithms rsa-sha1 and rsa-sha256 and no others, so a key is RSA. RFC 8301 section 3.2
has signers use at least 1024 bits and advises 2048; verifiers must know 1024 to 4096.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pmtaform.diagnostics import Definition, Diagnostic
from pmtaform.diagnostics.codes.keys import (
    DKIM_KEY_BITS,
    DKIM_KEY_DAMAGED,
    DKIM_KEY_ENCRYPTED,
    DKIM_KEY_LONG,
    DKIM_KEY_NOT_PRIVATE,
    DKIM_KEY_PASSPHRASE,
    DKIM_KEY_SEVERAL,
    DKIM_KEY_SHORT,
    DKIM_KEY_TOO_SHORT,
    DKIM_KEY_TYPE,
)
from pmtaform.dkim.pem import KeyForm, decoded, form_of, is_tidy, key_in
from pmtaform.errors import Invalid
from pmtaform.secrets import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

LEAST_BITS: Final = 1024
GOOD_BITS: Final = 2048
MOST_BITS: Final = 4096
_TYPE: Final = "PowerMTA documents signatures with rsa-sha1 and rsa-sha256 only, so it could not sign with it."


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """An RSA key that PowerMTA can sign with. All but `pem` may be shown.

    `pem` is what belongs into the key file on a host: unencrypted, PKCS#1 or PKCS#8, as it was given if it was that.
    `public` is the DER of its SubjectPublicKeyInfo; `warnings` are what is doubtful about the key.
    """

    pem: Secret
    bits: int
    public: bytes
    warnings: tuple[Diagnostic, ...] = ()

    @property
    def describe(self) -> str:
        """Its type and size: `RSA 2048`."""
        return f"RSA {self.bits}"

    @property
    def p(self) -> str:
        """The public key in base64, as the tag `p=` of its DNS record has it (RFC 6376 section 3.6.1)."""
        return base64.b64encode(self.public).decode("ascii")

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the public key, as `SHA256:` and base64: one for one key, however it is written down."""
        digest = base64.b64encode(hashlib.sha256(self.public).digest()).decode("ascii")
        return f"SHA256:{digest.rstrip('=')}"

    def rsa(self) -> RSAPrivateKey:
        """The key to sign with."""
        return _rsa(decoded(self.pem.reveal(), None))


def load_private_key(content: bytes, passphrase: bytes | None = None, *, reference: str = "the key") -> SigningKey:
    """The key in a PEM file.

    `passphrase` is for an encrypted one, and ignored else; `reference` names the key in messages, which hold nothing of
    it. Certificates and public keys beside the private key are left out. Raises `Invalid`: `dkim-key-damaged`,
    `dkim-key-not-private`, `dkim-key-several`, `dkim-key-encrypted` (no passphrase), `dkim-key-passphrase` (a wrong
    one), `dkim-key-type` and `dkim-key-too-short`.
    """
    try:
        return _loaded(content, passphrase, reference)
    except Unfit as problem:
        raise Invalid.of(problem.definition, f"{reference}: {problem.detail}") from None


def generate_key(bits: int = GOOD_BITS, *, reference: str = "the key") -> SigningKey:
    """A new key. Its PEM is PKCS#1, which every OpenSSL reads. Raises `Invalid` for a size that does not fit."""
    if not LEAST_BITS <= bits <= MOST_BITS or bits % 256:
        detail = f"{bits} bits: write 2048, or 1024 to 4096 in steps of 256. Verifiers need not know others."
        raise Invalid.of(DKIM_KEY_BITS, detail)
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    made = rsa.generate_private_key(65537, bits)
    pem = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return load_private_key(pem, reference=reference)


def locked_pem(key: SigningKey, passphrase: bytes) -> bytes:
    """The key's PEM, encrypted (PKCS#8)."""
    from cryptography.hazmat.primitives import serialization

    lock = serialization.BestAvailableEncryption(passphrase)
    return key.rsa().private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)


def describe_file(content: bytes) -> str:
    """What key a file holds, to be shown: `RSA 1024`. Empty when it holds none that can be read without a passphrase.

    Keys that PowerMTA cannot use have a description, too.
    """
    from cryptography.hazmat.primitives.asymmetric import rsa

    try:
        key = decoded(content, None)
    except ValueError:
        return ""
    kind = type(key).__name__.removesuffix("PrivateKey").lstrip("_")
    return f"RSA {key.key_size}" if isinstance(key, rsa.RSAPrivateKey) else kind


def same_private_key(left: bytes, right: bytes) -> bool:
    """Whether two key files hold the same private key; PKCS#1 and PKCS#8 are two spellings of one key.

    Files that PowerMTA could not read as unencrypted PEM keys are the same only byte for byte. Nothing of either key is
    kept.
    """
    return left == right or (form_of(left).writable and form_of(right).writable and one_key_in(left, right))


def one_key_in(left: bytes, right: bytes) -> bool:
    """Whether two files hold one private key in any form that can be read here, also one that PowerMTA may not read."""
    first, second = _canonical(left), _canonical(right)
    return first is not None and first == second


# -- reading -----------------------------------------------------------------------------------------------------------


class Unfit(Exception):
    """Why a file is not usable as a signing key; `detail` does not name it."""

    def __init__(self, definition: Definition, detail: str) -> None:
        self.definition, self.detail = definition, detail
        super().__init__(definition.code)


def _loaded(content: bytes, passphrase: bytes | None, reference: str) -> SigningKey:
    form, text = key_in(content)
    _check_form(form)
    if form.encrypted and not passphrase:
        raise Unfit(
            DKIM_KEY_ENCRYPTED,
            "it needs a passphrase. Give the key `passphrase: REFERENCE`, or store it unencrypted.",
        )
    try:
        key = _rsa(decoded(content, passphrase if form.encrypted else None))
    except ValueError:
        raise _unreadable(form) from None
    if not _is_sound(key):
        raise _unreadable(form.opened)
    as_given = form.writable and is_tidy(text)
    pem = text + b"\n" if as_given else _rewritten(key, pkcs1=form.opened is KeyForm.PKCS1)
    warnings = tuple(_doubts(key.key_size, reference))
    return SigningKey(pem=Secret(pem, reference), bits=key.key_size, public=_public(key), warnings=warnings)


def _check_form(form: KeyForm) -> None:
    if form is KeyForm.NONE:
        raise Unfit(
            DKIM_KEY_DAMAGED,
            "it is not in PEM form: it needs a line -----BEGIN … PRIVATE KEY----- and the -----END line that belongs "
            "to it. Was it cut off, or its line breaks lost? Take the file that was made with the key.",
        )
    if form is KeyForm.PUBLIC:
        raise Unfit(
            DKIM_KEY_NOT_PRIVATE,
            "it is a public key or a certificate, which cannot sign. Give the private key that belongs to it.",
        )
    if form is KeyForm.SEVERAL:
        raise Unfit(
            DKIM_KEY_SEVERAL,
            "it holds several private keys, and which of them would sign is not documented. Keep one in a file, each "
            "under its own selector.",
        )
    if form is KeyForm.OTHER_TYPE:
        raise Unfit(DKIM_KEY_TYPE, f"it is an EC or DSA key. {_TYPE} Make an RSA key.")


def _unreadable(form: KeyForm) -> Unfit:
    if form.encrypted:
        return Unfit(
            DKIM_KEY_PASSPHRASE,
            "the passphrase is not the key's, or the file is damaged. Try it by hand: openssl rsa -in FILE -noout.",
        )
    return Unfit(
        DKIM_KEY_DAMAGED,
        "it has the form of a PEM file, and its content is not a valid key. Was a line lost or changed? Take the file "
        "from where the key was made.",
    )


def _rsa(key: object) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric import rsa

    if not isinstance(key, rsa.RSAPrivateKey):
        kind = type(key).__name__.removesuffix("PrivateKey").lstrip("_")
        raise Unfit(DKIM_KEY_TYPE, f"it is of type {kind}. {_TYPE} Make an RSA key.")
    if key.key_size < LEAST_BITS:
        raise Unfit(
            DKIM_KEY_TOO_SHORT,
            f"it has {key.key_size} bits. Verifiers reject signatures under {LEAST_BITS} bits (RFC 8301), and anyone "
            f"can break such a key. Make one of {GOOD_BITS} bits under a new selector.",
        )
    return key


def _is_sound(key: RSAPrivateKey) -> bool:
    """Whether the numbers of a key belong together, and what it signs verifies.

    The library's own check proves that the factors are primes, and takes 40 ms for 2048 bits, which a fleet with many
    keys does not have. This one takes 2 ms and finds whatever damage does to a key.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    n = key.private_numbers()
    public = n.public_numbers
    if n.p < 3 or n.q < 3 or n.p * n.q != public.n or n.q * n.iqmp % n.p != 1:
        return False
    if (n.dmp1, n.dmq1) != (n.d % (n.p - 1), n.d % (n.q - 1)):
        return False
    try:
        signature = key.sign(b"", padding.PKCS1v15(), hashes.SHA256())
        key.public_key().verify(signature, b"", padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError, ZeroDivisionError):
        return False
    return True


def _doubts(bits: int, reference: str) -> list[Diagnostic]:
    if bits < GOOD_BITS:
        definition = DKIM_KEY_SHORT
        why = f"{bits} bits are the least that verifiers take; RFC 8301 advises {GOOD_BITS}. Rotate to a longer key."
    elif bits > MOST_BITS:
        definition = DKIM_KEY_LONG
        why = f"{bits} bits: verifiers need not know keys over {MOST_BITS}, and many do not. {GOOD_BITS} are enough."
    else:
        return []
    return [definition.diagnostic(f"{reference}: {why}")]


# -- writing -----------------------------------------------------------------------------------------------------------


def _rewritten(key: RSAPrivateKey, *, pkcs1: bool) -> bytes:
    from cryptography.hazmat.primitives import serialization

    kind = serialization.PrivateFormat
    form = kind.TraditionalOpenSSL if pkcs1 else kind.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _public(key: RSAPrivateKey) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _canonical(content: bytes) -> bytes | None:
    from cryptography.hazmat.primitives import serialization

    try:
        key: Any = decoded(content, None)
        der: bytes = key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return der
    except Exception:  # whatever a host has in the place of a key, it is then another one
        return None
