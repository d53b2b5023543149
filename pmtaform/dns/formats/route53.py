"""Terraform `aws_route53_record`: one resource for each record set. The zones' ids come from a variable."""

from __future__ import annotations

from collections.abc import Sequence

from pmtaform.dns.dkim_record import chunked
from pmtaform.dns.formats import sets_of
from pmtaform.dns.formats.terraform import ResourceNames, hcl
from pmtaform.dns.records import DnsRecord

_HEAD = """\
variable "route53_zone_ids" {
  description = "Zone -> id of its hosted zone."
  type        = map(string)
}
"""


def write(records: Sequence[DnsRecord]) -> str:
    """The variable and the resources."""
    names = ResourceNames()
    return _HEAD + "".join(_resource(names, first, values) for first, values in sets_of(records))


def _resource(names: ResourceNames, first: DnsRecord, values: Sequence[str]) -> str:
    written = ", ".join(hcl(_value(first.kind, value)) for value in values)
    return (
        f'\nresource "aws_route53_record" "{names.name(f"{first.name}_{first.kind.lower()}")}" {{\n'
        f"  zone_id = var.route53_zone_ids[{hcl(first.zone)}]\n"
        f"  name    = {hcl(first.name)}\n"
        f"  type    = {hcl(first.kind)}\n"
        f"  ttl     = {first.ttl}\n"
        f"  records = [{written}]\n"
        "}\n"
    )


def _value(kind: str, value: str) -> str:
    if kind == "TXT":
        return '""'.join(chunked(value))  # the provider adds the outer quotes, and takes "" for the next string
    return f"{value}." if kind == "PTR" else value
