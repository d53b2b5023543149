"""What is looked at before a change is confirmed: settings in force, listeners, the stack's checks, the queues."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from projects import RUNS, CommandResult, ProjectFolder

from pmtaform.api import ApplyRequest, PlanRequest, Project, apply_plan, make_plan
from pmtaform.clock import SetClock
from pmtaform.diagnostics import Exit
from pmtaform.host import Answer
from pmtaform.model.operations import Check, CheckKind
from pmtaform.rollout import checks
from pmtaform.rollout.figures import NoFigures, field, figures
from pmtaform.rollout.model import RunResult

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
WANTED = "config: {postmaster: a@example.com}"
NEW = RUNS + "postmaster a@example.com\n"


@pytest.fixture
def host(project: ProjectFolder) -> ProjectFolder:
    """One host that runs a few lines of PowerMTA."""
    project.add_host("mta1").stand_in()
    return project


@contextmanager
def greeting(result: bytes, times: int | None = None) -> Iterator[int]:
    """Something on loopback that greets with `result` (after `times` connections with nothing), on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        silent = [times or 0]

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    silent[0] -= 1
                    if silent[0] < 0:
                        connection.sendall(result)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def with_checks(project: ProjectFolder, **own: object) -> CommandResult:
    """An apply with these checks, each tried once."""
    listed = {name: {"tries": 1, "within": 5, **value} for name, value in own.items()}  # type: ignore[dict-item]
    project.stack(f"{WANTED}\nchecks: {json.dumps(listed)}\n")
    return project.apply()


def taken_back(project: ProjectFolder, result: CommandResult, *told: str) -> None:
    result.ended(Exit.SOME_FAILED)
    for words in told:
        assert words in result.words, result.all
    assert "mta1 rolled back" in result.words
    assert project.host.running == project.host.read() == RUNS
    assert project.host.leftovers() == []


# -- the stack's own ----


def test_a_command_on_the_host(host: ProjectFolder) -> None:
    host.host.put("#!/bin/sh\necho all is $1\n[ $1 = well ]\n", "/usr/bin/look", 0o755)
    result = with_checks(host, mine={"command": ["/usr/bin/look", "sick"]})
    taken_back(host, result, "check: the check mine failed: it ended with exit code 1 and printed: all is sick")
    with_checks(host, mine={"command": ["/usr/bin/look", "well"]}).ended(Exit.OK)
    assert host.host.running == NEW


def test_a_command_that_hangs_has_its_time(host: ProjectFolder) -> None:
    result = with_checks(host, mine={"command": ["sleep", "100"], "within": 1})
    taken_back(host, result, "the check mine failed: it took too long")


@pytest.mark.parametrize("side", ["host", "client"])
def test_an_smtp_greeting(host: ProjectFolder, side: str) -> None:
    with greeting(b"554 no\r\n") as port:
        result = with_checks(host, out={"smtp": f"127.0.0.1:{port}", "from": side})
        taken_back(host, result, f"127.0.0.1:{port} greets with '554 no' instead of 220")
    with greeting(b"220 mta1.example.com ESMTP\r\n") as port:
        with_checks(host, out={"smtp": port, "from": side}).ended(Exit.OK)
    result = with_checks(host, out={"smtp": port, "from": side})
    assert host.host.running == NEW, "what is as wanted is not checked"


@pytest.mark.parametrize("side", ["host", "client"])
def test_a_port_that_nothing_listens_on(host: ProjectFolder, side: str) -> None:
    with greeting(b"") as port:
        pass
    taken_back(host, with_checks(host, port={"tcp": port, "from": side}), f"nothing answers on 127.0.0.1:{port}")


def test_a_web_page(host: ProjectFolder) -> None:
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404 if "gone" in self.path else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        result = with_checks(host, web={"http": f"{url}/gone", "from": "client"})
        taken_back(host, result, f"{url}/gone answers with 404 instead of 200")
        with_checks(host, web={"http": f"{url}/gone", "status": [404, 410], "from": "client"}).ended(Exit.OK)
        server.shutdown()


def test_figures_and_queues(host: ProjectFolder) -> None:
    queues = [{"name": "gmail.com/a", "mode": "backoff"}, {"name": "gmail.com/b", "mode": "normal"}]
    host.host.tell("queues.json", json.dumps({"status": "success", "data": {"queue": queues}}))
    result = with_checks(host, gmail={"backoff": "gmail.com/*"})
    taken_back(host, result, "1 queues of gmail.com/* are in back-off (gmail.com/a …), and 0 may be")
    result = with_checks(host, spool={"status": "spool.totalRcp", "above": 0})
    taken_back(host, result, "spool.totalRcp is 0, and must be above 0")
    result = with_checks(host, spool={"status": "no.such", "above": 0})
    taken_back(host, result, "pmta show status has no number no.such")
    with_checks(
        host, gmail={"backoff": "gmail.com/*", "at-most": 1}, spool={"status": "spool.totalRcp", "below": 5}
    ).ended(0)


def library(project: ProjectFolder, clock: SetClock) -> RunResult:
    root = Project(project.root)
    planned = make_plan(root, root.load("fleet"), PlanRequest(keep_open=True, clock=clock))
    try:
        with root.lock("fleet", "test") as lock:
            return apply_plan(planned, ApplyRequest(lock=lock))
    finally:
        planned.close()


def test_what_fails_at_first_is_tried_again(host: ProjectFolder) -> None:
    clock = SetClock(NOON)
    with greeting(b"220 here\r\n", times=2) as port:
        host.stack(f"{WANTED}\nchecks: {{out: {{smtp: {port}, tries: 3, every: 7s}}}}\n")
        result = library(host, clock)
    assert result.exit_code is Exit.OK, result.hosts["mta1"].problem
    assert clock.waits == [7.0, 7.0]


# -- PowerMTA's own ----


def settings(host: ProjectFolder, text: str) -> CommandResult:
    host.stack("config: {domain: {gmail.com: {max-smtp-out: 30, max-msg-rate: 500/h}}}")
    host.host.tell("settings", text)
    return host.apply()


def test_the_settings_in_force_are_those_that_were_written(host: ProjectFolder) -> None:
    result = settings(host, "max-smtp-out 20\nmax-msg-rate 500/h\n")
    told = "max-smtp-out of gmail.com is 20, and the new configuration sets 30"
    taken_back(host, result, "the configuration in force is not the new one", told)


@pytest.mark.parametrize("text", ["max-smtp-out 30\nmax-msg-rate 500/h\n", "max-msg-rate 500/1h\nmax-smtp-out 30\n"])
def test_the_same_in_other_words_is_the_same(host: ProjectFolder, text: str) -> None:
    result = settings(host, text).ended(Exit.OK)
    assert "in-force-partly-compared" not in result.words


@pytest.mark.parametrize("text", ["", "max-smtp-out thirty\nmax-msg-rate 500/h\n"])
def test_what_cannot_be_understood_is_a_remark(host: ProjectFolder, text: str) -> None:
    result = settings(host, text).ended(Exit.OK)
    assert "[in-force-partly-compared]" in result.words


def test_listeners_must_greet_where_any_did_before(host: ProjectFolder) -> None:
    with greeting(b"220 here\r\n") as port:
        host.host.put(f"{RUNS}smtp-listener 127.0.0.1:{port}\n").stand_in()
        host.stack(WANTED)
        host.apply().ended(Exit.OK)
        before = host.host.read()
        host.stack(f"config: {{smtp-listener: [127.0.0.1:{port}, 127.0.0.1:1]}}")
        result = host.apply().ended(Exit.SOME_FAILED)
        assert "the listener 127.0.0.1:1 does not greet with 220" in result.words
        assert host.host.running == host.host.read() == before


def test_where_nothing_greeted_before_nothing_is_asked_for(host: ProjectFolder) -> None:
    host.stack("config: {smtp-listener: 127.0.0.1:1}")
    host.apply().ended(Exit.OK)
    assert "smtp-listener 127.0.0.1:1" in host.host.running


# -- observation ----


def queues_of(host: ProjectFolder, backoff: int, normal: int, errors: int = 0) -> str:
    rows = [{"name": f"b{n}/v", "mode": "backoff"} for n in range(backoff)]
    rows += [{"name": f"n{n}/v", "mode": "normal"} for n in range(normal)]
    for row in rows[:errors]:
        row["event"] = [{"type": "error", "time": "now", "text": "421"}]  # type: ignore[assignment]
    return json.dumps({"status": "success", "data": {"queue": rows}})


class Watched(SetClock):
    """A clock that lets the queues do something else after each wait."""

    def __init__(self, host: ProjectFolder, then: Sequence[str]) -> None:
        super().__init__(NOON)
        self.host = host
        self.then = list(then)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        if self.then:
            self.host.host.tell("queues.json", self.then.pop(0))
        return super().wait(event, seconds)


def observed(host: ProjectFolder, *then: str) -> tuple[RunResult, Watched]:
    host.stack(f"{WANTED}\nobserve: 10m\ntolerance: 5\n")
    host.host.tell("queues.json", queues_of(host, 1, 99))
    clock = Watched(host, then)
    return library(host, clock), clock


def test_more_queues_in_backoff_take_the_host_back(host: ProjectFolder) -> None:
    result, clock = observed(host, queues_of(host, 2, 98), queues_of(host, 10, 90))
    problem = result.hosts["mta1"].problem
    assert problem is not None
    assert (
        "observe: the share of queues in back-off went from 1 % to 10 % of 100, and tolerance is 5 points"
        in problem.detail
    )
    assert len(clock.waits) == 2
    assert host.host.running == RUNS


def test_more_queues_with_errors_take_the_host_back(host: ProjectFolder) -> None:
    result, _ = observed(host, queues_of(host, 1, 99, errors=20))
    assert "the share of queues with errors went from 0 % to 20 %" in str(result.hosts["mta1"].problem)


def test_within_the_tolerance_it_is_confirmed_when_the_time_is_over(host: ProjectFolder) -> None:
    result, clock = observed(host, queues_of(host, 3, 97), queues_of(host, 5, 95))
    assert result.exit_code is Exit.OK
    assert sum(clock.waits) == 600
    assert max(clock.waits) <= 40, "the host hears of us well within its time for a confirmation"
    assert host.host.running == NEW


@pytest.mark.parametrize(
    ("before", "now", "bad"),
    [
        (checks.Mood(0, 0, 100), checks.Mood(5, 0, 100), False),
        (checks.Mood(0, 0, 100), checks.Mood(6, 0, 100), True),
        (checks.Mood(0, 0, 4), checks.Mood(50, 0, 4), False),
        (checks.Mood(0, 0, 4), checks.Mood(75, 0, 4), True),
        (checks.Mood(50, 50, 100), checks.Mood(10, 10, 100), False),
        (checks.Mood(0, 0, 0), checks.Mood(0, 0, 0), False),
        (checks.Mood(0, 1, 50), checks.Mood(0, 9, 50), True),
    ],
)
def test_a_share_of_few_queues_means_little(before: checks.Mood, now: checks.Mood, *, bad: bool) -> None:
    assert bool(checks.worse(before, now, 5)) == bad


# -- what PowerMTA says, in its forms ----

STATUS = {"status": {"status": "running", "queue": {"smtp": {"rcp": 7}}, "shuttingDown": False}}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"status": "success", "data": STATUS}),
        "<rsp><data><status><status>running</status><queue><smtp><rcp>7</rcp></smtp></queue></status></data><succ/></rsp>",
    ],
    ids=["json", "xml"],
)
def test_a_number_is_found_in_either_form(text: str) -> None:
    assert field(figures(Answer(0, text)), "queue.smtp.rcp") == 7


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(1, ""), "pmta failed with exit 1"),
        (Answer(0, "running"), "neither JSON nor XML"),
        (Answer(0, '{"status": "error"}'), "pmta reports an error"),
        (Answer(0, '{"status": "success"}'), "no data"),
        (Answer(0, "<rsp><error>no</error></rsp>"), "pmta reports an error"),
        (Answer(0, '<!DOCTYPE x [<!ENTITY a "b">]><rsp><data/><succ/></rsp>'), "declares entities"),
        (Answer(0, "[" * 100000), "neither JSON nor XML"),
    ],
)
def test_what_is_no_answer_is_reported(answer: Answer, why: str) -> None:
    with pytest.raises(NoFigures, match=why):
        figures(answer)


def test_an_unknown_program_is_reported() -> None:
    check = Check(name="x", kind=CheckKind.COMMAND, argv=("x",))
    assert checks.judge(check, Answer(127, "")) == "the check x failed: it ended with exit code 127"
