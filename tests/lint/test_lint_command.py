"""`pmtaform lint` on files, folders, stacks and hosts."""

import json
import stat
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from pmtaform.api.linting import RuleChoice, lint_host, lint_path, lint_stack
from pmtaform.cli import lint as command
from pmtaform.cli.context import settings
from pmtaform.errors import PmtaformError, UsageError
from pmtaform.lang.splices import FileEdit, Splice
from pmtaform.sources import replace_native
from pmtaform.stack import load_stack

WHOLE = (
    "log-file /var/log/pmta/log\n<spool /var/spool/pmta>\n</spool>\npostmaster a@b.example\nrun-as-root "
    "no\nsmtp-listener 127.0.0.1:25\n<source 127.0.0.1>\nalways-allow-relaying yes\n</source>\n"
)
STACK = """\
stack: demo
unmanaged: remove
powermta: "4.5"
hosts:
  mta1: {transport: local, root: hosts/mta1, vars: {n: 1}}
  mta2: {transport: local, root: hosts/mta2, vars: {n: 2}}
config:
  log-file: /var/log/pmta/log
  http-access: [0/0 admin]
  domain:
    gmail.com:
      max-msg-rate: 83/10m
      # pmtaform: ignore short-retry because gmail asked for it
      retry-after: 20s
  virtual-mta:
    v${n}:
      smtp-source-host: 192.0.2.${n} mta${n}
native: [files/legacy.conf]
"""


@pytest.fixture
def run(monkeypatch):
    app = typer.Typer(rich_markup_mode=None)
    app.command()(command.lint)

    def invoke(*words: object, directory: Path | None = None):
        monkeypatch.setattr(settings, "directory", directory)
        result = CliRunner().invoke(app, [str(word) for word in words], standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        return result.return_value, result.stdout, result.stderr

    return invoke


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "stacks" / "demo"
    (folder / "files").mkdir(parents=True)
    (folder / "demo.yaml").write_text(STACK)
    (folder / "files" / "legacy.conf").write_text("<domain x.example>\n  max-smtp-out 5\n  max-smtp-out 6\n</domain>\n")
    return tmp_path


def rules(findings) -> list[tuple[str, str, int]]:
    return [(f.rule.code, Path(f.place.file).name, f.place.line or 0) for f in findings]


def test_a_file(run, tmp_path):
    path = tmp_path / "config"
    path.write_text(WHOLE + "http-access 0/0 admin\n")
    code, out, _ = run(path)
    assert code == 1
    assert f"{path}:10:13: error: Web monitor administered by everyone" in out


@pytest.mark.parametrize(("level", "code"), [("error", 0), ("warning", 0), ("info", 1)])
def test_fail_on(run, tmp_path, level, code):
    path = tmp_path / "config"
    path.write_text(WHOLE + "sync-msg-update true\n")
    assert run(path, "--fail-on", level)[0] == code


def test_a_file_alone_is_a_fragment(tmp_path):
    path = tmp_path / "domains.conf"
    path.write_text("<domain x>\nsmtp-pattern-list elsewhere\n</domain>\n")
    assert lint_path(path, RuleChoice()).findings == ()


def test_a_file_that_is_included_in_a_section(tmp_path):
    path = tmp_path / "replies.conf"
    path.write_text("reply /^421 / mode=backoff\nreply /(/ bounce-rcpt\n")
    assert rules(lint_path(path, RuleChoice()).findings) == [("invalid-regex", "replies.conf", 2)]


def test_what_a_loop_repeats_is_reported_a_few_times(project):
    path = project / "stacks" / "demo" / "demo.yaml"
    text = STACK.replace("    v${n}:\n", "    v${i}:\n      for-each: {i: 1..20}\n").replace("mta${n}\n", "mta${i}\n")
    path.write_text(text)
    linted = lint_stack(load_stack(path.parent), RuleChoice())
    items = [f for f in linted.findings if f.rule.code == "unqualified-ehlo-name"]
    assert len(items) == 5
    assert items[-1].detail.endswith("(And 15 more of the same at this place.)")
    assert len([f for f in linted.every if f.rule.code == "unqualified-ehlo-name"]) == 20


def test_a_folder_stands_for_etc_pmta(tmp_path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "config").write_text(WHOLE + "include /etc/pmta/conf.d/*.conf\ninclude /etc/pmta/none/*.conf\n")
    (tmp_path / "conf.d" / "b.conf").write_text("max-conn 3\n")
    (tmp_path / "conf.d" / "a.conf").write_text("relay-domain *\n")
    (tmp_path / "conf.d" / "not.txt").write_text("nonsense\n")
    findings = lint_path(tmp_path, RuleChoice())
    assert rules(findings.findings) == [("open-relay-recipients", "a.conf", 1), ("invented-directive", "b.conf", 1)]
    assert findings.findings[0].place.file == str(tmp_path / "conf.d" / "a.conf")


def test_a_folder_stands_for_a_machine(tmp_path):
    main = tmp_path / "etc" / "pmta" / "config"
    (tmp_path / "opt").mkdir()
    main.parent.mkdir(parents=True)
    main.write_text(WHOLE + "include /opt/x.conf\n<domain x>\nsmtp-pattern-list vendors\n</domain>\n")
    (tmp_path / "opt" / "x.conf").write_text("relay-domain *\n")
    (main.parent / "config-defaults").write_text("<smtp-pattern-list vendors>\n</smtp-pattern-list>\nrelay-domain *\n")
    for path in (tmp_path, main):
        assert rules(lint_path(path, RuleChoice()).findings) == [("open-relay-recipients", "x.conf", 1)]


def test_includes_do_not_lead_out_of_a_folder(tmp_path):
    (tmp_path / "pmta").mkdir()
    (tmp_path / "secret.conf").write_text("relay-domain *\n")
    (tmp_path / "pmta" / "config").write_text(WHOLE + "include /etc/pmta/../secret.conf\ninclude /etc/pmta/../*.conf\n")
    findings = lint_path(tmp_path / "pmta", RuleChoice())
    assert "open-relay-recipients" not in [f.rule.code for f in findings.findings]


def test_fix_mends_and_shows(run, tmp_path):
    path = tmp_path / "config"
    path.write_text(WHOLE + "<source 10/8>\nsmtp-service on\n</source>\n<domain x>\nmax-msg-rate 10/M\n</domain>\n")
    path.chmod(0o640)
    code, out, err = run(path, "--fix")
    assert code == 0
    assert out == "Nothing found.\n"
    assert "+smtp-service yes\n" in err
    assert "Fixed: bad-boolean, rate-unit-case." in err
    assert "smtp-service yes\n" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["config"]
    assert run(path, "--fix")[2] == ""


def test_fix_reaches_included_files(run, tmp_path):
    (tmp_path / "config").write_text(WHOLE + "include /etc/pmta/d.conf\n")
    (tmp_path / "d.conf").write_text("<domain x>\nmax-message-rate 10/M\nmax-msg-per-hour 5\n</domain>\n")
    run(tmp_path, "--fix")
    assert (tmp_path / "d.conf").read_text() == "<domain x>\nmax-message-rate 10/M\nmax-msg-rate 5/h\n</domain>\n"


def test_a_file_that_moved_is_left(tmp_path):
    path = tmp_path / "config"
    path.write_text("b\n")
    edit = FileEdit("/etc/pmta/config", ["a\n"], (Splice(0, 1, ("c\n",)),))
    with pytest.raises(PmtaformError, match="changed during"):
        replace_native(path, edit.content, expected=b"a\n")
    assert path.read_text() == "b\n"
    assert [p.name for p in tmp_path.iterdir()] == ["config"]


def test_rules_are_listed(run):
    code, out, _ = run("--rules")
    assert code == 0
    assert "  open-relay (error, security): Open relay\n" in out


def test_choosing_rules(run, tmp_path):
    path = tmp_path / "config"
    path.write_text(WHOLE + "http-access 0/0 admin\n<domain x>\nmax-rcpt-per-transaction 1\n</domain>\n")
    assert run(path, "--disable", "http-admin-for-everyone")[0] == 0
    assert "[alias]" in run(path, "--enable", "alias")[1]
    assert run(path, "--only", "no-spool")[1] == "Nothing found.\n"
    with pytest.raises(UsageError, match="Unknown lint rule"):
        run(path, "--only", "open-relai")


@pytest.mark.parametrize("words", [["nowhere.conf"], ["--fix"], ["a", "b"], ["--host", "mta9"]])
def test_what_cannot_be_asked(run, project, words):
    with pytest.raises(UsageError):
        run(*words, directory=project)


def test_a_stack(run, project):
    code, out, _ = run("demo", "--format", "json", directory=project)
    assert code == 1
    document = {(f["rule"], f["place"]["file"], f["place"]["line"], f["host"]) for f in json.loads(out)["findings"]}
    yaml = "stacks/demo/demo.yaml"
    assert ("http-admin-for-everyone", yaml, 9, None) in document
    assert ("not-in-version", yaml, 12, None) in document
    assert ("repeated-directive", "stacks/demo/files/legacy.conf", 3, None) in document
    assert {(yaml, 17, "mta1"), (yaml, 17, "mta2")} == {f[1:] for f in document if f[0] == "unqualified-ehlo-name"}
    assert not [f for f in document if f[0] in ("short-retry", "unused-suppression")]
    assert [f for f in document if f[0] == "no-spool"]


def test_a_stack_shows_its_own_lines(run, project):
    _, out, _ = run(directory=project)
    assert "stacks/demo/demo.yaml:9:17: error: Web monitor administered by everyone" in out
    assert "    9 |   http-access: [0/0 admin]\n      |                 ^~~~~~~~~\n" in out


def test_a_partial_stack_is_not_blamed_for_what_it_lacks(project):
    path = project / "stacks" / "demo" / "demo.yaml"
    path.write_text(STACK.replace("unmanaged: remove\n", ""))
    findings = lint_stack(load_stack(path.parent), RuleChoice())
    assert not [f for f in findings.findings if f.rule.whole]


def test_a_live_host(run, project):
    main = project / "stacks" / "demo" / "hosts" / "mta1" / "etc" / "pmta" / "config"
    main.parent.mkdir(parents=True)
    main.write_text(
        WHOLE + "domain-key s,*,/etc/pmta/s.pem\ndomain-key t,*,/etc/pmta/t.pem\n<domain *>\ndkim-sign yes\n</domain>\n"
    )
    (main.parent / "s.pem").write_text("key\n")
    (main.parent / "s.pem").chmod(0o644)
    findings = lint_host(load_stack(project / "stacks" / "demo"), "mta1", RuleChoice())
    assert ("missing-key-file", "config", 11) in rules(findings.findings)
    assert ("secret-file-readable", "config", 10) in rules(findings.findings)
    assert findings.findings[0].host == "mta1"
    code, out, _ = run("--host", "mta1", directory=project)
    assert code == 1
    assert "mta1: /etc/pmta/config:11:16: error: Missing file" in out
    assert "   11 | domain-key t,*,/etc/pmta/t.pem\n" in out


@pytest.mark.parametrize("name", ["sarif", "junit", "github"])
def test_formats(run, tmp_path, name):
    path = tmp_path / "config"
    path.write_text(WHOLE + "http-access 0/0 admin\n")
    code, out, _ = run(path, "--format", name)
    assert code == 1
    assert "http-admin-for-everyone" in out


def test_sarif_has_what_is_ignored_and_fixes_in_the_files_of_this_machine(run, tmp_path):
    path = tmp_path / "config"
    path.write_text(
        WHOLE + "http-access 0/0 admin # pmtaform: ignore http-admin-for-everyone because lab\n"
        "<domain x>\nmax-msg-rate 10/M\n</domain>\n"
    )
    code, out, _ = run(path, "--format", "sarif")
    assert code == 0
    results = {result["ruleId"]: result for result in json.loads(out)["runs"][0]["results"]}
    assert results["http-admin-for-everyone"]["suppressions"][0]["justification"] == "lab"
    assert results["rate-unit-case"]["suppressions"] == []
    (change,) = results["rate-unit-case"]["fixes"][0]["artifactChanges"]
    assert change["artifactLocation"]["uri"] == f"file://{path}"
    assert "http-admin-for-everyone" not in run(path)[1]
