"""What `validate` and `lint STACK` find in what each host would have, and one entry for many hosts."""

from __future__ import annotations

import pytest
from projects import ProjectFolder

from pmtaform.diagnostics import Exit

V1 = "virtual-mta: {v1: {smtp-source-host: 192.0.2.1 a.example.com}}"
GHOSTS = {
    "a pool names a virtual MTA that no one has": "virtual-mta-pool: {p: {virtual-mta: [v1, ghost]}}\n" + V1,
    "and nothing else is declared": "virtual-mta-pool: {p: {virtual-mta: ghost}}",
    "a source's default": V1 + "\nsource: {192.0.2.9: {default-virtual-mta: ghost}}",
    "a domain's reroute": V1 + "\ndomain: {example.org: {reroute-to-virtual-mta: ghost}}",
    "a source's list": "source: {192.0.2.9: {pattern-list: ghost}}",
    "a user's source": "smtp-user: {u: {source: ghost, password: {secret: 'file:u'}}}",
    "a rule's target": "pattern-list: {pl: ['rcpt-to /x/ virtual-mta=ghost']}\nsource: {192.0.2.9: {pattern-list: pl}}",
}
FINE = {
    "all is there": "virtual-mta-pool: {p: {virtual-mta: v1}}\n" + V1,
    "reply rules may be the vendor's": "domain: {example.org: {smtp-pattern-list: ghost}}",
    "a reason is given": "virtual-mta-pool:\n  p:\n"
    "    # pmtaform: ignore undefined-virtual-mta because the host has it\n    virtual-mta: ghost",
    "what is included may define it": "include: /etc/pmta/theirs.conf\nvirtual-mta-pool: {p: {virtual-mta: ghost}}",
}


@pytest.mark.parametrize("config", GHOSTS.values(), ids=GHOSTS.keys())
def test_a_name_that_leads_nowhere_is_refused_before_any_host_is_looked_at(one: ProjectFolder, config: str) -> None:
    one.add_file("u", "Kx93-a-long-and-random-word")
    one.config(config)
    for words, code in ((("validate",), Exit.INVALID), (("lint", "fleet"), Exit.ERROR)):
        result = one.run(*words).ended(code)
        assert "[undefined-" in result.all
        assert "ghost" in result.all
        assert "Only the stack was checked" in result.words


@pytest.mark.parametrize("config", FINE.values(), ids=FINE.keys())
def test_what_may_be_there_is_not_refused(one: ProjectFolder, config: str) -> None:
    one.config(config)
    one.run("validate").ended(Exit.OK)
    one.run("lint", "fleet").ended(Exit.OK)


def fleet(project: ProjectFolder, wrong: int) -> None:
    """Four hosts, of which the first `wrong` have a pool that names nothing."""
    for number in range(1, 5):
        project.add_host(f"mta{number}")
    body = "groups: {wrong: {config: {virtual-mta-pool: {p: {virtual-mta: ghost}}}}}\n"
    body += "config: {postmaster: a@example.com}\n"
    own = {f"mta{n}": {"groups": ["wrong"] if n <= wrong else []} for n in range(1, 5)}
    project.stack(body, own, activation="none")


@pytest.mark.parametrize(
    ("wrong", "says"), [(1, "mta1: "), (3, "(On 3 of 4 hosts: mta1, mta2, mta3.)"), (4, "")], ids=["one", "some", "all"]
)
def test_the_same_on_many_hosts_is_one_entry(project: ProjectFolder, wrong: int, says: str) -> None:
    fleet(project, wrong)
    result = project.run("validate").ended(Exit.INVALID)
    assert result.all.count("[undefined-virtual-mta]") == 1
    assert says in result.words
    assert ("On " in result.words) == (wrong == 3)
    document = project.run("validate", "--format", "json").ended(Exit.INVALID).json()["diagnostics"]
    (entry,) = [each for each in document if each["code"] == "undefined-virtual-mta"]
    assert entry["host"] == ("mta1" if wrong == 1 else None)
