"""Checks from the machine that runs the apply: they see the host as a sender or a monitoring system does."""

from __future__ import annotations

import http.client
import socket
import ssl
from urllib.parse import urlsplit

from pmtaform.host import Answer, HostSpec
from pmtaform.model.operations import Check, CheckKind

_CLOSED = Answer(1, "")


def ask_from_here(check: Check, spec: HostSpec) -> Answer:
    """The answer to a tcp, smtp or http check, within its time. `127.0.0.1` as an address means the host itself."""
    try:
        if check.kind is CheckKind.HTTP:
            return _http(check)
        return _greeting(check, spec)
    except (OSError, http.client.HTTPException, ValueError):
        return _CLOSED


def _greeting(check: Check, spec: HostSpec) -> Answer:
    address = check.address
    if address == "127.0.0.1" and not spec.transport.is_local:
        address = spec.address or spec.name
    with socket.create_connection((address, check.port), timeout=check.within) as connection:
        if check.kind is CheckKind.TCP:
            return Answer(0, "")
        connection.settimeout(check.within)
        line = connection.makefile("rb").readline(1000)
        connection.sendall(b"QUIT\r\n")
    return Answer(0, line.decode("utf-8", "replace").rstrip("\r\n"))


def _http(check: Check) -> Answer:
    url = urlsplit(check.url)
    if url.scheme == "https":
        context = ssl.create_default_context()
        if not check.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            url.hostname or "", url.port, timeout=check.within, context=context
        )
    else:
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=check.within)
    try:
        connection.request("GET", (url.path or "/") + (f"?{url.query}" if url.query else ""))
        return Answer(0, str(connection.getresponse().status))
    finally:
        connection.close()
