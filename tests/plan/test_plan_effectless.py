"""A plan that changes nothing for mail is reported so, in text and JSON; one with unknown effects is not."""

from __future__ import annotations

import pytest
from projects import RUNS, ProjectFolder

from pmtaform.diagnostics import Exit

WHOLE = RUNS + "spool /var/spool/pmta\n"
WORDS = "No queue, signature, address, submission or access changes"
LIVE = """
domain-macro isps a.example, b.example
<virtual-mta v1>
  smtp-source-host 192.0.2.1 v1.example.com
</virtual-mta>
<virtual-mta v2>
  smtp-source-host 192.0.2.2 v2.example.com
</virtual-mta>
<virtual-mta-pool p>
  virtual-mta v1
  virtual-mta v2
</virtual-mta-pool>
<source 10.0.0.0/8>
  always-allow-relaying yes
</source>
<domain *>
  max-msg-rate 100/h
</domain>
<domain $isps>
  max-msg-rate 60/h
</domain>
"""
SAME = {
    "a line that repeats what the wildcard says": "domain: {c.example: {max-msg-rate: 100/h}}",
    "a wildcard that repeats what a wider one says": "domain: {'*.example.net': {max-msg-rate: 100/h}}",
    "a domain of a macro by its name": "domain: {a.example: {max-msg-rate: 60/h}}",
    "a limit of one virtual MTA that holds anyway": (
        "virtual-mta: {v1: {smtp-source-host: 192.0.2.1 v1.example.com, domain: {a.example: {max-msg-rate: 60/h}}}}"
    ),
    "a narrower source that says the same": "source: {10.1.0.0/16: {always-allow-relaying: true}}",
}
OTHER = {
    "a limit that is lowered": "domain: {'*': {max-msg-rate: 50/h}}",
    "a new domain": "domain: {c.example: {max-msg-rate: 10/h}}",
    "a pool that loses a member": "virtual-mta-pool: {p: {virtual-mta: [v1]}}",
    "a source that says something else": "source: {10.1.0.0/16: {log-connections: true}}",
    "a setting that is not compared": "postmaster: b@example.com",
    "a macro that relay domains use": "domain-macro: {isps: [a.example]}",
}


@pytest.mark.parametrize("config", SAME.values(), ids=SAME.keys())
def test_a_plan_without_effect_says_so(one: ProjectFolder, config: str) -> None:
    one.host.put(WHOLE + LIVE)
    one.config(config)
    assert WORDS in one.plan().ended(Exit.OK).words
    result = one.plan("--format", "json").ended(Exit.OK).json()
    assert [note["code"] for note in result["hosts"][0]["notes"]].count("no-effect") == 1
    assert result["summary"]["dangers"] == 0


@pytest.mark.parametrize("config", OTHER.values(), ids=OTHER.keys())
def test_a_plan_of_which_that_is_not_known_does_not(one: ProjectFolder, config: str) -> None:
    one.host.put(WHOLE + "relay-domain $isps\n" + LIVE)
    one.config(config)
    assert WORDS not in one.plan().ended(Exit.OK).words
