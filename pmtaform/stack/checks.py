"""`checks`: tests on a host before its change is confirmed."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from pmtaform.diagnostics import Diagnostics, did_you_mean
from pmtaform.diagnostics.codes.stack import BAD_KEY_VALUE, CHECK_KIND
from pmtaform.model.operations import Check, CheckKind
from pmtaform.stack import shapes
from pmtaform.stack.mappings import mapping_in, named_nodes
from pmtaform.stack.nodes import Mapping, Node, Scalar, is_null
from pmtaform.stack.validate import validate

# What makes a check one of its kind, and which further keys it may have then.
_KINDS: Final = {
    "command": (CheckKind.COMMAND, ()),
    "tcp": (CheckKind.TCP, ("from",)),
    "smtp": (CheckKind.SMTP, ("from", "expect")),
    "http": (CheckKind.HTTP, ("from", "status", "verify")),
    "backoff": (CheckKind.BACKOFF, ("at-most",)),
    "status": (CheckKind.STATUS, ("below", "above")),
}
_COMMON: Final = ("within", "tries", "every")


def read_checks(node: Node, problems: Diagnostics) -> dict[str, Check | None]:
    """The checks of a layer by name; None removes one of a lower layer."""
    checks: dict[str, Check | None] = {}
    for key, value in named_nodes(node, "checks", "`NAME: {smtp: 25}`", problems, longest=64):
        if is_null(value):
            checks[key.text] = None
        elif (check := _check(key, value, problems)) is not None:
            checks[key.text] = check
    return checks


def _check(key: Scalar, node: Node, problems: Diagnostics) -> Check | None:
    body = mapping_in(node, f"`{key.text}`", "{smtp: 25}, {http: URL} or {command: [PROGRAM]}", problems)
    if body is None:
        return None
    kinds = [name for name in body.entries if name in _KINDS]
    # `status` is also what an http check expects.
    kinds = ["http"] if set(kinds) == {"http", "status"} else kinds
    if len(kinds) != 1:
        others = [name for name in body.entries if name not in _KINDS]
        near = next((hint for name in others if not kinds and (hint := did_you_mean(name, _KINDS))), "")
        detail = f"The check {key.text} needs exactly one of: {', '.join(_KINDS)}.{near}"
        problems.report(CHECK_KIND, detail, key.place)
        return None
    before = len(problems.errors)
    kind, more = _KINDS[kinds[0]]
    values = validate(shapes.check_shape(kinds[0], (*more, *_COMMON)), body, f"The check {key.text}", problems)
    fields = _target(kind, values, body, problems) | _further(kind, values)
    if len(problems.errors) > before:
        return None
    return Check(name=key.text, kind=kind, place=key.place, **fields)


def _further(kind: CheckKind, values: dict[str, Any]) -> dict[str, Any]:
    names = {"expect": "expect", "at-most": "at_most", "below": "below", "above": "above", "verify": "verify"}
    fields = {field: values[key] for key, field in names.items() if key in values}
    fields |= {key: values[key] for key in _COMMON if key in values}
    if values.get("from") == "client":
        fields["from_client"] = True
    if kind is CheckKind.HTTP and "status" in values:
        codes = values["status"]
        fields["codes"] = tuple(codes) if isinstance(codes, list) else (codes,)
    return fields


def _target(kind: CheckKind, values: dict[str, Any], node: Mapping, problems: Diagnostics) -> dict[str, Any]:
    """The target of a check, from its own key."""

    def wrong(detail: str) -> dict[str, Any]:
        at = node.get(kind.value) or node
        problems.report(BAD_KEY_VALUE, f"`{kind}`: {detail}", at.place)
        return {}

    value = values.get(kind.value)
    if value is None:
        return {}
    match kind:
        case CheckKind.COMMAND:
            return {"argv": value}
        case CheckKind.TCP | CheckKind.SMTP:
            address, _, port = str(value).rpartition(":")
            if not port.isdigit() or not 0 < int(port) < 65536:
                return wrong("Write a port (25), or an address and a port (10.0.0.1:2525, [::1]:25).")
            return {"port": int(port)} | ({"address": address.strip("[]")} if address else {})
        case CheckKind.HTTP:
            url = urlsplit(value)
            if url.scheme not in ("http", "https") or not url.hostname or not value.isprintable() or " " in value:
                return wrong("Write a URL that starts with http:// or https://.")
            if url.username or url.password:
                return wrong("A URL with a password would appear in the host's list of processes. Remove the password.")
            return {"url": value}
        case CheckKind.BACKOFF:
            return {"queue": value} if "/" in value else wrong("Write DOMAIN/VMTA, `*` for any: gmail.com/*.")
        case CheckKind.STATUS:
            if "below" not in values and "above" not in values:
                return wrong("State the limit: `below` or `above` a number.")
            return {"field": value}
