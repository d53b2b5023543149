"""Hosts over SSH, on Fabric's `Connection`. The modules `ssh_*` beside this one alone know an SSH library."""

from __future__ import annotations

import contextlib
import errno
import functools
import logging
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import paramiko

from pmtaform.diagnostics.codes.connections import (
    BAD_PROXY_JUMP,
    KEY_MISSING,
    KEY_PASSPHRASE_NEEDED,
    KEY_PASSPHRASE_WRONG,
    KEY_UNREADABLE,
    PROXY_LOOP,
    SSH_CONFIG,
)
from pmtaform.errors import HostError, Unreachable
from pmtaform.host import sockets, ssh_errors, ssh_settings
from pmtaform.host.model import HostSpec
from pmtaform.host.ssh_channel import SshSession, patience
from pmtaform.host.ssh_config import SshConfig
from pmtaform.host.ssh_connection import SshConnection
from pmtaform.host.ssh_settings import Hop
from pmtaform.host.ssh_transport import LoginEndedError, transport_factory
from pmtaform.host.ssh_trust import OtherTypeError, ServerKeyError, Trust, TrustPolicy
from pmtaform.host.ssh_watch import LOOKS
from pmtaform.host.text import one_line

BANNER_TRIES = 6
MAX_HOPS = 8

# paramiko prints tracebacks to stderr when it has no log handler; what matters comes as an exception.
logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").propagate = False


class _Way(contextlib.ExitStack):
    """What is open on the way to a host, to be closed with it, and the key that each server has shown."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[tuple[Hop, bytes]] = []


def open_ssh(spec: HostSpec, early: socket.socket | None = None) -> SshSession:
    """Connect to `spec`, through its jump hosts if any. Raises `Unreachable`; leaves nothing open then.

    `early` is a socket that is connected to the host already; it is taken for the first attempt.
    """
    way = _Way()
    with way:
        if early is not None:
            way.callback(early.close)
        config = _ssh_config(spec)
        hop = ssh_settings.target(spec, config.lookup(spec.address or spec.name))
        plain = (hop.host, hop.port, hop.command, tuple(hop.jump)) == (
            spec.address or spec.name,
            spec.port or 22,
            None,
            (),
        )
        if early is not None and plain:
            transport = _open(spec, hop, _once(early, _dialler(spec, hop, None, None)), way)
        else:
            transport = _connect(spec, hop, config, way)
        keep = way.pop_all()
    return SshSession(spec, hop, transport, keep.close, tuple(way.keys))


def is_same_way(spec: HostSpec, keys: Sequence[tuple[Hop, bytes]]) -> bool:
    """Whether a connection to `spec` would go over these servers now, and their keys are still those to trust.

    Raises as `open_ssh` does for an ssh_config that makes no sense.
    """
    config = _ssh_config(spec)
    target = ssh_settings.target(spec, config.lookup(spec.address or spec.name))
    hops = tuple(_hops(spec, target, config))
    return hops == tuple(hop for hop, _ in keys) and all(Trust.of(hop).has(blob) for hop, blob in keys)


def forget_settings() -> None:
    """Read ssh_config again at the next use."""
    with _config_lock:
        _configs.clear()


def _hops(spec: HostSpec, hop: Hop, config: SshConfig) -> Iterator[Hop]:
    """The servers on the way to `hop`, in the order of `_connect`."""
    for number, jump in enumerate(hop.jump):
        via = ssh_settings.jump_hop(spec, jump, config.lookup(ssh_settings.jump_name(jump)))
        if number or via.host == hop.host:
            yield via
        else:
            yield from _hops(spec, via, config)
    yield hop


def _once(early: socket.socket, dial: Callable[[], Any]) -> Callable[[], Any]:
    """`early` for the first attempt, `dial` for every later one."""
    taken = iter((early,))
    return lambda: next(taken, None) or dial()


def _connect(spec: HostSpec, hop: Hop, config: SshConfig, way: _Way, depth: int = 0) -> paramiko.Transport:
    """A transport to `hop`; what must be closed goes on `way`."""
    through: paramiko.Transport | None = None
    for number, jump in enumerate(hop.jump):
        try:
            via = ssh_settings.jump_hop(spec, jump, config.lookup(ssh_settings.jump_name(jump)))
        except ValueError:
            raise HostError.of(BAD_PROXY_JUMP, f'"{jump}": write [user@]host[:port]', host=spec.name) from None
        if depth >= MAX_HOPS:
            raise HostError.of(PROXY_LOOP, f"{hop} goes through {jump}", host=spec.name)
        if number or via.host == hop.host:
            # Only the nearest hop may have its own proxy.
            through = _open(spec, via, _dialler(spec, via, through, None), way)
        else:
            through = _connect(spec, via, config, way, depth + 1)
    return _open(spec, hop, _dialler(spec, hop, through, hop.command), way)


def _dialler(spec: HostSpec, hop: Hop, through: paramiko.Transport | None, command: str | None) -> Callable[[], Any]:
    """How to get a connected socket, or what serves as one."""
    timeout = spec.connect_timeout

    def dial() -> Any:
        if through is not None:
            return through.open_channel("direct-tcpip", (hop.host, hop.port), ("127.0.0.1", 0), timeout=timeout)
        if command is not None:
            return paramiko.ProxyCommand(command)
        return sockets.connect(hop.host, hop.port, timeout)

    return dial


def _open(spec: HostSpec, hop: Hop, dial: Callable[[], Any], way: _Way) -> paramiko.Transport:
    """Connect and authenticate to one hop, again if the server drops us before it speaks."""
    trust = Trust.of(hop)
    why = ""
    for attempt in range(BANNER_TRIES):
        if attempt:
            time.sleep(random.uniform(0.05, 0.25) * 2**attempt)  # noqa: S311  (jitter)
        try:
            return _attempt(spec, hop, dial, trust, way)
        except OtherTypeError as other:
            trust = trust.asking_for(other.types)
        except _Dropped as error:
            why = str(error)
    raise ssh_errors.dropped(hop, BANNER_TRIES, why, spec.name)


class _Dropped(Exception):
    """The server closed the connection before the handshake."""


def _attempt(spec: HostSpec, hop: Hop, dial: Callable[[], Any], trust: Trust, way: _Way) -> paramiko.Transport:
    arguments = {**_arguments(spec, hop), "transport_factory": transport_factory(trust.types)}
    connection = SshConnection(hop, _dial(spec, hop, dial), TrustPolicy(trust), arguments)
    started = time.monotonic()
    try:
        transport = _opened(connection, spec)
    except BaseException as error:
        connection.close()
        translated = _translate(error, spec, hop, trust)
        if translated is None:
            raise
        if isinstance(translated, _Dropped) and time.monotonic() - started >= spec.connect_timeout:
            translated = ssh_errors.too_slow(hop, "begin the SSH handshake", spec.connect_timeout, spec.name)
        raise translated from None
    way.callback(connection.close)
    way.keys.append((hop, transport.get_remote_server_key().asbytes()))
    return transport


def _opened(connection: SshConnection, spec: HostSpec) -> paramiko.Transport:
    connection.open()
    transport = connection.transport
    if transport is None:
        raise _Dropped("no connection")
    transport.keep_asking(patience(spec) / LOOKS)
    transport.channel_timeout = spec.connect_timeout
    return transport


def _dial(spec: HostSpec, hop: Hop, dial: Callable[[], Any]) -> Any:
    """A connected socket. Raises `Unreachable`."""
    try:
        return dial()
    except socket.gaierror as error:
        raise ssh_errors.no_address(hop, str(error.strerror), spec.name) from None
    except ConnectionRefusedError:
        raise ssh_errors.refused(hop, spec.name) from None
    except TimeoutError:
        raise ssh_errors.too_slow(hop, "accept a connection", spec.connect_timeout, spec.name) from None
    except OSError as error:
        raise ssh_errors.no_route(hop, error.strerror or str(error), spec.name) from None
    except UnicodeError:
        raise ssh_errors.no_address(hop, "it is not a host name", spec.name) from None
    except (paramiko.SSHException, EOFError) as error:
        raise ssh_errors.no_route(hop, f"the jump host could not connect to it ({error})", spec.name) from None


def _translate(error: BaseException, spec: HostSpec, hop: Hop, trust: Trust) -> Exception | None:
    """What a failed connect means; None: not ours to explain."""
    if isinstance(error, ServerKeyError):
        return _of_server_key(error, spec, hop, trust)
    if isinstance(error, LoginEndedError):
        return _login_ended(error, spec, hop)
    if isinstance(error, paramiko.BadAuthenticationType):
        return ssh_errors.not_let_in(hop, _tried(spec, hop), ", ".join(error.allowed_types), spec.name)
    if isinstance(error, paramiko.AuthenticationException):
        if "timeout" in str(error).lower():
            return ssh_errors.too_slow(hop, "answer the login", spec.connect_timeout, spec.name)
        return ssh_errors.not_let_in(hop, _tried(spec, hop), "", spec.name)
    if not isinstance(error, (paramiko.SSHException, OSError, EOFError, _Dropped)):
        return None
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return ssh_errors.no_algorithm(hop, str(error), spec.name)
    if isinstance(error, (_Dropped, EOFError, ConnectionError)) or "banner" in str(error):
        return _Dropped(str(error) or "closed")
    if "No authentication methods" in str(error):
        return ssh_errors.not_let_in(hop, _tried(spec, hop), "", spec.name)
    # paramiko says "No existing session" when its own wait for the key exchange ends.
    if isinstance(error, TimeoutError) or "imeout" in str(error) or "No existing session" in str(error):
        return ssh_errors.too_slow(hop, "finish the SSH handshake", spec.connect_timeout, spec.name)
    return ssh_errors.handshake(hop, str(error), spec.name)


def _of_server_key(error: ServerKeyError, spec: HostSpec, hop: Hop, trust: Trust) -> Exception:
    if trust.is_revoked(error.blob):
        return ssh_errors.revoked_key(hop, error.type, error.blob, spec.name)
    if error.known:
        return ssh_errors.changed_key(hop, error.type, error.blob, error.expected.blob, spec.name)
    return ssh_errors.unknown_key(hop, error.type, error.blob, spec.name)


def _login_ended(error: LoginEndedError, spec: HostSpec, hop: Hop) -> Exception:
    """What it means that the server ended the connection in the middle of the login."""
    if error.late:
        return ssh_errors.too_slow(hop, "answer the login", spec.connect_timeout, spec.name)
    if error.tried > 1 or "too many" in error.why.lower():
        return ssh_errors.too_many_keys(hop, error.tried, one_line(error.why), spec.name)
    return ssh_errors.not_let_in(hop, _tried(spec, hop), "", spec.name, one_line(error.why))


def _tried(spec: HostSpec, hop: Hop) -> str:
    tried = [f"the key {path}" for path in hop.identity_files]
    if spec.use_agent:
        tried.append("the keys of the SSH agent")
    if not hop.identity_files:
        tried.append("the keys in ~/.ssh")
    if spec.password is not None and hop.is_target:
        tried.append(f"the password from {spec.password.reference}")
    return ", ".join(tried)


def _arguments(spec: HostSpec, hop: Hop) -> dict[str, Any]:
    """The arguments of paramiko's `connect` for login and time limits."""
    keys = [_key(path, spec) for path in hop.identity_files]
    keys = [key for key in keys if key is not None]
    password = None
    if spec.password is not None and hop.is_target:
        password = spec.password.reveal().decode("utf-8", "surrogateescape").rstrip("\r\n")
    passphrase = _passphrase(spec)
    given: dict[str, Any] = {
        "allow_agent": spec.use_agent,
        "look_for_keys": not hop.identity_files,
        "password": password,
        # Never the login password, which paramiko would otherwise try on key files.
        "passphrase": passphrase or "",
        "timeout": spec.connect_timeout,
        "banner_timeout": spec.connect_timeout,
        "auth_timeout": spec.connect_timeout,
        "channel_timeout": spec.connect_timeout,
    }
    if len(keys) == 1:
        given["pkey"] = keys[0]
    elif keys:
        given["key_filename"] = [str(Path(path).expanduser()) for path in hop.identity_files]
    return given


def _passphrase(spec: HostSpec) -> str | None:
    if spec.passphrase is None:
        return None
    return spec.passphrase.reveal().decode("utf-8", "surrogateescape").rstrip("\r\n")


def _key(path: str, spec: HostSpec) -> paramiko.PKey | None:
    """A private key. Raises `Unreachable` if one that the stack names is no use; ssh_config's are passed over."""
    named = path in spec.identity_files
    file = Path(path).expanduser()
    passphrase = _passphrase(spec)
    try:
        if not file.is_file():
            raise OSError(errno.EINVAL, "not a regular file" if file.exists() else "no such file")
        stamp = file.stat().st_mtime_ns
        return _load_key(str(file), stamp, passphrase)
    except paramiko.PasswordRequiredException:
        problem, why = KEY_PASSPHRASE_NEEDED, "it is encrypted; give the host a `passphrase` reference, or use an agent"
    except OSError as error:
        problem, why = KEY_MISSING, f"it cannot be read: {error.strerror}"
    except (paramiko.SSHException, ValueError) as error:
        if passphrase is not None:
            problem, why = KEY_PASSPHRASE_WRONG, "the passphrase given does not open it"
        else:
            problem, why = KEY_UNREADABLE, f"it is not a private key that can be used ({error})"
    if named:
        raise ssh_errors.bad_key_file(problem, path, why, spec.name)
    return None


@functools.lru_cache(maxsize=64)
def _load_key(path: str, stamp: int, passphrase: str | None) -> paramiko.PKey:  # noqa: ARG001  (part of the cache's key)
    """Opened once per process: the derivation of an encrypted key is slow on purpose."""
    last: Exception | None = None
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            key: paramiko.PKey = kind.from_private_key_file(path, passphrase)
        except paramiko.PasswordRequiredException:
            raise
        except (paramiko.SSHException, ValueError) as error:
            last = error
            continue
        certificate = Path(path + "-cert.pub")
        if certificate.is_file():
            key.load_certificate(str(certificate))
        return key
    raise last if last is not None else paramiko.SSHException("not a private key")


_config_lock = threading.Lock()
_configs: dict[str | None, tuple[SshConfig, ssh_settings.Programs]] = {}


def _ssh_config(spec: HostSpec) -> SshConfig:
    """The host's own file, or the user's and the system's, read once.

    Raises `Unreachable` if it makes no sense, and `HostError` if it would run a program that is not allowed.
    """
    path = spec.ssh_config
    with _config_lock:
        if path not in _configs:
            _configs[path] = _read_config(path)
        config, programs = _configs[path]
    ssh_settings.check_programs(spec, programs)
    return config


def _read_config(path: str | None) -> tuple[SshConfig, ssh_settings.Programs]:
    if path is not None:
        text = ssh_settings.config_text(path, base=str(Path(path).expanduser().parent))
    else:
        text = ssh_settings.config_text(ssh_settings.USER_CONFIG, base="~/.ssh")
        text += "\nMatch all\n" if text else ""
        text += ssh_settings.config_text(ssh_settings.SYSTEM_CONFIG, base="/etc/ssh")
    try:
        return SshConfig(text), ssh_settings.programs_of(text)
    except paramiko.ConfigParseError as error:
        where = path or ssh_settings.USER_CONFIG
        raise Unreachable.of(SSH_CONFIG, f"{where}: {error}") from None
