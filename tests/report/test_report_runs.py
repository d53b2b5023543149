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
