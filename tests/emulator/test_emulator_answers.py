"""Commands and the forms of their answers (docs/powermta/operations.md sections 4 and 5)."""

import json
import re
import xml.etree.ElementTree as ET

import pytest

from pmtaform_emulator import figures, install
from pmtaform_emulator.commands import COMMANDS, CommandLineError, parse

TWO_VMTAS = "log-file /l\n<virtual-mta v1>\n</virtual-mta>\n<virtual-mta v2>\n</virtual-mta>\n"

SHORT = {
    "show ver": "show version",
    "show dom": "show domains",
    "clear dns *": "clear dnscache",
    "reset count": "reset counters",
    "rel": "reload",
    "show vmtas": "show vmtas",
    "show stat": "show status",
}
REFUSED = {
    "": "No command given",
    "show v": "Ambiguous command",
    "verify": "Unknown command",
    "check-config": "Unknown command",
    "status": "Unknown command",
    "show config": "Unknown command",
    "show": "Unknown command",
    "reload now": "unexpected argument",
    "show settings": "argument missing",
    "show status --json": "Unknown option",
    "--yaml show status": "Unknown option",
}


@pytest.mark.parametrize("words", SHORT)
def test_words_may_be_shortened(words):
    assert parse(words.split(), "5.0r8").command.name == SHORT[words]


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.least == 0])
def test_whole_words_are_never_ambiguous(command):
    assert parse(command.words, "5.0r8").command == command


@pytest.mark.parametrize("words", REFUSED)
def test_what_is_no_command_is_refused(host, words):
    host.start()
    code, result = host.pmta(*words.split())
    assert code == 1
    assert REFUSED[words] in result


def test_later_commands_are_unknown_to_older_releases():
    parse(["pause", "job", "1"], "4.5r3")
    with pytest.raises(CommandLineError):
        parse(["pause", "job", "1"], "4.0")


def test_version_has_the_documented_form_and_says_what_it_is(host):
    result = host.pmta("show", "version")[1]
    assert re.fullmatch(r"PowerMTA v5\.0r8 \(.+, 64-bit; pmtaform emulator, not PowerMTA\)\.", result)
    install(host.root, version="4.5r2")
    assert host.pmta("show", "version")[1].startswith("PowerMTA v4.5r2 (")


def test_json_has_the_documented_fields(host):
    host.start()
    document = host.json("show", "status")
    assert document["status"] == "success"
    assert "message" in document
    data = document["data"]
    assert data["mta"]["product"]["version"] == "5.0r8"
    assert data["mta"]["fullHostName"]
    assert data["mta"]["lak"]["serial"]
    assert data["status"]["status"] == "running"
    assert data["status"]["shuttingDown"] is False
    for way in ("smtpIn", "smtpOut"):
        assert set(data["status"]["conn"][way]) == {"cur", "max", "top"}
    assert set(data["status"]["queue"]["smtp"]) == {"rcp", "dom", "kb"}
    assert set(data["status"]["spool"]) == {"initPct", "totalRcp", "maxRcp"}
    assert host.json("show", "version")["data"]["mta"]["product"]["version"] == "5.0r8"


def test_xml_has_the_documented_shape(host):
    host.start(TWO_VMTAS)
    result = host.pmta("--xml", "show", "status")[1]
    assert result.startswith("<rsp><data>")
    assert result.endswith("</data><succ/></rsp>")
    root = ET.fromstring(result)
    assert root.findtext("data/status/shuttingDown") == "0"
    vmtas = ET.fromstring(host.pmta("--xml", "show", "vmtas")[1])
    assert [name.text for name in vmtas.findall("data/vmta/name")] == ["v1", "v2"]


def test_dom_has_the_documented_shape(host):
    host.start(TWO_VMTAS)
    lines = host.pmta("--dom", "show", "vmtas")[1].splitlines()
    assert 'vmta[1].name="v2"' in lines
    assert all(re.fullmatch(r'[A-Za-z]+(\[\d+\])?(\.[A-Za-z]+)*="[^"]*"', line) for line in lines)


@pytest.mark.parametrize("text", ["postmaster\n", 'smtp-listener "<&>\x01é:x\n'])
def test_errors_parse_in_every_form(host, text):
    host.start()
    host.write(text)
    error = host.pmta("reload")[1]
    code, result = host.pmta("--json", "reload")
    assert code == 1
    assert json.loads(result) == {"status": "error", "message": error, "data": {}}
    code, result = host.pmta("--xml", "reload")
    assert code == 1
    assert ET.fromstring(result).findtext("error", "").startswith("Error in line 1 of /etc/pmta/config: ")
    code, result = host.pmta("--dom", "reload")
    assert (code, result) == (1, f'error="{error}"')


def test_success_of_a_reload_in_every_form(host):
    host.start()
    assert host.json("reload") == {"status": "success", "message": "Configuration reloaded.", "data": {}}
    assert host.pmta("--xml", "reload") == (0, "<rsp><data></data><succ/></rsp>")
    assert host.pmta("--dom", "reload") == (0, 'message="Configuration reloaded."')


def test_vmtas_as_text_have_columns_and_a_footer(host):
    host.start(TWO_VMTAS)
    lines = host.pmta("show", "vmtas")[1].splitlines()
    assert lines[0].split() == ["name", "domains", "#rcpt", "%", "total", "kbytes", "conn"]
    assert [line.split()[0] for line in lines[1:-1]] == ["v1", "v2"]
    assert lines[-1] == "2 of 2 virtual MTA(s) shown."
    assert host.json("show", "vmtas", "--maxitems=1")["data"]["total"] == 2
    assert host.pmta("show", "vmtas", "--maxitems=x")[0] == 1


def test_queues_change_mode_until_the_restart(host):
    host.start()
    figures(host.root, queues={"gmail.com/v1": {"rcp": 7}, "gmail.com/v2": {}, "aol.com/v1": {}})
    assert host.pmta("set", "queue", "--mode=backoff", "gmail.com/*") == (0, "Queue(s) set to backoff mode.")
    assert host.pmta("pause", "queue", "aol.com/v1") == (0, "Queue(s) paused.")
    rows = {row["name"]: row for row in host.json("show", "queues")["data"]["queue"]}
    assert rows["gmail.com/v1"]["mode"] == rows["gmail.com/v2"]["mode"] == "backoff"
    assert rows["gmail.com/v1"]["rcp"] == 7
    assert (rows["aol.com/v1"]["mode"], rows["aol.com/v1"]["paused"]) == ("normal", True)
    assert len(host.json("show", "queues", "--mode=backoff")["data"]["queue"]) == 2
    assert len(host.json("show", "queues", "--paused")["data"]["queue"]) == 1
    assert len(host.json("show", "queues", "*/v1")["data"]["queue"]) == 2
    host.service("pmta", "restart")
    assert {row["mode"] for row in host.json("show", "queues")["data"]["queue"]} == {"normal"}
    assert host.pmta("set", "queue", "gmail.com/v1")[0] == 1


def test_figures_are_laid_over_the_status(host):
    host.start()
    figures(host.root, status={"queue": {"smtp": {"rcp": 5000}}, "shuttingDown": True})
    status = host.json("show", "status")["data"]["status"]
    assert status["queue"]["smtp"] == {"rcp": 5000, "dom": 0, "kb": 0.0}
    assert status["shuttingDown"] is True
    assert host.json("show", "domains")["data"]["domain"] == []
    figures(host.root)
    assert host.json("show", "status")["data"]["status"]["queue"]["smtp"]["rcp"] == 0


def test_the_licence_is_key_value_lines(host):
    assert "product: pmtaform emulator" in host.pmta("show", "license")[1]
    host.write("product: PowerMTA\nserial: 12\n", "/etc/pmta/license")
    assert host.json("show", "license")["data"]["license"] == {"product": "PowerMTA", "serial": "12"}


def test_known_commands_that_the_emulator_does_not_do_say_so(host):
    host.start()
    assert host.pmta("resolve", "example.com") == (1, "resolve: the pmtaform emulator does not do this")
    assert host.pmta("clear", "dns", "*") == (0, "DNS cache cleared.")
