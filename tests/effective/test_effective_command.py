"""`pmtaform effective` as a command, and reading configurations from wherever they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from projects import RUNS, ProjectFolder

from pmtaform.diagnostics import Exit
from pmtaform.errors import UsageError
from pmtaform.sources import read_path

GOLDEN = Path(__file__).with_name("golden")
CONFIG = """\
log-file /var/log/pmta/log
host-name mta1.example.com
domain-macro big gmail.com, yahoo.com

<smtp-pattern-list l>
    reply /421/ mode=backoff
</smtp-pattern-list>

<domain *>
    max-smtp-out 5
    max-msg-rate 300/h
    auth-password geheim
    smtp-pattern-list l
</domain>

<domain $big>
    max-smtp-out 20
    max-smtp-out 21
</domain>

<domain x.example>
    queue-to x.queue
</domain>

<domain x.queue>
    retry-after 9m
</domain>

<virtual-mta v1>
    smtp-source-host 192.0.2.1 v1.example.com
    smtp-source-host 192.0.2.2 v1.example.com
    <domain *>
        max-smtp-out 2
        include /etc/pmta/more.conf
    </domain>
</virtual-mta>

<virtual-mta v2>
    include /etc/pmta/domains/*.conf
</virtual-mta>

<virtual-mta-pool p>
    virtual-mta v2
</virtual-mta-pool>
"""
FILES = {
    "config": CONFIG,
    "more.conf": "bounce-after 1d\n",
    "domains/a.conf": "<domain gmail.com>\n    max-smtp-out 3\n</domain>\n",
    "domains/b.conf": (
        "<domain *>\n    source-ip-max-msg-rate 192.0.2.1 5/h\n    source-ip-max-msg-rate 192.0.2.2 6/h\n</domain>\n"
    ),
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for /etc/pmta."""
    for name, content in FILES.items():
        path = tmp_path / "pmta" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "pmta"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pair", ["--domain", "gmail.com", "--vmta", "v1"]),
        ("domain", ["--domain", "gmail.com"]),
        ("queue-to", ["--domain", "x.example"]),
        ("backoff", ["--domain", "other.example", "--backoff"]),
        ("vmta", ["--vmta", "v2"]),
        ("everything", []),
        ("defaults", ["--domain", "*", "--all"]),
        ("json", ["--domain", "gmail.com", "--vmta", "v2", "--format", "json", "--backoff"]),
    ],
)
def test_what_it_prints(project: ProjectFolder, home: Path, name: str, words: list[str]) -> None:
    result = project.run("effective", "pmta", *words).ended(Exit.OK)
    assert result.err == ""
    assert "geheim" not in result.out
    assert result.out == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_a_file_and_the_folder_around_it_are_the_same(project: ProjectFolder, home: Path) -> None:
    asked = ["--domain", "gmail.com", "--vmta", "v2"]
    by_file = project.run("effective", "pmta/config", *asked).ended(Exit.OK)
    assert by_file.out == project.run("effective", "pmta", *asked).out
    assert "pmta/domains/a.conf:2" in by_file.out


def test_a_live_host_with_the_vendors_defaults(one: ProjectFolder) -> None:
    one.host.put(RUNS + "<domain *>\nmax-smtp-out 7\ninclude /etc/pmta/d.conf\n</domain>\n")
    one.host.put("retry-after 5m\n", "/etc/pmta/d.conf")
    one.host.put("<domain *>\nmax-smtp-out 20\nbounce-after 3d\n</domain>\n", "/etc/pmta/config-defaults")
    one.stack(activation="none")
    before = one.host.tree()
    result = one.run("effective", "mta1", "--domain", "x.example", "--format", "json").ended(Exit.OK)
    document = {n: (v["values"], v["lines"][0]["file"]) for n, v in result.json()["queues"][0]["values"].items()}
    assert document == {
        "max-smtp-out": (["7"], "/etc/pmta/config"),
        "retry-after": (["5m"], "/etc/pmta/d.conf"),
        "bounce-after": (["3d"], "/etc/pmta/config-defaults"),
    }
    assert "vendor-defaults" in result.json()["assumptions"]
    assert one.host.tree() == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["pmta", "--vmta", "v11"], 'Did you mean "v1"?'),
        (["nowhere"], '"nowhere" is not a host of stack "fleet"'),
        (["empty"], "neither"),
        (["pmta", "--stack", "fleet"], "is not a host"),
    ],
)
def test_what_is_not_there(one: ProjectFolder, home: Path, words: list[str], told: str) -> None:
    one.stack(activation="none")
    (home.parent / "empty").mkdir()
    result = one.run("effective", *words).ended(Exit.USAGE)
    assert told.replace("neither", "has neither etc/pmta/config") in result.words
    assert result.out == ""


def test_outside_a_project_a_path_is_enough(home: Path) -> None:
    result = ProjectFolder(home.parent).run("effective", "pmta", "--domain", "x.y").ended(Exit.OK)
    assert result.out.startswith("x.y/{default}\n")
    assert ProjectFolder(home.parent).run("effective", "nowhere").ended(Exit.USAGE).out == ""


def test_a_missing_include_is_reported_once_and_is_no_failure(project: ProjectFolder, home: Path) -> None:
    (home / "config").write_text("include /etc/pmta/gone.conf\n<domain *>\ninclude /etc/pmta/gone.conf\n</domain>\n")
    result = project.run("effective", "pmta", "--domain", "x.y").ended(Exit.OK)
    assert result.err.count("missing-include") == 1
    assert "pmta/config:1: warning" in result.err


def test_an_include_leads_to_no_file_outside(home: Path) -> None:
    (home.parent / "secret").write_text("log-file /stolen\n")
    (home / "config").write_text("include /etc/pmta/../../secret\ninclude /etc/pmta/link\ninclude /etc/passwd\n")
    (home / "link").symlink_to(home.parent / "secret")
    loaded = read_path(home)
    assert list(loaded.configuration.trees) == ["/etc/pmta/config"]
    problems = [problem.code for problem in loaded.problems]
    assert problems == ["missing-include", "include-not-read", "missing-include"]


def test_a_machines_root(tmp_path: Path) -> None:
    for name, content in FILES.items():
        path = tmp_path / "etc/pmta" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (tmp_path / "etc/pmta/config-defaults").write_text("<domain *>\n</domain>\n")
    loaded = read_path(tmp_path)
    assert set(loaded.configuration.trees) == {f"/etc/pmta/{name}" for name in FILES}
    assert loaded.defaults is not None
    assert read_path(tmp_path / "etc/pmta/config").configuration.trees.keys() == loaded.configuration.trees.keys()


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="It does not exist"):
        read_path(tmp_path / "not-there")
