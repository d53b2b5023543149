"""Printed runs, and who watches them."""

from __future__ import annotations

import io
import json
import threading

import pytest
from rich.console import Console

from pmtaform.diagnostics import Diagnostic
from pmtaform.progress import Event, Phase, Verdict
from pmtaform.report import event_line, run_text, write
from pmtaform.report.events import event_json, run_json
from pmtaform.report.progress import LiveTable, PlainLines, progress
from pmtaform.report.style import wants_colour
from pmtaform.rollout.model import HostResult, RunResult

REFUSED = Diagnostic(
    code="reload-failed",
    summary="PowerMTA did not take the new configuration",
    detail="The old files are back and in force. Correct the stack, and apply again.",
)


def result(*hosts: HostResult, interrupted: bool = False) -> RunResult:
    return RunResult(run="r1", hosts={host.host: host for host in hosts}, interrupted=interrupted)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_each_host_says_what_happened_and_the_totals_come_last() -> None:
    text = run_text(
        result(
            HostResult(host="mta1", verdict=Verdict.APPLIED, generation=4),
            HostResult(
                host="mta-two",
                verdict=Verdict.ROLLED_BACK,
                problem=REFUSED,
                output="Error in line 3 of /etc/pmta/config: \x1b[31mbad\n\nsecond\r\n",
            ),
        )
    )
    assert text == (
        "mta1     applied (generation 4)\n"
        "mta-two  rolled back: PowerMTA did not take the new configuration [reload-failed]\n"
        "    The old files are back and in force. Correct the stack, and apply again.\n"
        "    pmta printed:\n"
        "      | Error in line 3 of /etc/pmta/config: \\x1b[31mbad\n"
        "      | \n"
        "      | second\n"
        "\n"
        "Of 2 hosts: 1 applied, 1 rolled back.\n"
    )


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (result(), "Nothing was done: no host was to be changed."),
        (result(HostResult(host="a", verdict=Verdict.APPLIED)), "Applied: 1 host."),
        (
            result(*(HostResult(host=h, verdict=Verdict.UNCHANGED) for h in "ab")),
            "Unchanged: all 2 hosts.",
        ),
        (
            result(
                HostResult(host="a", verdict=Verdict.APPLIED),
                HostResult(host="b", verdict=Verdict.NOT_STARTED),
                interrupted=True,
            ),
            "Interrupted. Of 2 hosts: 1 applied, 1 not started.",
        ),
    ],
)
def test_totals(run: RunResult, says: str) -> None:
    assert run_text(run).splitlines()[-1] == says


def test_long_output_of_a_host_is_cut() -> None:
    text = run_text(result(HostResult(host="a", verdict=Verdict.FAILED, output="x\n" * 50)))
    assert "... 30 more lines" in text


def test_an_event_is_one_clean_line() -> None:
    event = Event(host="mta1", phase=Phase.ACTIVATING, detail="wave 1\n\x1b[2J", seconds=1.26)
    assert event_line(event) == "mta1: activating: wave 1 \\x1b[2J (1.3 s)"
    assert event_line(Event(host="a", phase=Phase.DONE, verdict=Verdict.APPLIED)) == "a: applied (0.0 s)"


def test_events_and_runs_as_json() -> None:
    line = event_json(Event(host="a", phase=Phase.DONE, verdict=Verdict.ROLLED_BACK, seconds=1.23456))
    assert line.index("\n") == len(line) - 1
    assert json.loads(line) == {
        "format": 1,
        "kind": "pmtaform-event",
        "host": "a",
        "phase": "done",
        "verdict": "rolled back",
        "detail": "",
        "seconds": 1.235,
    }
    document = json.loads(run_json(result(HostResult(host="a", verdict=Verdict.FAILED, problem=REFUSED))))
    assert (document["format"], document["kind"], document["exit_code"]) == (1, "pmtaform-run", 3)
    assert document["hosts"][0]["problem"]["code"] == "reload-failed"


def test_a_pipe_gets_plain_lines() -> None:
    stream = io.StringIO()
    with progress(stream, ["a"]) as watch:
        assert isinstance(watch, PlainLines)
        watch(Event(host="a", phase=Phase.CONNECTING))
        watch(Event(host="a", phase=Phase.DONE, verdict=Verdict.FAILED))
    assert stream.getvalue() == "a: connecting (0.0 s)\na: failed (0.0 s)\n"


def test_quiet_tells_only_what_went_wrong() -> None:
    stream = Terminal()
    with progress(stream, ["a"], quiet=True) as watch:
        watch(Event(host="a", phase=Phase.CONNECTING))
        watch(Event(host="a", phase=Phase.DONE, verdict=Verdict.APPLIED))
        watch(Event(host="b", phase=Phase.DONE, verdict=Verdict.STALE))
    assert stream.getvalue() == "b: stale (0.0 s)\n"


def test_a_terminal_gets_a_table_that_takes_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    stream = Terminal()
    hosts = [f"mta{i}" for i in range(30)]
    with progress(stream, hosts) as watch:
        assert isinstance(watch, LiveTable)

        def work(name: str) -> None:
            watch(Event(host=name, phase=Phase.CONNECTING, detail="[/etc/pmta/config] [host]:22 \x1b[2J"))
            if name != "mta7":
                watch(Event(host=name, phase=Phase.DONE, verdict=Verdict.APPLIED))

        threads = [threading.Thread(target=work, args=(name,)) for name in hosts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    shown = stream.getvalue()
    assert "29 of 30 hosts done" in shown
    assert "[/etc/pmta/config] [host]:22 \\x1b[2J" in shown


def test_the_table_says_how_long_each_host_has_been_in_its_phase() -> None:
    now = [100.0]
    table = LiveTable(Terminal(), ["mta1"], clock=lambda: now[0])

    def row() -> list[str]:
        console = Console(file=io.StringIO(), width=80)
        with console.capture() as drawn:
            console.print(table.rows())
        return drawn.get().splitlines()[0].split()

    table(Event(host="mta1", phase=Phase.PROBING, detail="first"))
    now[0] = 107.0
    table(Event(host="mta1", phase=Phase.PROBING, detail="second"))
    assert row() == ["mta1", "probing", "7", "s", "second"]
    table(Event(host="mta1", phase=Phase.ACTIVATING))
    now[0] = 108.4
    assert row() == ["mta1", "activating", "1", "s"]


def drawn(table: LiveTable) -> list[str]:
    console = Console(file=io.StringIO(), width=80)
    with console.capture() as text:
        console.print(table.rows())
    return [line.rstrip() for line in text.get().splitlines()]


def test_a_table_of_many_hosts_has_the_slowest_and_counts() -> None:
    now = [0.0]
    names = [f"mta{number:05}" for number in range(10_000)]
    table = LiveTable(Terminal(), names, clock=lambda: now[0])
    for name in names:
        table(Event(host=name, phase=Phase.CONNECTING))
        now[0] += 1
        if name < "mta09000":
            table(Event(host=name, phase=Phase.PLANNED))
    for name in names[9_000:9_990]:
        table(Event(host=name, phase=Phase.PROBING))
    for name in names[:40]:
        table(Event(host=name, phase=Phase.DONE, verdict=Verdict.FAILED))
    lines = drawn(table)
    assert lines[0].split() == ["mta09990", "connecting", "10", "s"]
    assert len(lines) == 16 + 1 + 1 + 5 + 1
    assert lines[16:18] == ["10 connecting  990 probing  8,960 planned", "35 earlier failures"]
    assert lines[18:23] == [f"{name}: failed (0.0 s)" for name in names[35:40]]
    assert lines[23] == "8,960 of 10,000 hosts planned  40 failed"


def test_a_host_that_is_rolled_back_later_is_counted_once() -> None:
    table = LiveTable(Terminal(), ["a", "b"])
    table(Event(host="a", phase=Phase.DONE, verdict=Verdict.APPLIED))
    table(Event(host="", phase=Phase.SOAKING, detail="60 s before wave 2 of 2"))
    assert drawn(table) == ["soaking: 60 s before wave 2 of 2", "1 of 2 hosts done  1 applied"]
    table(Event(host="a", phase=Phase.REVERTING))
    table(Event(host="a", phase=Phase.DONE, verdict=Verdict.ROLLED_BACK))
    assert drawn(table) == ["a: rolled back (0.0 s)", "1 of 2 hosts done  1 rolled back"]


def many_lines(hosts: int, failing: int, *, quiet: bool = False) -> list[str]:
    """What a pipe gets of a plan and an apply of many hosts."""
    stream = io.StringIO()
    names = [f"mta{number}" for number in range(hosts)]
    with progress(stream, names, quiet=quiet) as watch:
        for phase in (Phase.CONNECTING, Phase.PROBING, Phase.PLANNED):
            for name in names:
                watch(Event(host=name, phase=phase, seconds=2))
        watch(Event(host="", phase=Phase.SOAKING, detail="5 s before wave 2 of 2", seconds=3))
        for number, name in enumerate(names):
            verdict = Verdict.FAILED if number < failing else Verdict.APPLIED
            watch(Event(host=name, phase=Phase.DONE, verdict=verdict, detail="why", seconds=4))
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("quiet", [False, True])
def test_a_pipe_gets_a_line_for_each_twentieth_of_many_hosts(*, quiet: bool) -> None:
    lines = many_lines(10_000, failing=2, quiet=quiet)
    assert lines[0] == "500 of 10,000 hosts planned (2.0 s)"
    assert lines[19:23] == [
        "10,000 of 10,000 hosts planned (2.0 s)",
        "soaking: 5 s before wave 2 of 2 (3.0 s)",
        "mta0: failed: why (4.0 s)",
        "mta1: failed: why (4.0 s)",
    ]
    assert lines[23] == "500 of 10,000 hosts done: 2 failed, 498 applied (4.0 s)"
    assert lines[-1] == "10,000 of 10,000 hosts done: 2 failed, 9,998 applied (4.0 s)"
    assert len(lines) == 20 + 1 + 2 + 20


def test_a_pipe_does_not_get_a_line_for_each_of_many_failures() -> None:
    lines = many_lines(10_000, failing=9_000)
    assert sum(": failed:" in line for line in lines) == 20
    assert "more hosts failed; they are counted here, and named in the result" in lines
    assert len(lines) < 70


@pytest.mark.parametrize("hosts", [51, 99, 1_001])
def test_the_last_line_counts_all_hosts(hosts: int) -> None:
    assert many_lines(hosts, failing=0)[-1] == f"{hosts:,} of {hosts:,} hosts done: {hosts:,} applied (4.0 s)"


def test_colour_only_on_a_terminal_that_wants_it() -> None:
    assert wants_colour(Terminal(), {})
    assert not wants_colour(Terminal(), {"NO_COLOR": "1"})
    assert not wants_colour(Terminal(), {"TERM": "dumb"})
    assert not wants_colour(io.StringIO(), {})
    closed = io.StringIO()
    closed.close()
    assert not wants_colour(closed, {})


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "latin-1"])
def test_any_text_can_be_written_to_any_stream(encoding: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    write(stream, "a\udcff\ud800é…\n")
    stream.flush()
    assert stream.buffer.getvalue().startswith(b"a\\udcff\\ud800")  # type: ignore[attr-defined]
