"""Names, paths and values of a stack never run: they are refused with their place, or written as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from projects import RUNS, ProjectFolder

from pmtaform.diagnostics import Exit

BAD = {
    "command": "$(touch {trap})",
    "backticks": "`touch {trap}`",
    "semicolon": "x; touch {trap} #",
    "quotes": "x' ; touch {trap}; echo '",
    "double quotes": 'x" ; touch {trap}; echo "',
    "newline": "x\ntouch {trap}",
    "pipe": "x | touch {trap}",
    "leading dash": "--help",
    "option with a program": "-oProxyCommand=touch {trap}",
    "glob": "/*",
    "escape sequence": "\x1b]0;owned\x07",
    "nothing": "",
    "blank": " ",
    "a percent form": "%n%s",
    "a backslash": "a\\nb",
    "a tab": "a\tb",
}
PLACES = {
    "value of a directive": "config: {{postmaster: {bad}}}",
    "name of a section": "config: {{domain: {{{bad}: {{max-smtp-out: 5}}}}}}",
    "name of a virtual MTA": "config: {{virtual-mta: {{{bad}: {{max-smtp-out: 5}}}}}}",
    "line of native text": "config: {{smtp-pattern-list: {{a: [{bad}]}}}}",
    "path of a native file": "native: [{{file: files/a.conf, path: {bad}}}]",
    "native file": "native: [{bad}]",
    "path of a key": "dkim-keys: {{example.com/s1: {{private-key: file:key.pem, path: {bad}}}}}",
    "owner of a key": "dkim-keys: {{example.com/s1: {{private-key: file:key.pem, owner: {bad}}}}}",
    "name of a key": "dkim-keys: {{{bad}: {{private-key: file:key.pem}}}}",
    "allowed path": "allowed-paths: [{bad}]\nconfig: {{postmaster: a@example.com}}",
    "key of a stack": "{bad}: 1",
    "variable": "vars: {{v: {bad}}}\nconfig: {{postmaster: '${{v}}'}}",
}


WORST = ("command", "semicolon", "quotes", "newline", "leading dash", "option with a program", "nothing")
WHOLE = ("value of a directive", "name of a virtual MTA", "path of a key")  # where every kind is tried


@pytest.mark.parametrize(
    ("place", "bad"), [(place, bad) for place in PLACES for bad in (BAD if place in WHOLE else WORST)]
)
def test_what_a_stack_says_is_data(one: ProjectFolder, tmp_path: Path, place: str, bad: str) -> None:
    trap = tmp_path / "trap"
    text = BAD[bad].format(trap=trap)
    one.add_file("files/a.conf", "postmaster a@example.com\n")
    one.add_file("key.pem", "a key\n")
    one.stack(PLACES[place].format(bad=json.dumps(text)), activation="none")
    outside = {p for p in one.host.root.rglob("*") if "etc/pmta" not in str(p)}
    result = one.apply("--allow", "open-relay")
    assert result.code in (Exit.OK, Exit.INVALID), result.all
    assert not trap.exists()
    assert "this is a bug" not in result.all
    assert "\x1b" not in result.all
    if result.code == Exit.INVALID:
        assert "stack.yaml:" in result.err, "the place is reported"
        assert one.host.read() == RUNS
    new = {p for p in one.host.root.rglob("*") if "etc/pmta" not in str(p)} - outside
    assert all("var" in p.parts for p in new), "nothing is written outside of the folder of PowerMTA and our own"
    assert one.host.leftovers() == []


HOST_KEYS = ["root", "config-path", "pmta", "commands", "address", "user", "proxy-jump", "known-hosts"]


@pytest.mark.parametrize("key", HOST_KEYS)
@pytest.mark.parametrize("bad", WORST)
def test_what_a_stack_says_of_its_host_is_data(one: ProjectFolder, tmp_path: Path, key: str, bad: str) -> None:
    trap = tmp_path / "trap"
    text = BAD[bad].format(trap=trap)
    ssh = {"transport": "ssh", "root": "/", "address": "127.0.0.1", "port": 1, "connect-timeout": 2}
    base = ssh if key in ("address", "user", "proxy-jump", "known-hosts") else {}
    value = {"restart": [text]} if key == "commands" else text
    one.stack("config: {postmaster: a@example.com}", hosts={"mta1": {**base, key: value}}, activation="none")
    if key == "address":
        result = one.run("validate")  # no name is looked up
        assert result.code in (Exit.OK, Exit.INVALID)
    else:
        result = one.apply()
        assert result.code in (Exit.OK, Exit.INVALID, Exit.UNREACHABLE, Exit.SOME_FAILED), result.all
    assert not trap.exists()
    assert "this is a bug" not in result.all
    assert "\x1b" not in result.all


@pytest.mark.parametrize("bad", [name for name in BAD if name not in ("nothing", "blank")])
def test_the_name_of_a_host_is_data(one: ProjectFolder, tmp_path: Path, bad: str) -> None:
    trap = tmp_path / "trap"
    name = BAD[bad].format(trap=trap)
    host = {"transport": "local", "root": "hosts/mta1", "activation": "none"}
    body = {"stack": "fleet", "hosts": {name: host}, "config": {"postmaster": "a@example.com"}}
    (one.folder / "stack.yaml").write_text(json.dumps(body))
    result = one.apply()
    assert result.code == Exit.INVALID, result.all
    assert not trap.exists()
    assert one.host.read() == RUNS


def test_what_is_written_is_written_literally(one: ProjectFolder) -> None:
    value = "$(touch x) `id` ; 'q' \\n %s @example.com"
    one.config(f"smtp-user: {{anna: {{password: {json.dumps(value)}}}}}")
    one.apply().ended(Exit.OK)
    assert f"    password {value}\n" in one.host.read()
    one.settled()


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "/etc/pmta/../passwd", "/etc/pmta-evil/x", "etc/pmta/x", "/etc/pmta", "/etc/pmta/", "//etc/pmta/x"],
)
def test_a_stack_writes_only_where_powermtas_files_live(one: ProjectFolder, path: str) -> None:
    one.add_file("files/a.conf", "postmaster a@example.com\n")
    one.stack(f"native: [{{file: files/a.conf, path: {json.dumps(path)}}}]", activation="none")
    assert "stack.yaml:" in one.apply().ended(Exit.INVALID).err
    one.add_file("key.pem", "a key\n")
    one.stack(
        f"dkim-keys: {{example.com/s1: {{private-key: file:key.pem, path: {json.dumps(path)}}}}}", activation="none"
    )
    one.apply().ended(Exit.INVALID)
    one.stack("config: {postmaster: a@example.com}", hosts={"mta1": {"config-path": path}}, activation="none")
    one.apply().ended(Exit.INVALID)
    assert not [p for p in one.host.root.rglob("*") if p.is_file() and p != one.host.config]


@pytest.mark.parametrize("folder", ["/", "/etc", "relative", "/etc/../", "/a;b"])
def test_a_folder_that_holds_more_than_powermtas_files_cannot_be_allowed(one: ProjectFolder, folder: str) -> None:
    one.config("postmaster: a@example.com", f"allowed-paths: [{json.dumps(folder)}]\n")
    one.run("validate").ended(Exit.INVALID)


def test_a_link_that_is_planted_after_the_plan_is_not_followed(one: ProjectFolder, tmp_path: Path) -> None:
    """The folder becomes a link while the operator reads the plan: nothing is written through it."""
    one.config("postmaster: a@example.com")
    path = one.save_plan()
    theirs = tmp_path / "theirs"
    one.host.at("/etc/pmta").rename(theirs)
    one.host.at("/etc/pmta").symlink_to(theirs)
    result = one.run("apply", path)
    assert result.code in (Exit.STALE, Exit.SOME_FAILED)
    assert "symbolic link" in result.words
    assert (theirs / "config").read_text() == RUNS


def test_what_hosts_say_is_cleaned_before_it_is_shown(live: ProjectFolder) -> None:
    live.stack("config: {postmaster: a@example.com}")
    live.host.fault("reload", "fail", message="\x1b[31mred\x1b[0m \x07bell\r\nsecond \x9b2J line")
    result = live.apply().ended(Exit.SOME_FAILED)
    assert "red" in result.out
    for character in "\x1b\x07\x9b\r":
        assert character not in result.all
