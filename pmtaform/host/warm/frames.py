"""Messages between a client and the process: a few words as JSON, and bytes."""

from __future__ import annotations

import base64
import json
import socket
import struct
from typing import Any, Final

from pmtaform.host.model import HostSpec
from pmtaform.host.transport import MOST_ANSWER
from pmtaform.plugins import TRANSPORTS
from pmtaform.programs import AllowedPrograms
from pmtaform.secrets import Secret

Words = dict[str, Any]

_HEAD: Final = struct.Struct(">II")
_MOST_WORDS: Final = 1 << 20
_PLAIN: Final = ("name", "root", "address", "port", "user", "sudo", "use_agent", "proxy_jump", "ssh_config")
_TIMES: Final = ("known_hosts", "connect_timeout", "command_timeout")
_SECRETS: Final = ("sudo_password", "password", "passphrase")


def send(connection: socket.socket, words: Words, data: bytes = b"") -> None:
    """Send one message. Raises `OSError`."""
    text = json.dumps(words).encode("ascii")
    connection.sendall(_HEAD.pack(len(text), len(data)) + text + data)


def receive(connection: socket.socket) -> tuple[Words, bytes]:
    """One message. Raises `OSError`, also at the end and for what is no message."""
    words, data = _HEAD.unpack(_exactly(connection, _HEAD.size))
    if words > _MOST_WORDS or data > 2 * MOST_ANSWER:
        raise OSError("too long")
    try:
        return json.loads(_exactly(connection, words)), _exactly(connection, data)
    except ValueError:
        raise OSError("not a message") from None


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        chunk = connection.recv(min(size - len(data), 1 << 20))
        if not chunk:
            raise OSError("the other end has ended")
        data += chunk
    return bytes(data)


def words_of(spec: HostSpec) -> Words:
    """What a connection to a host needs of its spec. It goes from memory to memory, so secrets are in it."""
    words = {name: getattr(spec, name) for name in (*_PLAIN, *_TIMES)}
    words["identity_files"] = list(spec.identity_files)
    words["ssh_programs"] = sorted(spec.ssh_programs.names)
    for name in _SECRETS:
        secret: Secret | None = getattr(spec, name)
        if secret is not None:
            words[name] = [base64.b64encode(secret.reveal()).decode("ascii"), secret.reference]
    return words


def spec_of(words: Words) -> HostSpec:
    """The spec again, without what only a client needs."""
    fields: Words = {name: words[name] for name in (*_PLAIN, *_TIMES)}
    for name in _SECRETS:
        if name in words:
            value, reference = words[name]
            fields[name] = Secret(base64.b64decode(value), reference)
    return HostSpec(
        **fields,
        identity_files=tuple(words["identity_files"]),
        ssh_programs=AllowedPrograms(frozenset(words["ssh_programs"])),
        transport=TRANSPORTS["ssh"],
    )


def key_of(spec: HostSpec) -> tuple[object, ...]:
    """What two specs share if a connection for one is right for the other, secrets by value."""
    return tuple(getattr(spec, name) for name in (*_PLAIN, *_TIMES, *_SECRETS, "identity_files", "ssh_programs"))
