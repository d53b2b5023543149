"""Private keys: what is read, what is refused and why, and that nothing of a key is ever said."""

from __future__ import annotations

import base64
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from signing_keys import FORMATS, other_type, pem, pkcs1, private, public, short

from pmtaform.dkim import describe_file, generate_key, load_private_key, one_key_in, same_private_key
from pmtaform.dkim.keys import locked_pem
from pmtaform.errors import Invalid

PHRASE = b"correct horse"
NO_PEM = b"MIIEpAIBAAKCAQEA"
LOCKED = {
    "PKCS#8": lambda: pem(passphrase=PHRASE),
    "PKCS#1": lambda: pem(form=FORMATS.TraditionalOpenSSL, passphrase=PHRASE),
    "OpenSSH": lambda: pem(form=FORMATS.OpenSSH, passphrase=PHRASE),
}


def refused(content: bytes, passphrase: bytes | None = None) -> tuple[str, str]:
    """The code and the words with which a key is refused; they hold nothing of it."""
    with pytest.raises(Invalid) as caught:
        load_private_key(content, passphrase, reference="file:s1.pem")
    (result,) = caught.value.diagnostics
    assert result.detail.startswith("file:s1.pem: ")
    for line in content.decode("latin-1").splitlines():
        assert line.startswith("-----") or len(line) < 16 or line not in f"{result} {caught.value!r}"
    return result.code, result.detail


@pytest.mark.parametrize("content", [pem(), pkcs1()], ids=["PKCS#8", "PKCS#1"])
def test_an_open_key_is_kept_as_it_was_given(content: bytes) -> None:
    key = load_private_key(content)
    assert key.pem.reveal() == content
    assert (key.describe, key.bits, key.warnings) == ("RSA 2048", 2048, ())


BESIDE = {
    "words before it": b"subject=/CN=example.com\n" + pem(),
    "its public key before it": public() + pem(),
    "its public key behind it": pem() + public(),
    "empty lines around it": b"\n\n" + pem() + b"\n \n",
}


@pytest.mark.parametrize("name", BESIDE)
def test_of_a_file_only_the_private_key_is_written(name: str) -> None:
    key = load_private_key(BESIDE[name])
    assert key.pem.reveal() == pem()
    assert same_private_key(BESIDE[name], pem())


UNTIDY = {
    "indented": b"\n".join(b"  " + line for line in pem().splitlines()),
    "in one line": b"\n".join([pem().splitlines()[0], b"".join(pem().splitlines()[1:-1]), pem().splitlines()[-1]]),
}


@pytest.mark.parametrize("name", UNTIDY)
def test_what_not_every_openssl_reads_is_written_as_all_do(name: str) -> None:
    assert load_private_key(UNTIDY[name]).pem.reveal() == pem()


def test_of_several_private_keys_none_is_chosen() -> None:
    for content in (pem() + pem("two"), pkcs1() + pem("two"), other_type("ed25519") + pem()):
        assert refused(content)[0] == "dkim-key-several"
        assert not same_private_key(content, pem())
        assert describe_file(content) == ""


def test_parameters_of_a_curve_are_no_key() -> None:
    parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    assert refused(parameters + other_type("ec-traditional"))[0] == "dkim-key-type"
    assert load_private_key(parameters + pem()).pem.reveal() == pem()


def test_a_last_line_end_that_was_lost_is_restored() -> None:
    assert load_private_key(pem().rstrip()).pem.reveal() == pem()


@pytest.mark.parametrize("form", LOCKED)
def test_a_locked_key_is_opened_with_its_passphrase_and_written_open(form: str) -> None:
    content = LOCKED[form]()
    key = load_private_key(content, PHRASE)
    assert b"ENCRYPTED" not in key.pem.reveal()
    assert same_private_key(key.pem.reveal(), pem())
    assert load_private_key(content, PHRASE).pem.reveal() == key.pem.reveal(), "no plan differs from the last"
    assert refused(content)[0] == "dkim-key-encrypted"
    assert refused(content, b"")[0] == "dkim-key-encrypted"
    assert refused(content, b"wrong")[0] == "dkim-key-passphrase"


def test_what_is_public_of_a_key_is_the_same_in_every_form() -> None:
    forms = [load_private_key(pem()), load_private_key(pkcs1()), load_private_key(LOCKED["PKCS#1"](), PHRASE)]
    assert len({(key.p, key.fingerprint) for key in forms}) == 1
    der = (
        private().public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    assert base64.b64decode(forms[0].p) == der
    assert load_private_key(pem("two")).fingerprint != forms[0].fingerprint


def test_a_key_is_not_shown() -> None:
    key = load_private_key(pem())
    for line in pem().decode().splitlines()[1:-1]:
        assert line not in repr(key) + str(key)


DAMAGED = {
    "no PEM": NO_PEM,
    "nothing": b"",
    "cut off": pkcs1()[:700],
    "a line lost": b"\n".join(line for n, line in enumerate(pkcs1().splitlines()) if n != 9) + b"\n",
    "without its end": pem().replace(b"-----END PRIVATE KEY-----", b""),
    "not base64": pem().replace(pem().splitlines()[5], b"*" * 64),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_key(name: str) -> None:
    assert refused(DAMAGED[name])[0] == "dkim-key-damaged"


def test_a_single_letter_that_changed_is_found_wherever_it_is() -> None:
    content = pkcs1()
    inside = range(40, len(content) - 40, 53)
    for at in (n for n in inside if content[n : n + 1] != b"\n"):
        other = b"A" if content[at : at + 1] != b"A" else b"B"
        changed = content[:at] + other + content[at + 1 :]
        assert refused(changed)[0] in ("dkim-key-damaged", "dkim-key-type"), at
        assert not same_private_key(changed, content)


@pytest.mark.parametrize("factor", [0, 1, 2])
def test_a_key_whose_factors_are_none_is_damaged_and_no_bug(factor: int) -> None:
    made = private().private_numbers()
    n = made.public_numbers.n
    for p, q in ((factor, n), (n, factor), (factor, factor)):
        assert (
            refused(pkcs1_of(n, made.public_numbers.e, made.d, p, q, made.dmp1, made.dmq1, 1))[0] == "dkim-key-damaged"
        )


def pkcs1_of(*numbers: int) -> bytes:
    """A PKCS#1 file (RFC 8017, A.1.2) with these numbers, whether or not they make sense."""
    body = b"".join(der(2, number.to_bytes(number.bit_length() // 8 + 1, "big")) for number in (0, *numbers))
    text = base64.encodebytes(der(0x30, body))
    return b"-----BEGIN RSA PRIVATE KEY-----\n" + text + b"-----END RSA PRIVATE KEY-----\n"


def der(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = [size] if size < 128 else [0x81, size] if size < 256 else [0x82, *size.to_bytes(2, "big")]
    return bytes([tag, *length]) + content


@pytest.mark.parametrize("kind", ["ed25519", "ec", "ec-traditional"])
def test_a_key_of_another_type(kind: str) -> None:
    code, words = refused(other_type(kind))
    assert code == "dkim-key-type"
    assert "rsa-sha256" in words


def test_a_public_key_cannot_sign() -> None:
    assert refused(public())[0] == "dkim-key-not-private"


def test_a_key_that_anyone_can_break() -> None:
    code, words = refused(short())
    assert code == "dkim-key-too-short"
    assert "512 bits" in words


def test_a_short_key_is_taken_with_a_warning() -> None:
    key = load_private_key(pem("short", 1024), reference="file:s1.pem")
    (result,) = key.warnings
    assert (result.code, result.severity) == ("dkim-key-short", "warning")
    assert result.detail.startswith("file:s1.pem: 1024 bits")


# -- the same key --------------------------------------------------------------------------------------------------


def test_two_spellings_of_one_key_are_one() -> None:
    assert same_private_key(pem(), pkcs1())
    assert same_private_key(pem(), pem().replace(b"\n", b"\r\n"))
    assert not same_private_key(pem(), pem("two"))
    assert not same_private_key(pem(), LOCKED["PKCS#8"]()), "what is locked cannot be looked into"
    assert not same_private_key(pem(), pem(form=FORMATS.OpenSSH)), "PowerMTA may not read OpenSSH's form"
    assert one_key_in(pem(), pem(form=FORMATS.OpenSSH))
    assert not one_key_in(pem("two"), pem(form=FORMATS.OpenSSH))
    assert not one_key_in(b"x", b"x")
    assert not same_private_key(b"x", b"y")


@pytest.mark.parametrize(
    ("content", "words"),
    [(pem("short", 1024), "RSA 1024"), (other_type("ed25519"), "Ed25519"), (short(), "RSA 512"), (b"junk", "")],
    ids=["RSA", "Ed25519", "broken", "none"],
)
def test_what_a_host_has_is_described(content: bytes, words: str) -> None:
    assert describe_file(content) == words


# -- new keys ------------------------------------------------------------------------------------------------------


def test_a_new_key_is_one_that_openssl_takes() -> None:
    key = generate_key(1024)
    assert (key.bits, key.pem.reveal().splitlines()[0]) == (1024, b"-----BEGIN RSA PRIVATE KEY-----")
    assert generate_key(1024).fingerprint != key.fingerprint
    if openssl := shutil.which("openssl"):
        command = [openssl, "rsa", "-check", "-noout"]
        checked = subprocess.run(command, input=key.pem.reveal(), capture_output=True, check=True)
        assert b"RSA key ok" in checked.stdout + checked.stderr
        made = subprocess.run([openssl, "rsa", "-pubout"], input=key.pem.reveal(), capture_output=True, check=True)
        assert base64.b64decode(b"".join(made.stdout.splitlines()[1:-1])) == key.public


@pytest.mark.parametrize("bits", [512, 1000, 2047, 8192])
def test_a_size_that_verifiers_need_not_know(bits: int) -> None:
    with pytest.raises(Invalid, match="2048"):
        generate_key(bits)


def test_a_key_can_be_locked_again() -> None:
    key = load_private_key(pem())
    locked = locked_pem(key, PHRASE)
    assert refused(locked)[0] == "dkim-key-encrypted"
    assert load_private_key(locked, PHRASE).public == key.public
