"""What a host prints is text in every report: no command of a pipeline, no escape, nothing unseen, no Markdown."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from collections.abc import Callable

import pytest
from projects import RUNS, CommandResult, ProjectFolder

from pmtaform.diagnostics import Exit
from pmtaform.host import FileWrite, HostSpec, Transaction, apply
from pmtaform.report import style
from pmtaform.transports.local import LOCAL

WORDS = "::error file=a::x ##[error]x ##vso[task.x]x ##teamcity[x] ``` ~~~ ::stop-commands::x"
ODD = "\x1b[2J\x1b]8;;http://a.example\x07x\x9b2J\u202ex\u2066\u200bx\u034f\ufe0f\u3164\x7f\x08"
ONE_LINE = f"{WORDS} {ODD} " + "::error::x " * 40  # wherever it is broken, one is at the beginning of a line
LINES = f"{ONE_LINE}\n::error::x\n   ::warning file=b::x\n##[group]x\n```\n~~~~\n\t::debug::x\r::notice::x\n"

# What pipelines and Markdown make something of, in a report that is text.
COMMAND = re.compile(r"^\s*(::.*::|```|~~~)|##\w*\[", re.MULTILINE)
UNSEEN = {"\u034f", "\ufe0f", "\u3164", "\x7f"}


def assert_plain(result: CommandResult) -> None:
    for text in (result.out, result.err):
        match = COMMAND.search(text)
        assert match is None, repr(text[max(0, match.start() - 60) : match.end() + 60])
        odd = {c for c in text if c != "\n" and (unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"} or c in UNSEEN)}
        assert not odd, odd
    assert "bug in pmtaform" not in result.all


# -- what hosts say, and where -----------------------------------------------------------------------------------------


def pmta_says(word: str) -> Callable[[ProjectFolder], None]:
    def poison(project: ProjectFolder) -> None:
        program = project.host.stand_in().at("/usr/sbin/pmta")
        project.host.at("/ctl/words").write_text(LINES)
        failing = "exit 1" if word in ("test", "reload") else ""
        program.write_text(
            program.read_text().replace("case $word in\n", f"case $word in\n {word}) {SAY}{failing};;\n", 2)
        )

    return poison


SAY = 'cat "$root/ctl/words";'


def everything_said(project: ProjectFolder) -> None:
    program = project.host.stand_in().at("/usr/sbin/pmta")
    project.host.at("/ctl/words").write_text(LINES)
    program.write_text(program.read_text().replace("ctl=$root/ctl\n", f"ctl=$root/ctl\n{SAY}\n", 1))


def a_name(project: ProjectFolder) -> None:
    name = ONE_LINE.replace("/", "").replace("\x7f", "")[:100]
    project.host.put("domain a.example {\n", f"/etc/pmta/conf.d/{name}.conf")
    project.host.put(RUNS + "include /etc/pmta/conf.d/*.conf\n")


def contents(project: ProjectFolder) -> None:
    odd = ONE_LINE.replace("\n", "")
    project.host.put(
        f"{RUNS}# {odd}\n{odd}\ndomain-macro m {odd}\n<domain {odd}>\n  max-smtp-out {odd}\n</domain>\n::error::x\n"
    )


def a_record(project: ProjectFolder) -> None:
    """What another's program has left on the host: who did what, and why."""
    spec = HostSpec(name="mta1", transport=LOCAL, root=str(project.host.root))
    session = spec.open()
    made = Transaction(
        id="t1",
        who="anna",
        what="a change",
        started="2026-11-25T12:00:00Z",
        writes=(FileWrite(path="/etc/pmta/config", content=(RUNS + "# new\n").encode()),),
        confirm_within=600,
    )
    apply(session, spec, made, lambda: session)
    session.close()
    odd = ONE_LINE.encode().replace(b"\n", b"")
    for file in project.host.at("/var/lib/pmtaform").rglob("*"):
        if file.is_file():
            text = file.read_bytes()
            for word in (b"anna", b"a change", b"2026-11-25T12:00:00Z"):
                text = text.replace(word, odd)
            file.write_bytes(text)


def a_lock(project: ProjectFolder) -> None:
    lock = project.host.at("/var/lib/pmtaform/lock")
    lock.parent.mkdir(parents=True)
    odd = ONE_LINE.replace("\n", "")
    boot = project.root.__class__("/proc/sys/kernel/random/boot_id").read_text().strip()
    lock.write_text(
        f"pid 1\nstart 1\nboot {boot}\nns pid:[1]\nuntil 999999999\nid {odd}\nsince {odd}\nwho {odd}\nwhat {odd}\n"
    )


def a_log(project: ProjectFolder) -> None:
    pmta_says("reload")(project)
    odd = ONE_LINE.replace("\n", "")
    project.host.put(f"Error {odd} configuration\n" * 3, "/var/log/pmta/log")
    project.host.put(f"Error {odd} configuration\n" * 3, "/var/log/pmta/pmta-startuperr.log")


SOURCES: dict[str, Callable[[ProjectFolder], None]] = {
    **{f"pmta {word}": pmta_says(word) for word in ("version", "test", "reload", "status", "settings")},
    "everything of pmta": everything_said,
    "the name of a file": a_name,
    "the content of a file": contents,
    "the record of a change": a_record,
    "a lock": a_lock,
    "a log": a_log,
}
LOOKING = (
    ("plan",),
    ("plan", "--diff"),
    ("drift",),
    ("hosts",),
    ("history", "mta1", "--live"),
    ("lint", "--host", "mta1"),
    ("effective", "mta1"),
    ("replies", "421 a", "--config", "mta1"),
    ("diff", "mta1", ":fleet:mta1"),
    ("lint", "--format", "sarif", "--host", "mta1"),
    ("lint", "--format", "junit", "--host", "mta1"),
)
CHANGING = (
    ("apply", "--auto-approve"),
    ("history",),
    ("plan", "--diff"),
    ("recover",),
    ("rollback", "mta1", "--auto-approve"),
)


def begin(one: ProjectFolder, source: str) -> None:
    one.host.stand_in()
    one.config("domain: {b.example: {max-smtp-out: 7}}", activation="reload")
    SOURCES[source](one)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("form", ["text", "json"])
def test_what_is_looked_at_stays_text(one: ProjectFolder, source: str, form: str) -> None:
    begin(one, source)
    for command in LOOKING:
        if "--format" in command and form == "json":
            continue
        result = one.run(*command, *(["--format", "json"] if form == "json" else []))
        assert result.code != Exit.USAGE, result.all
        assert_plain(result)
        if result.out and (form == "json" or "sarif" in command):
            json.loads(result.out)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("form", ["text", "json"])
def test_what_is_done_stays_text(one: ProjectFolder, source: str, form: str) -> None:
    begin(one, source)
    for command in CHANGING:
        result = one.run(*command, *(["--format", "json"] if form == "json" else []))
        assert result.code != Exit.USAGE, result.all
        assert_plain(result)
        if form == "json" and command[0] in ("apply", "rollback"):
            result.lines()
        elif form == "json" and result.out:
            json.loads(result.out)


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_imported_stays_text(one: ProjectFolder, source: str) -> None:
    begin(one, source)
    assert_plain(one.run("import", "taken", "--from", str(one.host.root)))


# -- the two gates -----------------------------------------------------------------------------------------------------

HARMLESS = {
    "::error::x": r"\u003a:error::x",
    "  ::error file=a::x": r"  \u003a:error file=a::x",
    "\x1b[31m ::error::x": "\x1b[31m \\u003a:error::x",
    "a ##[error]x": r"a #\u0023[error]x",
    "a ##vso[task.x]y": r"a #\u0023vso[task.x]y",
    "###[x]": r"##\u0023[x]",
    "```": r"\u0060``",
    "  ~~~~": r"  \u007e~~~",
    # guards: what is no command stays as it is
    "::1 is an address": "::1 is an address",
    "a: ::error::x": "a: ::error::x",
    "## a heading": "## a heading",
    "a ``` b": "a ``` b",
    "--- /etc/pmta/config": "--- /etc/pmta/config",
}


@pytest.mark.parametrize(("text", "harmless"), HARMLESS.items(), ids=range(len(HARMLESS)))
def test_a_report_has_no_command_in_it(text: str, harmless: str) -> None:
    stream = io.StringIO()
    style.write(stream, f"first\n{text}\nlast")
    assert stream.getvalue() == f"first\n{harmless}\nlast"
    assert json.loads(style.harmless(json.dumps({text: [text]}, indent=1))) == {text: [text]}


def test_lint_for_github_still_writes_its_commands(one: ProjectFolder) -> None:
    one.config("domain: {b.example: {max-smtp-out: 7}}")
    one.host.put("no-such-directive ::error::x\n")
    result = one.run("lint", "--format", "github", str(one.host.config))
    commands = [line for line in result.out.splitlines() if line.startswith("::")]
    assert commands
    assert len(commands) == len(result.out.splitlines())


def test_sarif_makes_no_link_of_what_a_host_says(one: ProjectFolder) -> None:
    one.config("domain: {b.example: {max-smtp-out: 7}}")
    one.host.put("no-such[x](http://a.example) [x](http://a.example)\n[y](http://a.example)\n")
    results = one.run("lint", "--format", "sarif", "--host", "mta1").json()["runs"][0]["results"]
    texts = [result["message"]["text"] for result in results]
    assert any("a.example" in text for text in texts)
    assert not any("](" in text for text in texts)


def test_a_line_of_progress_is_one_line() -> None:
    from pmtaform.progress import Event, Phase
    from pmtaform.report.runs import event_line

    line = event_line(Event(host="mta1", phase=Phase.STAGING, detail=LINES, seconds=1.0))
    assert line.startswith("mta1: ")
    assert line.isprintable()
