"""How an SSH connection can fail: one function a failure, with its remedy."""

from __future__ import annotations

from pmtaform.diagnostics import Definition
from pmtaform.diagnostics.codes.connections import (
    AUTHENTICATION_FAILED,
    BANNER_DROPPED,
    CONNECT_TIMEOUT,
    CONNECTION_LOST,
    CONNECTION_REFUSED,
    DNS_FAILURE,
    HOST_KEY_CHANGED,
    HOST_KEY_REVOKED,
    HOST_KEY_UNKNOWN,
    HOST_SILENT,
    HOST_TIMEOUT,
    NO_COMMON_ALGORITHM,
    NO_ROUTE,
    SSH_FAILED,
    SUDO_PASSWORD,
    SUDO_REFUSED,
    TOO_MANY_KEYS,
)
from pmtaform.errors import Unreachable
from pmtaform.host.known_hosts import fingerprint
from pmtaform.host.ssh_settings import Hop


def _of(definition: Definition, detail: str, host: str) -> Unreachable:
    return Unreachable.of(definition, detail, host=host)


def unknown_key(hop: Hop, key_type: str, blob: bytes, host: str) -> Unreachable:
    """The server shows a key, and none is known."""
    port = "" if hop.port == 22 else f"-p {hop.port} "
    return _of(
        HOST_KEY_UNKNOWN,
        f"{hop} shows the {key_type} key {fingerprint(blob)}, and {hop.known_hosts[0]} has no key for it. Compare the "
        "fingerprint with that of the machine:\n    ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub\n"
        "If they are equal, accept the key:"
        f"\n    ssh-keyscan {port}{hop.host} >> {hop.known_hosts[0]}",
        host,
    )


def changed_key(hop: Hop, key_type: str, blob: bytes, expected: bytes, host: str) -> Unreachable:
    """The server shows another key than the known one."""
    name = hop.host if hop.port == 22 else f"[{hop.host}]:{hop.port}"
    return _of(
        HOST_KEY_CHANGED,
        f"{hop} shows the {key_type} key {fingerprint(blob)}, but the known key is {fingerprint(expected)}. "
        "Another machine may be intercepting the connection. Only if you know that the machine was reinstalled, remove "
        "the known key, then accept the new one as for a new host:"
        f"\n    ssh-keygen -R '{name}' -f {hop.known_hosts[0]}",
        host,
    )


def revoked_key(hop: Hop, key_type: str, blob: bytes, host: str) -> Unreachable:
    """The server shows a key that known_hosts marks `@revoked`."""
    return _of(
        HOST_KEY_REVOKED,
        f"{hop} shows the {key_type} key {fingerprint(blob)}, which known_hosts marks @revoked: do not trust a "
        "machine that has it. Give the machine a new host key.",
        host,
    )


def no_address(hop: Hop, why: str, host: str) -> Unreachable:
    """The host's name has no address."""
    return _of(DNS_FAILURE, f"{hop.host}: {why}. Correct `address` in the stack.", host)


def refused(hop: Hop, host: str) -> Unreachable:
    """No server listens on the port."""
    return _of(
        CONNECTION_REFUSED,
        f"Nothing listens on {hop.host}:{hop.port}. Is its SSH server running, and is the port right?",
        host,
    )


def too_slow(hop: Hop, what: str, seconds: float, host: str) -> Unreachable:
    """A step of connecting took too long."""
    return _of(
        CONNECT_TIMEOUT,
        f"{hop.host}:{hop.port} did not {what} within {seconds:g} s. Is it up, and does a firewall let you in?",
        host,
    )


def no_route(hop: Hop, why: str, host: str) -> Unreachable:
    """The network refuses the connection."""
    return _of(NO_ROUTE, f"{hop.host}:{hop.port}: {why}", host)


def dropped(hop: Hop, tries: int, why: str, host: str) -> Unreachable:
    """The server closed the connection before it identified itself."""
    return _of(
        BANNER_DROPPED,
        f"{hop.host}:{hop.port} accepted the connection and closed it, {tries} times ({why}). Too many connections "
        "at once (MaxStartups in sshd_config) or a filter (fail2ban, hosts.deny) causes this. Try again later, or with "
        "fewer connections at once.",
        host,
    )


def no_algorithm(hop: Hop, why: str, host: str) -> Unreachable:
    """Client and server have no algorithm in common."""
    return _of(
        NO_COMMON_ALGORITHM,
        f"{hop}: {why}. SHA-1 host keys and key exchanges are not supported any more. Update the server's OpenSSH.",
        host,
    )


def too_many_keys(hop: Hop, tried: int, reason: str, host: str) -> Unreachable:
    """The server closed the connection because of the many keys that it was shown."""
    words = f' ("{reason}")' if reason else ""
    return _of(
        TOO_MANY_KEYS,
        f"{hop} closed the connection{words} after {tried} {'key' if tried == 1 else 'keys'}. Its sshd lets a client "
        "try only a few (`MaxAuthTries`), and the keys of an SSH agent count. Name the right key in `identity-files`; "
        "set `use-agent: false` if that key is not in the agent.",
        host,
    )


def not_let_in(hop: Hop, tried: str, allowed: str, host: str, reason: str = "") -> Unreachable:
    """Authentication failed."""
    accepts = f" The server accepts: {allowed}." if allowed else ""
    accepts += f' It closed the connection ("{reason}").' if reason else ""
    return _of(
        AUTHENTICATION_FAILED,
        f"{hop} accepted none of: {tried}.{accepts} Check `user`, the key in its authorized_keys, and the "
        "password's reference.",
        host,
    )


def bad_key_file(definition: Definition, path: str, why: str, host: str) -> Unreachable:
    """A private key file is not usable: `definition` is the reason."""
    return _of(definition, f"{path}: {why}", host)


def handshake(hop: Hop, why: str, host: str) -> Unreachable:
    """Anything else that ends a connection while it is made."""
    return _of(SSH_FAILED, f"{hop}: {why}", host)


def lost(hop: Hop, why: str, host: str) -> Unreachable:
    """An open connection ended."""
    return _of(CONNECTION_LOST, f"{hop}: {why}", host)


def command_timeout(hop: Hop, seconds: float, host: str) -> Unreachable:
    """A command took too long."""
    return _of(HOST_TIMEOUT, f"{hop}: no answer within {seconds:g} s.", host)


def silent(hop: Hop, seconds: float, host: str) -> Unreachable:
    """The connection is open, but the server sends nothing."""
    return _of(
        HOST_SILENT,
        f"{hop} sent nothing for {seconds:g} s, not even an answer to a keep-alive request. Its sshd "
        "or the whole machine has stopped (suspended, out of memory, a disk that hangs), or the network path is down.",
        host,
    )


def sudo_refused(hop: Hop, reason: str, host: str) -> Unreachable:
    """Sudo rejects the user, or needs a password that was not given."""
    return _of(
        SUDO_REFUSED,
        f"{hop.user} may not use sudo there: {reason or 'it gave no reason'}. Allow it in sudoers (NOPASSWD), give the "
        "host a `sudo-password` reference, or turn `sudo` off.",
        host,
    )


def sudo_password(hop: Hop, host: str) -> Unreachable:
    """Sudo rejected the password."""
    return _of(
        SUDO_PASSWORD,
        f"The sudo password given for {hop.user} is wrong. "
        "It was tried once only. Correct the `sudo-password` reference.",
        host,
    )
