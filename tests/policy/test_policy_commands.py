"""`pmtaform providers` and `pmtaform replies` as commands."""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path

import pytest
from policy_texts import CONFIG, RECORDS
from projects import PROGRAM, CommandResult, ProjectFolder

from pmtaform.api.replies import read_replies
from pmtaform.diagnostics import Exit
from pmtaform.errors import UsageError
from pmtaform.policy.catalogue import library

REPLIES = "".join(f"{reply.text}\n" for reply in library().latest.replies)


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two configurations and files with replies, where commands run."""
    (tmp_path / "old").write_text(CONFIG)
    (tmp_path / "new").write_text(CONFIG.replace("/^421[ -]/", "/^4[25]1[ -]/"))
    (tmp_path / "acct.csv").write_text(RECORDS)
    (tmp_path / "many.txt").write_text(REPLIES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def program(folder: Path, line: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """A command line of a shell, `pmtaform` in it the program."""
    words = ["sh", "-c", line.replace("pmtaform", '"$@"'), "sh", *PROGRAM]
    return subprocess.run(words, cwd=folder, capture_output=True, input=given)


# -- providers ---------------------------------------------------------------------------------------------------------


def test_the_list_has_every_provider(project: ProjectFolder) -> None:
    result = project.run("providers").ended(0)
    assert all(f"\n{name}  " in f"\n{result.out}" for name in library().latest.providers)
    assert "(max-msg-per-connection: 50)" in result.out
    assert "51 providers, version 2026.11" in result.out


def test_one_provider_has_its_facts_with_sources(project: ProjectFolder) -> None:
    result = project.run("providers", "gmail.com").ended(0)
    assert "Gmail (gmail@2026.11)" in result.words
    assert "max-msg-per-connection: 50 (not published by the provider) [KSH, medium]" in result.words
    assert "rcpt-rate: no number published [G811, high]" in result.words
    assert "*.google.com [KSH, medium]" in result.words
    assert "low third party, old, or memory" in result.words
    assert "G811 Email sender guidelines, Google" in result.words


def test_a_number_of_the_provider_itself_is_not_marked(project: ProjectFolder) -> None:
    assert "connections: 500 [MPP, high]" in project.run("providers", "outlook").ended(0).out


def test_providers_as_json(project: ProjectFolder) -> None:
    every = json.loads(project.run("providers", "--format", "json").ended(0).out)
    assert (every["kind"], every["version"], len(every["providers"])) == ("pmtaform-providers", "2026.11", 51)
    one = json.loads(project.run("providers", "outlook", "--format", "json").ended(0).out)
    assert (one["kind"], one["id"], one["version"]) == ("pmtaform-provider", "outlook", "2026.11")
    assert [limit["published"] for limit in one["limits"]][:2] == [True, False]
    assert one["sources"]["MPP"]["title"].startswith("Outlook.com Postmaster")


def test_with_one_version_a_comparison_says_so(project: ProjectFolder) -> None:
    result = project.run("providers", "--diff", "gmail@2026.11", "gmail").ended(0)
    assert result.out == (
        "No fact differs between gmail@2026.11 and gmail.\nThis pmtaform has one version of the data, 2026.11.\n"
    )
    assert project.run("providers", "--diff", "gmail@2026.11").ended(0).out == result.out
    document = json.loads(project.run("providers", "--diff", "2026.11", "--format", "json").ended(0).out)
    assert (document["kind"], document["changes"]) == ("pmtaform-provider-changes", [])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("providers", "gmial"), "no-such-provider"),
        (("providers", "--diff", "2026.10", "2026.11"), "no-such-data-version"),
        (("replies", "421 a", "--provider", "gmial"), "no-such-provider"),
        (("replies",), "replies-missing"),
        (("replies", ""), "no-replies"),
        (("replies", "nowhere.txt"), "replies-unreadable"),
        (("replies", "."), "replies-unreadable"),
        (("replies", "421 a", "--against", "old"), "against-alone"),
        (("replies", "421 a", "--config", "nowhere"), "no-such-stack"),
        (("replies", "421 a", "--config", "old", "--vmta", "v2"), "no-such-virtual-mta"),
    ],
)
def test_what_cannot_be_is_an_error_of_usage(
    there: Path, project: ProjectFolder, arguments: tuple[str, ...], code: str
) -> None:
    result = project.run(*arguments).ended(Exit.USAGE)
    assert f"[{code}]" in result.err
    assert result.out == ""


# -- replies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "options", "words"),
    [
        (
            "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred",
            ("--domain", "yahoo.fr"),
            ("throttle-reputation", "of yahoo [SFM:", "tried again (4xx)", "mode=backoff,defer-queue"),
        ),
        (
            "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred",
            (),
            ("throttle-reputation", "of yahoo, found by the text alone"),
        ),
        (
            "421 4.7.0 [TSS04] Messages from 192.0.2.1",
            ("--provider", "gmail"),
            ("class unknown", "no standard rule takes it", "not known whether the queue should slow down"),
        ),
        ("550 Ip frequency limited", ("--provider", "qq"), ("throttle-rate", "lost (5xx)", "mode=backoff: slow")),
        ("550 5.1.1 User unknown", (), ("bad-mailbox", "one recipient", "leave the queue as it is")),
        ("552 the inbox of kim is full today", (), ("quota", "one recipient", "for every provider", "leave the queue")),
        ("500 5.6.1 Message content rejected", (), ("content", "this message", "labelled reply", "leave the queue")),
        ("250 OK", (), ("class accepted", "accepted (2xx)")),
        ("purple elephants are here", (), ("class unknown", "the text starts with no code")),
        ("554 5.7.1 #5.7.1 odd", (), ("554 5.7.1 #5.7.1 odd", "lost (5xx)")),
        ("smtp;421 too many connections", (), ("421 too many connections", "for every provider")),
        ("421-4.7.28 an unusual\n421 4.7.28 rate of unsolicited mail", (), ("421-4.7.28 an unusual", "of gmail")),
    ],
)
def test_a_reply_is_explained(
    project: ProjectFolder, reply: str, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    result = project.run("replies", reply, *options).ended(0)
    for each in words:
        assert each in result.words, result.out


def test_a_configuration_answers_with_its_lines(there: Path, project: ProjectFolder) -> None:
    result = project.run("replies", "421 too many", "--config", "old").ended(0)
    assert "*/{default}: mode=backoff, defer-queue, by its smtp-pattern-list replies" in result.words
    assert "reply /^421[ -]/ mode=backoff old:3" in result.words
    assert "reply /too many/ mode=backoff,defer-queue old:6" in result.words
    assert "other, by // old:14" in result.words
    assert "2 patterns that only PCRE can read may take a reply, too: old:8, old:12." in result.words


@pytest.mark.parametrize(
    ("reply", "options", "words"),
    [
        ("550 hello there", (), "no rule of its smtp-pattern-list replies takes it"),
        ("421 a", ("--domain", "gmail.com"), "its smtp-pattern-list missing is not defined in what was read"),
        ("550 a frequency limited", (), "mail then stays in the queue"),
        ("450 the mailbox is odd", (), "mail then bounced"),
        ("250 too many", (), "Whether PowerMTA looks at successful replies (2xx) at all is not documented."),
    ],
)
def test_what_a_configuration_does_is_said_in_words(
    there: Path, project: ProjectFolder, reply: str, options: tuple[str, ...], words: str
) -> None:
    assert words in project.run("replies", reply, "--config", "old", *options).ended(0).words


def test_a_host_is_asked_as_well(one: ProjectFolder) -> None:
    one.hosts["mta1"].put(CONFIG)
    one.config("postmaster: postmaster@example.com")
    result = one.run("replies", "421 a", "--config", "mta1").ended(0)
    assert "mode=backoff, by its smtp-pattern-list replies" in result.out


def test_records_bring_their_own_queue_and_provider(there: Path, project: ProjectFolder) -> None:
    document = json.loads(project.run("replies", "acct.csv", "--config", "old", "--format", "json").ended(0).out)
    rows = [
        (
            row["count"],
            row["provider"],
            row["class"],
            row["mail"],
            row["configured"]["domain"],
            row["configured"]["virtual_mta"],
        )
        for row in document["replies"]
    ]
    assert document["kind"] == "pmtaform-replies"
    assert rows == [
        (2, "yahoo", "throttle-reputation", "kept", "yahoo.rollup", "v1"),
        (1, "qq", "throttle-rate", "lost", "qq.com", "v1"),
    ]


def test_replies_of_several_queues_are_one_where_no_configuration_is_asked(there: Path, project: ProjectFolder) -> None:
    rows = "".join(f"a@yahoo.fr,smtp;421 a,q{n}/v{n}\n" for n in range(12))
    (there / "queues.csv").write_text(f"rcpt,dsnDiag,queue\n{rows}")
    assert "421 a (12 times)\n" in project.run("replies", "queues.csv").ended(0).out
    result = project.run("replies", "queues.csv", "--config", "old").ended(0)
    assert result.out.startswith("12 replies, 1 of them different\n")
    assert "     12  421 a\n" in result.out


def test_many_replies_are_counted(there: Path, project: ProjectFolder) -> None:
    result = project.run("replies", "many.txt", "--config", "old").ended(0)
    # 12 of the 912 lines continue on the next one, because that has the same code
    assert result.out.startswith("900 replies, ")
    assert "throttle-rate" in result.out
    assert "Mail is lost though the reply means slower (5xx):" in result.out
    assert "Should slow the queue, and do not:" in result.out
    assert "Slow the queue, and should not:" in result.out
    assert "--all shows them" in result.out
    assert "--all shows them" not in project.run("replies", "many.txt", "--config", "old", "--all").ended(0).out


def test_replies_that_change_their_effect_are_a_table(there: Path, project: ProjectFolder) -> None:
    result = project.run("replies", "--config", "new", "--against", "old").ended(0)
    assert "of 912 replies change their effect" in result.out
    assert "worse: nothing [other] -> mode=backoff [other]" in result.out
    assert "better: nothing [other] -> mode=backoff [other]" in result.out
    same = project.run("replies", "--config", "old", "--against", "old").ended(0)
    assert same.out == "None of 912 replies changes its effect.\n"


def test_replies_that_change_their_effect_as_json(there: Path, project: ProjectFolder) -> None:
    options = ("--config", "new", "--against", "old", "--provider", "outlook", "--format", "json")
    document = json.loads(project.run("replies", *options).ended(0).out)
    assert document["kind"] == "pmtaform-reply-changes"
    assert document["replies"] == 39
    assert {change["provider"] for change in document["changes"]} == {"outlook"}
    assert {change["before"]["domain"] for change in document["changes"]} == {"outlook.com"}
    assert {tuple(change["after"]["actions"]) for change in document["changes"]} == {("mode=backoff",)}


def test_given_replies_are_compared_instead_of_the_labelled_ones(there: Path, project: ProjectFolder) -> None:
    result = project.run("replies", "451 too much", "--config", "new", "--against", "old").ended(0)
    assert "1 of 1 reply change" in result.out
    assert "different: nothing [other] -> mode=backoff [other]" in result.out


# -- input -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "There is no reply"),
        (b"\n\n", "There is no reply"),
        (b"421 a\0b\n", "NUL bytes"),
        (gzip.compress(b"421 a\n", mtime=0), "zcat FILE | pmtaform replies -"),
        (b"dsnDiag\nx-pmta;bounce-queue\n", "There is no reply"),
        (b'dsnDiag\n"' + b"x" * 200_000 + b'"\n', "It is not CSV"),
    ],
)
def test_input_without_replies_is_an_error(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "replies"
    path.write_bytes(content)
    for source, stdin in ((str(path), b""), ("-", content)):
        with pytest.raises(UsageError) as caught:
            read_replies(source, lambda most, stdin=stdin: stdin[:most])
        assert words in str(caught.value)


def test_input_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "replies"
    path.write_bytes(b"421 a\n" * 10)
    for source in (str(path), "-"):
        with pytest.raises(UsageError, match=r"(?i)larger"):
            read_replies(source, lambda most: path.read_bytes()[:most], most=20)


def test_bytes_that_are_no_text_are_shown_as_escapes(there: Path, project: ProjectFolder) -> None:
    (there / "odd").write_bytes(b"550 \xff\x1b[31m odd\n")
    assert "550 \\xff\\x1b[31m odd" in project.run("replies", "odd").ended(0).out


def test_standard_input_and_a_closed_pipe(there: Path) -> None:
    process = program(there, "pmtaform replies - < acct.csv")
    assert (process.returncode, process.stderr) == (0, b"")
    assert b"throttle-reputation" in process.stdout
    process = program(there, "{ pmtaform replies many.txt --all; echo $? >&2; } | head -1")
    assert process.stderr == b"0\n"
    assert program(there, "pmtaform replies - <&-").returncode == Exit.USAGE


def test_the_help_names_what_can_be_given(project: ProjectFolder) -> None:
    for command, words in (("replies", "TEXT|FILE|-"), ("providers", "[NAME]")):
        result: CommandResult = project.run(command, "--help").ended(0)
        assert words in result.out
