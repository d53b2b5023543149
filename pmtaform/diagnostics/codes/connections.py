"""Connections to hosts."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.definition import Definition
from pmtaform.diagnostics.kinds import Kind

HOST_KEY_UNKNOWN: Final = Definition(
    code="host-key-unknown",
    summary="Unknown host key",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "known_hosts has no key for the host, so pmtaform does not trust it. Compare the fingerprint with the one "
        "on the machine, and then add the key to known_hosts with ssh-keyscan."
    ),
)
HOST_KEY_CHANGED: Final = Definition(
    code="host-key-changed",
    summary="Changed host key",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "The host shows another key than the one in known_hosts: the machine was reinstalled, or another machine "
        "answers in its place. Only if you know that it was reinstalled, remove the old key with ssh-keygen -R "
        "and accept the new one."
    ),
)
HOST_KEY_REVOKED: Final = Definition(
    code="host-key-revoked",
    summary="Revoked host key",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "known_hosts marks the key of the host as revoked, so it must not be trusted. Give the machine a new host key."
    ),
)
DNS_FAILURE: Final = Definition(
    code="dns-failure",
    summary="Host name without an address",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "The name of the host does not resolve to an address here. Correct address in the stack, or the resolver "
        "of this machine."
    ),
)
CONNECTION_REFUSED: Final = Definition(
    code="connection-refused",
    summary="Connection refused",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "Nothing listens at the address and port of the host. Check that its SSH server runs and that the port is "
        "right."
    ),
)
CONNECT_TIMEOUT: Final = Definition(
    code="connect-timeout",
    summary="Connection timed out",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "The host did not accept the connection within connect-timeout. Check that it is up and that a firewall "
        "lets you in."
    ),
)
NO_ROUTE: Final = Definition(
    code="no-route",
    summary="No route to the host",
    kind=Kind.HOST_UNREACHABLE,
    explanation="The network of this machine has no way to the host. Check the network, a VPN and the address.",
)
BANNER_DROPPED: Final = Definition(
    code="banner-dropped",
    summary="Connection closed before the SSH handshake",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "The host accepted the connection and closed it. Too many connections at once (MaxStartups in "
        "sshd_config) or a filter such as fail2ban does that. Try again later, or with fewer hosts at once."
    ),
)
NO_COMMON_ALGORITHM: Final = Definition(
    code="no-common-algorithm",
    summary="No common SSH algorithm",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "The SSH server of the host and pmtaform support no common algorithm; SHA-1 is no longer supported. "
        "Update the server's OpenSSH."
    ),
)
TOO_MANY_KEYS: Final = Definition(
    code="too-many-keys",
    summary="Too many keys offered",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "The SSH server accepts only a few attempts (MaxAuthTries), and the keys of an SSH agent count. Name the "
        "right key in identity-files, and set use-agent: false if the agent does not have it."
    ),
)
AUTHENTICATION_FAILED: Final = Definition(
    code="authentication-failed",
    summary="Login rejected",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "The host accepted none of the keys and passwords. Check user, the key in authorized_keys on the host, "
        "and the reference of the password."
    ),
)
SSH_FAILED: Final = Definition(
    code="ssh-failed",
    summary="SSH connection failed",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "The SSH handshake ended with an error, which the detail repeats. Try ssh -v to the host from this machine."
    ),
)
CONNECTION_LOST: Final = Definition(
    code="connection-lost",
    summary="Connection lost",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "An open connection to the host ended. A change that was not confirmed rolls back on the host by itself. "
        "Check the network, and plan again."
    ),
)
HOST_TIMEOUT: Final = Definition(
    code="host-timeout",
    summary="No answer in time",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "The host did not answer a command within command-timeout. It may be overloaded; raise command-timeout, "
        "or look at the host."
    ),
)
HOST_SILENT: Final = Definition(
    code="host-silent",
    summary="Host stopped answering",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "The connection is open, and the host does not even answer SSH's keep-alive. The machine or its SSH "
        "server has stopped, or the network is gone. Look at the host's console."
    ),
)
SUDO_REFUSED: Final = Definition(
    code="sudo-refused",
    summary="sudo denied",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "sudo on the host does not let the user run the program without a password. Allow it in sudoers "
        "(NOPASSWD), give the host a sudo password reference, or turn sudo off."
    ),
)
SUDO_PASSWORD: Final = Definition(
    code="sudo-password",
    summary="Wrong sudo password",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "sudo rejected the password, which pmtaform tries only once. Correct the reference of the sudo password."
    ),
)
SSH_CONFIG: Final = Definition(
    code="ssh-config",
    summary="Invalid ssh_config",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "The ssh_config file that applies to the host has a line that cannot be read. Correct the file that the "
        "detail names."
    ),
)
BAD_PROXY_JUMP: Final = Definition(
    code="bad-proxy-jump",
    summary="Invalid jump host",
    kind=Kind.HOST_FAILED,
    explanation="A jump host is [user@]host[:port], and the text in ssh_config or the stack is not. Correct it.",
)
PROXY_LOOP: Final = Definition(
    code="proxy-loop",
    summary="Circular jump hosts",
    kind=Kind.HOST_FAILED,
    explanation=(
        "The way to the host leads through jump hosts that lead to each other. Correct ProxyJump in ssh_config."
    ),
)
PROGRAM_NOT_ALLOWED: Final = Definition(
    code="program-not-allowed",
    summary="Program not allowed",
    kind=Kind.HOST_FAILED,
    explanation=(
        "The ssh_config that the stack names would run a program on this machine, and the project does not allow "
        "it. If you trust the stack, add the program to allow-commands in the project file."
    ),
)
KEY_MISSING: Final = Definition(
    code="key-missing",
    summary="SSH key file not readable",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "A private key that the stack names under identity-files does not exist or cannot be read. Correct the "
        "path or the permissions."
    ),
)
KEY_UNREADABLE: Final = Definition(
    code="key-unreadable",
    summary="SSH key not usable",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "A file under identity-files is not a private key of a known type. Name another file, or make a new key "
        "with ssh-keygen."
    ),
)
KEY_PASSPHRASE_NEEDED: Final = Definition(
    code="key-passphrase-needed",
    summary="SSH key without its passphrase",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "A private key under identity-files is encrypted. Give the host a passphrase reference, or load the key "
        "into an SSH agent."
    ),
)
KEY_PASSPHRASE_WRONG: Final = Definition(
    code="key-passphrase-wrong",
    summary="Wrong passphrase of an SSH key",
    kind=Kind.HOST_UNREACHABLE,
    explanation="The passphrase does not decrypt the private key. Set the right one with pmtaform secrets set.",
)
ROOT_MISSING: Final = Definition(
    code="root-missing",
    summary="Root folder of a local host missing",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "The host is a folder of this machine, and the folder does not exist. Create it, or correct root in the stack."
    ),
)
SHELL_MISSING: Final = Definition(
    code="shell-missing",
    summary="No shell on this machine",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "A local host needs a POSIX shell on this machine, and it could not be started. Install one as /bin/sh."
    ),
)
WARM_UNSAFE: Final = Definition(
    code="warm-unsafe",
    summary="Place of kept connections open to others",
    kind=Kind.USAGE,
    explanation=(
        "The socket of the process that keeps connections, or its folder, is a link, belongs to another user, or has "
        "a mode that lets others use it. Another user who can use it can use the connections. Find out who made it, "
        "remove it, and plan again."
    ),
)
WARM_NOT_STARTED: Final = Definition(
    code="warm-not-started",
    summary="Process for kept connections not started",
    kind=Kind.USAGE,
    explanation=(
        "The process that keeps connections was not started, or ended before it listened. The folder of its socket may "
        "be missing, full or not writable, or its path too long for a socket. Set XDG_RUNTIME_DIR, or plan without "
        "--keep-warm."
    ),
)
