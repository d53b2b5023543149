"""Terraform `cloudflare_record`: one resource for each record. The zones' ids come from a variable."""

from __future__ import annotations

from collections.abc import Sequence

from pmtaform.dns.formats.terraform import ResourceNames, hcl
from pmtaform.dns.records import DnsRecord

_HEAD = """\
variable "cloudflare_zone_ids" {
  description = "Zone -> its id."
  type        = map(string)
}
"""


def write(records: Sequence[DnsRecord]) -> str:
    """The variable and the resources."""
    names = ResourceNames()
    return _HEAD + "".join(_resource(names, record) for record in records)


def _resource(names: ResourceNames, record: DnsRecord) -> str:
    several = f"{record.name}_{record.kind.lower()}_{record.value}" if record.kind in ("A", "AAAA") else ""
    name = names.name(several or f"{record.name}_{record.kind.lower()}_{record.purpose}")
    # Mail does not go through Cloudflare's proxy: a proxied address would break forward-confirmed names.
    return (
        f'\nresource "cloudflare_record" "{name}" {{\n'
        f"  zone_id = var.cloudflare_zone_ids[{hcl(record.zone)}]\n"
        f"  name    = {hcl(record.name)}\n"
        f"  type    = {hcl(record.kind)}\n"
        f"  content = {hcl(record.value)}\n"
        f"  ttl     = {record.ttl}\n"
        "  proxied = false\n"
        "}\n"
    )
