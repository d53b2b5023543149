"""Paths on a host that a stack may name."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from typing import Final

MAIN: Final = "/etc/pmta/config"
ALWAYS: Final = "/etc/pmta"  # PowerMTA's own folder may always be written to
TLS_FOLDERS: Final = ("/etc/ssl", "/etc/pki")  # where machines keep certificates: for `files` alone
# What other programs of the machine live on, or the product writes itself.
_NOT_OURS: Final = (
    "/etc/pmta/config-defaults",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/ca-trust",
    "/etc/pki/rpm-gpg",
    "/etc/pki/nssdb",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/openssl.cnf",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/tls/certs/ca-bundle.trust.crt",
)
_FIT: Final = re.compile(r"/[A-Za-z0-9._@+=%,:~/-]*")


def folder_problem(path: str) -> str | None:
    """Why a folder cannot be allowed, or None."""
    if problem := _shape(path):
        return problem
    if path in ("/", "/etc", "/usr", "/bin", "/sbin", "/lib", "/dev", "/proc", "/sys", "/root", "/boot"):
        return f"{path} contains far more than PowerMTA's files. Name the folder for pmtaform's files."
    return None


def path_problem(path: str, allowed: Iterable[str]) -> str | None:
    """Why a file cannot be written at `path`, or None."""
    if problem := _shape(path):
        return problem
    folders = list(allowed)
    if any(path.startswith(folder.rstrip("/") + "/") for folder in folders):
        return None
    return (
        f"{path} is not below {' or '.join(folders)}: pmtaform writes nowhere else. "
        "Choose a path there, or add its folder to `allowed-paths`."
    )


def file_problem(path: str, allowed: Iterable[str]) -> str | None:
    """Why `files` cannot put a file at `path`, or None: as `path_problem`, and where machines keep certificates."""
    known = tuple(dict.fromkeys((*allowed, *TLS_FOLDERS)))
    if problem := path_problem(path, known):
        return problem
    taken = next((one for one in _NOT_OURS if path == one or path.startswith(one + "/")), None)
    if taken is not None:
        return (
            f"{taken} belongs to PowerMTA's or the system's own packages, which write it anew. Choose a path beside it."
        )
    return None


def _shape(path: str) -> str | None:
    if not path.startswith("/"):
        return f"{path!r} is not absolute. Write the absolute path on the host."
    if not _FIT.fullmatch(path):
        return f"{path!r} has characters that PowerMTA or a shell may take apart. Use letters, digits and . _ - @ + =."
    if posixpath.normpath(path) != path or path.startswith("//"):
        return f"{path!r} is not in its plain form: leave out `..`, `.`, double and trailing slashes."
    return None
