"""The services that must be restarted for a change to take effect: PowerMTA itself, its web monitor, or both."""

from __future__ import annotations

from typing import Final

from pmtaform.lang.blocks import Address, spec_of
from pmtaform.lang.catalogue import GLOBAL, Impact, catalogue
from pmtaform.model.desired import FILE
from pmtaform.plan.explain import scope_of
from pmtaform.plan.files import WEB_CERTIFICATE
from pmtaform.plan.model import Change

PMTA: Final = "pmta"
WEB: Final = "pmtahttp"


def services_of(change: Change) -> frozenset[str]:
    """The services that this change needs restarted; none if a reload activates it."""
    if change.impact is not Impact.RESTART:
        return frozenset()
    kind = Address.parse(change.address).kind
    if kind == FILE:
        return frozenset({WEB if change.file == WEB_CERTIFICATE else PMTA})
    own = GLOBAL if catalogue().section(kind) is None else kind
    services = set()
    for value in change.values:
        spec = spec_of(scope_of(value.path, own), value.name)
        if spec is not None and spec.impact is Impact.RESTART:
            services.add(spec.service)
    return frozenset(services) or frozenset({PMTA})
