"""Every real configuration: declared as it is, a plan is empty and not a byte is touched; pairs become each other."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from projects import ProjectFolder
from test_integration_ssh import CORPUS, native, put_corpus

from pmtaform.diagnostics import Exit
from pmtaform.lang.lint import rules
from pmtaform.plan.dangers import danger_kinds

NAMES = sorted(p.name for p in CORPUS.iterdir() if p.suffix != ".tsv")


EVERYTHING = tuple(word for name in (*danger_kinds(), *rules()) for word in ("--allow", name))


@pytest.mark.parametrize("name", NAMES)
def test_a_real_configuration_that_is_declared_as_it_is(project: ProjectFolder, name: str) -> None:
    host = project.add_host("mta1", config=None)
    files = put_corpus(host, name)
    project.stack(native(project, files), activation="none")
    before = host.tree()
    result = project.apply().ended(Exit.OK)
    assert result.out.startswith("No changes."), result.all
    assert host.tree() == before
    project.settled()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("005-bouncy-sink-blackhole-2018.conf", "004-bouncy-sink-blackhole.conf"),
        ("015-strict-mailfrom-routing-older.conf", "014-strict-mailfrom-routing-5vmta.conf"),
        ("016-panel-5vmta-short.conf", "017-panel-5vmta-shorter.conf"),
        ("s02-iresponse-default", "s03-iresponse-custom"),
    ],
)
def test_one_real_configuration_becomes_another_and_goes_back(project: ProjectFolder, before: str, after: str) -> None:
    host = project.add_host("mta1", config=None)
    files = put_corpus(host, before)
    wanted = {p.removeprefix(str(CORPUS)): c for p, c in files_of(after).items()}
    project.stack(native(project, wanted) + "unmanaged: remove\n", activation="none")
    project.apply(*EVERYTHING).ended(Exit.OK)
    project.settled()
    project.run("rollback", "mta1", "--auto-approve", *EVERYTHING).ended(Exit.OK)
    assert {p: c.encode("utf-8", "surrogateescape") for p, c in host.contents().items()} == files


def files_of(name: str) -> dict[str, bytes]:
    source = CORPUS / name
    if source.is_file():
        return {"/etc/pmta/config": source.read_bytes()}
    return {f"/etc/pmta/{p.relative_to(source)}": p.read_bytes() for p in source.rglob("*") if p.is_file()}


# -- made up ones ----

NAMED = st.sampled_from(["gmail.com", "yahoo.com", "*", "$isps", "Example.COM"])
LINES = st.sampled_from(
    [
        *("max-smtp-out 20", "max-smtp-out 5", "MAX-MSG-RATE 100/h", "max-msg-rate 1/m", "dkim-sign yes"),
        *("retry-after 60m", "retry-after 1h", "# a word", "", "queue-priority 50", "  smtp-pattern-list a"),
    ]
)
GLOBALS = st.sampled_from(
    [
        *("postmaster a@example.com", "postmaster b@example.com", "host-name a.example.com", "http-access 0/0 none"),
        *("http-access 127.0.0.1 admin", "relay-domain example.com", "# a comment", "", "run-as-root no"),
        *("domain-macro isps gmail.com, yahoo.com", "total-max-smtp-out 100", "sync-msg-create no"),
    ]
)


def _section(tag: str, name: str, lines: list[str]) -> str:
    return "\n".join([f"<{tag} {name}>", *(f"  {line}" for line in lines), f"</{tag}>"])


SECTIONS = st.one_of(
    st.builds(_section, st.just("domain"), NAMED, st.lists(LINES, max_size=4)),
    st.builds(
        lambda name, lines, inner: _section("virtual-mta", name, [*lines, inner] if inner else lines),
        st.sampled_from(["a", "b-01", "C"]),
        st.lists(st.sampled_from(["smtp-source-host 192.0.2.1 a.example.com", "max-smtp-out 3"]), max_size=2),
        st.one_of(st.none(), st.builds(_section, st.just("domain"), NAMED, st.lists(LINES, max_size=2))),
    ),
    st.builds(
        lambda rules: _section("smtp-pattern-list", "a", rules),
        st.lists(st.sampled_from(["reply /x/ mode=backoff", "reply /y, z/ mode=normal", "# rule"]), max_size=3),
    ),
)
CONFIGURATIONS = st.builds(
    lambda parts, ending: ending.join("\n".join(parts).split("\n")) + ending,
    st.lists(st.one_of(GLOBALS, SECTIONS), max_size=8),
    st.sampled_from(["\n", "\n", "\r\n"]),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(live=CONFIGURATIONS, wanted=CONFIGURATIONS, remove=st.booleans())
def test_after_an_apply_a_plan_is_empty_and_a_rollback_brings_the_bytes_back(
    live: str, wanted: str, remove: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = ProjectFolder(Path(folder))
        host = project.add_host("mta1", live)
        result = "unmanaged: remove\n" if remove else ""
        project.stack(native(project, {"/etc/pmta/config": wanted.encode()}) + result, activation="none")
        first = project.apply(*EVERYTHING)
        if first.code == Exit.INVALID:
            return
        first.ended(Exit.OK)
        project.settled()
        if "No changes" not in first.out:
            project.run("rollback", "mta1", "--auto-approve", *EVERYTHING).ended(Exit.OK)
        assert host.config.read_bytes() == live.encode()
