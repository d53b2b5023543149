"""The SMTP listeners of a configuration that the host itself can connect to, and its log files.

Facts: `smtp-listener {IP|CIDR}:PORT`, as a line or a section; with none, port 25 on every address
(docs/powermta/language.md section 13); `immediate-tls` ones do not greet before TLS. Whether a reload
opens a new one is documented nowhere (docs/powermta/operations.md section 3).
"""

from __future__ import annotations

from collections.abc import Iterator

from pmtaform.host import HostSpec, ListenerAddress
from pmtaform.lang.blocks import SETTING, Address, blocks_of, directives_in
from pmtaform.lang.includes import Configuration
from pmtaform.lang.values import parse_bool

_EVERYWHERE = {"0/0": "127.0.0.1", "0.0.0.0": "127.0.0.1", "0.0.0.0/0": "127.0.0.1", "::": "::1", "::/0": "::1"}  # noqa: S104  (nothing is bound)
_MOST = 8


def listeners(spec: HostSpec, before: Configuration | None, after: Configuration) -> tuple[ListenerAddress, ...]:
    """At most eight listeners of `after` that the host can connect to; those that `before` does not have are new.

    A folder in place of a machine has the addresses of that machine in its configuration: there only explicit loopback
    addresses count.
    """
    own = not spec.transport.is_local and spec.root.rstrip("/") == ""
    known = set(_askable(before, own)) if before is not None else set()
    ports = dict.fromkeys(_askable(after, own))
    return tuple(ListenerAddress(address, port, new=(address, port) not in known) for address, port in ports)[:_MOST]


def log_files(*configurations: Configuration) -> tuple[str, ...]:
    """The log files that the configurations name, by absolute path."""
    named = (
        directive.value.strip().strip('"')
        for configuration in configurations
        for block in blocks_of(configuration).values()
        if block.address == Address(SETTING, "log-file")
        for _, _, directive in directives_in(block)
    )
    return tuple(dict.fromkeys(path for path in named if path.startswith("/") and path.isprintable()))


def _askable(configuration: Configuration, own: bool) -> Iterator[tuple[str, int]]:
    written = list(_written(configuration))
    if not written and own:
        written = ["0/0:25"]
    for text in written:
        address, _, port = text.rpartition(":")
        address = address.strip("[]")
        here = _EVERYWHERE.get(address, address)
        if not port.isdigit() or "/" in here:
            continue  # every address of a network: which are this machine's is not known
        if own or (here == address and (here.startswith("127.") or here == "::1")):
            yield here, int(port)


def _written(configuration: Configuration) -> Iterator[str]:
    for block in blocks_of(configuration).values():
        if block.address == Address(SETTING, "smtp-listener"):
            for _, _, directive in directives_in(block):
                yield directive.value.split(None, 1)[0] if directive.value.split() else ""
        elif block.address.kind == "smtp-listener":
            tls = [d.value for _, _, d in directives_in(block) if d.name.lower() == "immediate-tls"]
            if not tls or parse_bool(tls[-1]) is not True:
                yield block.address.key
