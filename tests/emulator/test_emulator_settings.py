"""`show settings` (docs/powermta/operations.md section 2, docs/powermta/language.md sections 5, 6 and 10)."""

import pytest

from pmtaform.lang.catalogue import catalogue

CASES = {
    "language 5 exact beats subdomain beats all": (
        "<domain *>\nmax-smtp-out 1\n</domain>\n<domain [*.]b.example>\nmax-smtp-out 2\n</domain>\n"
        "<domain a.b.example>\nmax-smtp-out 3\n</domain>",
        {"a.b.example": "3", "c.b.example": "2", "b.example": "2", "other.example": "1"},
    ),
    "language 2 a star and a dot is subdomains only": (
        "<domain *.b.example>\nmax-smtp-out 2\n</domain>",
        {"a.b.example": "2", "b.example": "20"},
    ),
    "language 5 the longer suffix is closer": (
        "<domain [*.]b.example>\nmax-smtp-out 2\n</domain>\n<domain *.example>\nmax-smtp-out 3\n</domain>",
        {"a.b.example": "2", "c.example": "3"},
    ),
    "language 5 each directive on its own": (
        "<domain *>\nmax-smtp-out 9\n</domain>\n<domain b.example>\nretry-after 1h\n</domain>",
        {"b.example": "9"},
    ),
    "language 5 literal beats macro wherever it stands": (
        "domain-macro all b.example\n"
        "<domain b.example>\nmax-smtp-out 4\n</domain>\n<domain $all>\nmax-smtp-out 5\n</domain>",
        {"b.example": "4"},
    ),
    "language 6 macros nest and are parts of names": (
        "domain-macro tld com,net\ndomain-macro all b.$tld\n<domain $all>\nmax-smtp-out 5\n</domain>",
        {"b.com": "5", "b.net": "5", "b.org": "20"},
    ),
    "language 5 virtual MTA, then pool, then global": (
        "<virtual-mta v>\n<domain x.example>\nmax-smtp-out 1\n</domain>\n</virtual-mta>\n"
        "<virtual-mta w>\n</virtual-mta>\n"
        "<virtual-mta-pool p>\nvirtual-mta v\nvirtual-mta w\n"
        "<domain *>\nmax-smtp-out 2\n</domain>\n</virtual-mta-pool>\n"
        "<domain x.example>\nmax-smtp-out 3\n</domain>",
        {"x.example/v": "1", "x.example/w": "2", "y.example/v": "2", "x.example": "3", "x.example/{default}": "3"},
    ),
    "choice: a later line beats an earlier one": (
        "<domain *>\nmax-smtp-out 1\n</domain>\n<domain *>\nmax-smtp-out 2\nmax-smtp-out 3\n</domain>",
        {"x.example": "3"},
    ),
    "language 2 address literals": (
        "<domain [10/8]>\nmax-smtp-out 2\n</domain>\n<domain [0/0]>\nmax-smtp-out 3\n</domain>",
        {"[10.1.2.3]": "2", "[11.1.2.3]": "3", "x.example": "20"},
    ),
    "names of domains have no case": ("<domain Inbox.Example>\nmax-smtp-out 2\n</domain>", {"INBOX.example": "2"}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_value_in_force(host, case):
    text, expected = CASES[case]
    host.start("log-file /l\n" + text)
    by_name = {queue: host.json("show", "settings", queue)["data"]["settings"]["max-smtp-out"] for queue in expected}
    assert by_name == expected


def test_every_domain_directive_is_a_line(host):
    host.start()
    lines = host.pmta("show", "settings", "x.example")[1].splitlines()
    names = [line.split(" ", 1)[0] for line in lines]
    known = catalogue()
    expected = {n for n in known.names("domain") if n != "include" and known.directive("domain", n).canonical is None}
    assert set(names) == expected
    assert len(names) == len(expected)
    assert 'auth-username ""' in lines
    assert all(line.split(" ", 1)[1] for line in lines)


def test_backoff_values_follow_their_normal_counterparts(host):
    host.start("log-file /l\n<domain *>\nmax-msg-rate 300/h\n</domain>")
    document = host.json("show", "settings", "x.example")["data"]["settings"]
    assert document["backoff-max-msg-rate"] == "300/h"
    assert document["backoff-max-connect-rate"] == "unlimited"
    assert document["backoff-retry-after"] == "1h"


def test_an_empty_string_clears_what_would_be_inherited(host):
    host.start(
        "log-file /l\n<domain *>\nbcc-upon-delivery a@b.example\n</domain>\n"
        '<domain x.example>\nbcc-upon-delivery ""\n</domain>'
    )
    assert 'bcc-upon-delivery ""' in host.pmta("show", "settings", "x.example")[1]
    assert "bcc-upon-delivery a@b.example" in host.pmta("show", "settings", "y.example")[1]


def test_what_is_in_force_is_shown_not_what_is_on_disk(host):
    host.start("log-file /l\n<domain *>\nmax-smtp-out 5\n</domain>")
    host.write("log-file /l\n<domain *>\nmax-smtp-out 6\n</domain>")
    assert "max-smtp-out 5" in host.pmta("show", "settings", "x.example")[1].splitlines()
    host.pmta("reload")
    assert "max-smtp-out 6" in host.pmta("show", "settings", "x.example")[1].splitlines()


def test_settings_of_a_virtual_mta(host):
    host.start(
        "log-file /l\nsmtp-source-host 192.0.2.9 g.example\n"
        "<virtual-mta v>\nsmtp-source-host 192.0.2.1 a.example\nsmtp-source-host 192.0.2.2 b.example\n</virtual-mta>\n"
        "<virtual-mta w>\n</virtual-mta>\n<virtual-mta-pool p>\nvirtual-mta w\nmax-smtp-out 50\n</virtual-mta-pool>"
    )
    v = host.json("show", "vmta-settings", "v")["data"]["settings"]
    assert v["smtp-source-host"] == ["192.0.2.1 a.example", "192.0.2.2 b.example"]
    w = host.json("show", "vmta-settings", "w")["data"]["settings"]
    assert (w["smtp-source-host"], w["max-smtp-out"]) == ("192.0.2.9 g.example", "50")


@pytest.mark.parametrize("words", [("settings", "x.example/none"), ("vmta-settings", "none")])
def test_an_unknown_virtual_mta_is_refused(host, words):
    host.start()
    assert host.pmta("show", *words) == (1, "Unknown virtual MTA: none")
