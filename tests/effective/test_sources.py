"""Which source settings a client gets: by address, by the listener's source, by the user's."""

from __future__ import annotations

import ipaddress

import pytest

from pmtaform.lang.effective import Effective
from pmtaform.lang.effective.model import Assumption
from pmtaform.lang.effective.sources import Sources
from pmtaform.lang.includes import read_configuration

TEXT = """
<source 10.1.0.0/16>
  require-auth yes
</source>
<source 0/0>
  smtp-service no
  always-allow-relaying no
  smtp-data-timeout 5m
</source>
<source 10/8>
  always-allow-relaying yes
  smtp-service yes
</source>
<source ::1>
  always-allow-relaying yes
</source>
<source public>
  smtp-service yes
  always-allow-relaying no
</source>
<source {auth}>
  always-allow-relaying yes
</source>
<source twice>
  allow-auth no
</source>
<source "twice">
  allow-auth yes
</source>
"""


def sources(text: str = TEXT) -> Sources:
    return Effective(read_configuration("/c", {"/c": text.encode()})).sources


@pytest.mark.parametrize(
    ("name", "client", "named", "value"),
    [
        ("smtp-service", "192.0.2.1", (), "no"),
        ("smtp-service", "10.1.2.3", (), "yes"),
        ("always-allow-relaying", "10.1.2.3", (), "yes"),
        ("require-auth", "10.1.2.3", (), "yes"),
        ("require-auth", "10.2.2.3", (), "false"),
        ("smtp-data-timeout", "10.1.2.3", (), "5m"),
        ("always-allow-relaying", "10.0.0.0/8", (), "yes"),
        ("always-allow-relaying", "0.0.0.0/0", (), "no"),
        ("always-allow-relaying", "::1", (), "yes"),
        ("smtp-data-timeout", "::1", (), "10m"),
        ("smtp-service", "192.0.2.1", ("public",), "yes"),
        ("always-allow-relaying", "10.2.2.3", ("public",), "no"),
        ("always-allow-relaying", "10.2.2.3", ("public", "{auth}"), "yes"),
        ("require-auth", "10.1.2.3", ("public",), "yes"),
        ("require-auth", "10.1.2.3", ("unknown",), "yes"),
        ("allow-auth", "192.0.2.1", ("twice",), "yes"),
    ],
)
def test_the_value_for_a_client(name: str, client: str, named: tuple[str, ...], value: str) -> None:
    result = sources()
    network = ipaddress.ip_network(client)
    assert result.value(name, network, *named).text == value
    assert result.settings(network, *named)[name].text == value


def test_without_an_address_only_named_sources_count() -> None:
    assert sources().value("smtp-service", None, "{auth}").text == "true"
    assert sources().value("always-allow-relaying", None, "{auth}").text == "yes"


def test_names_and_networks_are_apart() -> None:
    result = sources()
    assert result.names == ("public", "{auth}", "twice")
    assert [str(one) for one in result.networks] == ["10.1.0.0/16", "0.0.0.0/0", "10.0.0.0/8", "::1/128"]
    assert result.knows("{auth}")
    assert not result.knows("nobody")


def test_what_gave_way_is_named() -> None:
    value = sources().value("smtp-service", ipaddress.ip_network("10.2.2.3"))
    assert [(one.line.section, one.why) for one in value.overruled] == [
        ("<source 0/0>", "<source 10/8> has precedence over <source 0/0>")
    ]


def test_a_line_given_twice_is_an_assumption() -> None:
    doubled = sources("<source 0/0>\nsmtp-service no\nsmtp-service yes\n</source>\n")
    value = doubled.value("smtp-service", ipaddress.ip_network("192.0.2.1"))
    assert (value.text, value.assumptions) == ("yes", (Assumption.REPEATED_LINE,))
