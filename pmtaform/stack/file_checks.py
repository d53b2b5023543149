"""Check the contents of a host's files against their purpose: certificates with keys, fragments, licences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from pmtaform.diagnostics import Diagnostic, Diagnostics
from pmtaform.diagnostics.codes.language import (
    MALFORMED_TAG,
    STRAY_CLOSING_TAG,
    TAG_ON_DIRECTIVE_LINE,
    UNCLOSED_SECTION,
)
from pmtaform.diagnostics.codes.secrets import SECRET_IN_CLEAR
from pmtaform.diagnostics.codes.stack_files import (
    CERTIFICATE_WITHOUT_KEY,
    FILE_EMPTY,
    FILE_MODE,
    FRAGMENT_BREAKS_OUT,
    LICENCE_TEXT,
    NO_KEY_FILE,
)
from pmtaform.diagnostics.codes.tls import CERTIFICATE_MISSING, PEM_DAMAGED
from pmtaform.lang.parsing import parse_bytes
from pmtaform.model.desired import FileRole, ManagedFile
from pmtaform.pem import has_certificate, has_private_key
from pmtaform.tls.checks import certificate_findings, expiry_findings, key_findings
from pmtaform.tls.content import TlsFile, read_tls_file

_OF_A_BUNDLE: Final = (PEM_DAMAGED, CERTIFICATE_MISSING)  # whose certificates are in no order


def check_contents(files: Sequence[ManagedFile], problems: Diagnostics) -> None:
    """Check what is known of the contents; secrets that were not resolved are passed over."""
    by_path = {file.path: file for file in files}
    for file in files:
        if file.key_file is not None and file.key_file not in by_path:
            detail = f"{file.key_file} is to be the private key of {file.path}, and is none of this host's `files`."
            problems.report(NO_KEY_FILE, detail, file.place)
        value = file.known
        if value is None:
            continue
        if not value.strip():
            detail = f"{file.path} would be empty ({file.source}). Remove it from `files` if you do not need it."
            problems.report(FILE_EMPTY, detail, file.place)
            continue
        _check(file, value, by_path.get(file.key_file or ""), problems)


def _check(file: ManagedFile, value: bytes, key: ManagedFile | None, problems: Diagnostics) -> None:
    if file.mode is not None and file.mode & 0o007 and has_private_key(value):
        detail = (
            f"{file.path} holds a private key, and {file.mode:04o} lets every user of the host read it. Write 0600 "
        )
        detail += "or 0640."
        problems.report(FILE_MODE, detail, file.place)
    match file.role:
        case FileRole.CERTIFICATE:
            _certificate(file, read_tls_file(value), key, problems)
        case FileRole.CA:
            findings = certificate_findings(file.path, replace(read_tls_file(value), keys=()))
            problems.extend(each.at(file.place) for each in findings if each.is_any_of(*_OF_A_BUNDLE))
        case FileRole.PRIVATE_KEY:
            problems.extend(each.at(file.place) for each in key_findings(file.path, read_tls_file(value)))
        case FileRole.FRAGMENT:
            _fragment(file, value, problems)
        case FileRole.LICENCE:
            _licence(file, value, problems)


def _certificate(file: ManagedFile, pem: TlsFile, key: ManagedFile | None, problems: Diagnostics) -> None:
    other = read_tls_file(key.known) if key is not None and key.known is not None else None
    problems.extend(each.at(file.place) for each in certificate_findings(file.path, pem, other))


def _fragment(file: ManagedFile, value: bytes, problems: Diagnostics) -> None:
    """What would end the section that a fragment is read in; PowerMTA itself tests the rest."""
    for error in parse_bytes(value, file.path, scope="domain").diagnostics:
        if error.is_any_of(STRAY_CLOSING_TAG, UNCLOSED_SECTION, MALFORMED_TAG, TAG_ON_DIRECTIVE_LINE):
            detail = (
                f"{file.path}, line {error.place.line if error.place else '?'}: {error.detail} It is included inside "
            )
            detail += "a section, whose end it must not touch."
            problems.report(FRAGMENT_BREAKS_OUT, detail, file.place)


def _licence(file: ManagedFile, value: bytes, problems: Diagnostics) -> None:
    if not file.secret:
        detail = f"{file.path} would be in Git in clear text. Keep it elsewhere and refer to it: `secret: REFERENCE`."
        problems.report(SECRET_IN_CLEAR, detail, file.place)
    if not value.isascii():
        detail = (
            f"{file.path}: a PowerMTA licence is ASCII text, but {file.source} has other characters. Copy it again."
        )
        problems.report(LICENCE_TEXT, detail, file.place)


def check_keys_beside(files: Sequence[ManagedFile], named: Mapping[str, str], problems: Diagnostics) -> None:
    """Whether the certificates that a directive takes together with their key have it. `named`: path -> directive."""
    for file in files:
        value = file.content.reveal() if file.content is not None else b""
        if file.path in named and has_certificate(value) and not has_private_key(value):
            detail = (
                f"{named[file.path]} takes {file.path} as one PEM file of certificate and private key, and there is no "
            )
            detail += "key in it. Add `private-key: REFERENCE`."
            problems.report(CERTIFICATE_WITHOUT_KEY, detail, file.place)


def expiring(files: Iterable[ManagedFile], now: datetime) -> Iterator[Diagnostic]:
    """Warnings of certificates that have expired or soon will, where the content is known."""
    for file in files:
        if file.known is not None and file.role in {FileRole.CERTIFICATE, FileRole.CA}:
            for one in expiry_findings(file.path, read_tls_file(file.known), now, grave=False):
                yield one.at(file.place)
