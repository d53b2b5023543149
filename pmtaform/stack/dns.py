"""Read the `dns` settings of a stack."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Final

from pmtaform.diagnostics import Diagnostics
from pmtaform.diagnostics.codes.stack import BAD_DOMAIN, BAD_RESOLVER
from pmtaform.model.dns import DnsSettings
from pmtaform.stack import shapes
from pmtaform.stack.nodes import Node, Scalar, is_null
from pmtaform.stack.validate import validate

_DOMAIN: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)+")
_DOMAINS: Final = ("envelope-domains", "bounce-domains", "feedback-domains", "from-domains", "zones")


def read_dns(node: Node | None, problems: Diagnostics) -> DnsSettings:
    """The settings in `node`; what is wrong with them is in `problems` and left out."""
    if isinstance(node, Scalar) and node.text in shapes.DNS_MODES:  # the short form
        return DnsSettings(mode=node.text, on_plan=node.text)
    settings = validate(shapes.DNS, node, "`dns`", problems)
    place = node.place if node is not None else None
    values: dict[str, Any] = {key.replace("-", "_"): value for key, value in settings.items()}
    for key in _DOMAINS:
        if key in settings:
            names = [text.lower().rstrip(".") for text in settings[key]]
            for name in names:
                if len(name) > 253 or not _DOMAIN.fullmatch(name):
                    detail = f"`{name}` under `{key}`: write a whole domain in ASCII, such as bounce.example.com."
                    problems.report(BAD_DOMAIN, detail, place)
            values[key.replace("-", "_")] = tuple(dict.fromkeys(names))
    if "resolvers" in settings:
        for text in settings["resolvers"]:
            if not _is_server(text):
                detail = f"`{text}`: write an IP address, with a port if it is not 53: 127.0.0.1:5300, [::1]:5300."
                problems.report(BAD_RESOLVER, detail, place)
        values["resolvers"] = tuple(settings["resolvers"])
    if node is not None and not is_null(node):
        values.setdefault("on_plan", values.get("mode", "warn"))
    return DnsSettings(**values)


def _is_server(text: str) -> bool:
    shape = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](?::(\d{1,5}))?|([0-9.]+)(?::(\d{1,5}))?|([0-9A-Fa-f:.]+)", text)
    if shape is None:
        return False
    port = shape[2] or shape[4]
    try:
        ipaddress.ip_address(shape[1] or shape[3] or shape[5])
    except ValueError:
        return False
    return port is None or 0 < int(port) < 65536
