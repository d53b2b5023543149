"""What PowerMTA would really use for a queue, value by value, with the lines that decided.

    effective = Effective(configuration)
    settings = effective.settings("gmail.com", "mkt-01")
    settings.values["max-smtp-out"]           # Value: what it is, why, and what it overruled

Facts: docs/powermta/language.md sections 5 to 10. Where the guides are silent, a value names its assumption.
"""

from typing import TYPE_CHECKING

from pmtaform.lazy import lazily

if TYPE_CHECKING:
    from pmtaform.lang.effective.both import EffectiveChange
    from pmtaform.lang.effective.changes import MOST_CHANGES, changed_pairs, same_effect
    from pmtaform.lang.effective.clients import AUTH, Client, ClientSettings, client_settings, listeners, users
    from pmtaform.lang.effective.model import (
        DEFAULT_VMTA,
        Assumption,
        EffectiveSettings,
        Overruled,
        Source,
        SourceLine,
        Value,
    )
    from pmtaform.lang.effective.moves import PairChange, ValueMove
    from pmtaform.lang.effective.routing import Route, RoutingStep, route
    from pmtaform.lang.effective.rule_lists import Message
    from pmtaform.lang.effective.settings import Effective
    from pmtaform.lang.effective.unseen import UnseenInclude, moved_includes, unseen_includes

__all__ = [
    "AUTH",
    "DEFAULT_VMTA",
    "MOST_CHANGES",
    "Assumption",
    "Client",
    "ClientSettings",
    "Effective",
    "EffectiveChange",
    "EffectiveSettings",
    "Message",
    "Overruled",
    "PairChange",
    "Route",
    "RoutingStep",
    "Source",
    "SourceLine",
    "UnseenInclude",
    "Value",
    "ValueMove",
    "changed_pairs",
    "client_settings",
    "listeners",
    "moved_includes",
    "route",
    "same_effect",
    "unseen_includes",
    "users",
]

__getattr__ = lazily(
    __name__,
    {
        "both": "EffectiveChange",
        "changes": "MOST_CHANGES changed_pairs same_effect",
        "clients": "AUTH Client ClientSettings client_settings listeners users",
        "model": "DEFAULT_VMTA Assumption EffectiveSettings Overruled Source SourceLine Value",
        "moves": "PairChange ValueMove",
        "routing": "Route RoutingStep route",
        "rule_lists": "Message",
        "settings": "Effective",
        "unseen": "UnseenInclude moved_includes unseen_includes",
    },
)
