"""Replies out of texts: lines, replies in several lines, accounting records."""

from __future__ import annotations

import csv

import pytest
from policy_texts import RECORDS

from pmtaform.policy.reply_texts import MOST_CHARACTERS, SmtpReply, looks_like_reply, replies_in


@pytest.mark.parametrize(
    ("text", "replies"),
    [
        ("", []),
        ("\n \r\n\t\n", []),
        ("421 a", [("421 a",)]),
        ("421 a\n550 b\n", [("421 a",), ("550 b",)]),
        ("421-a\n421-b\n421 c\n550 d", [("421-a", "421-b", "421 c"), ("550 d",)]),
        ("421-a\r\n421 b\r\n", [("421-a", "421 b")]),
        ("421-a\n550 b", [("421-a",), ("550 b",)]),
        ("421-a\n\n421 b", [("421-a",), ("421 b",)]),
        ("421-a", [("421-a",)]),
        ("smtp;421 a", [("421 a",)]),
        (" SMTP; 421 a smtp;b", [("421 a smtp;b",)]),
        ("421 a\x0bb\x85c\u2028d\r550 e", [("421 a\x0bb\x85c\u2028d",), ("550 e",)]),
        ("the word dsnDiag, in a text", [("the word dsnDiag, in a text",)]),
        ("554 #5.7.1 rejected # not a comment", [("554 #5.7.1 rejected # not a comment",)]),
        ("no code at all", [("no code at all",)]),
        ("\ufeff421 a", [("421 a",)]),
        ("4210 is no code", [("4210 is no code",)]),
        ("421\x1b[31m a", [("421\x1b[31m a",)]),
    ],
)
def test_a_text_has_one_reply_a_line(text: str, replies: list[tuple[str, ...]]) -> None:
    assert [reply.lines for reply in replies_in(text)] == replies


def test_records_are_read_by_the_header() -> None:
    assert list(replies_in(RECORDS)) == [
        *[
            SmtpReply(
                ("421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred",), "yahoo.fr", "yahoo.rollup", "v1"
            )
        ]
        * 2,
        SmtpReply(('550 Ip frequency limited, see "x"',), "qq.com", "qq.com", "v1"),
    ]


@pytest.mark.parametrize(
    ("text", "replies"),
    [
        ("dsnDiag\nsmtp;421 a\n", [SmtpReply(("421 a",))]),
        ("vmta,dsnDiag\nv1,SMTP; 421 a\n", [SmtpReply(("421 a",), None, None, "v1")]),
        ('dsnDiag\n"smtp;421-a\r\n421 b"\n', [SmtpReply(("421-a", "421 b"))]),
        ("dsnDiag,rcpt\nsmtp;421 a\n", [SmtpReply(("421 a",))]),
        ("rcpt,dsnDiag\nA@Example.COM,smtp;421 a\n", [SmtpReply(("421 a",), "example.com")]),
        ("dsnDiag\nx-pmta;bounce-queue\n421 a\n\n", []),
        ("dsnDiag\n", []),
    ],
)
def test_columns_may_be_missing(text: str, replies: list[SmtpReply]) -> None:
    assert list(replies_in(text)) == replies


def test_records_that_are_not_csv_are_an_error() -> None:
    with pytest.raises(csv.Error):
        list(replies_in('dsnDiag\n"' + "x" * (csv.field_size_limit() + 1) + '"\n'))


def test_a_long_reply_is_cut() -> None:
    (reply,) = replies_in("421 " + "x" * 1_000_000)
    assert len(reply.text) == MOST_CHARACTERS


@pytest.mark.parametrize(
    ("reply", "code", "forms"),
    [
        (SmtpReply(("421 a",)), "421", ("421 a",)),
        (SmtpReply(("421-a", "421 b")), "421", ("421-a 421 b", "421-a\n421 b")),
        (SmtpReply(("421",)), "421", ("421",)),
        (SmtpReply(("999 a",)), None, ("999 a",)),
        (SmtpReply(("4210 a",)), None, ("4210 a",)),
    ],
)
def test_a_reply_knows_its_code_and_what_a_pattern_may_see(
    reply: SmtpReply, code: str | None, forms: tuple[str, ...]
) -> None:
    assert (reply.code, reply.forms) == (code, forms)


@pytest.mark.parametrize(
    ("text", "is_reply"),
    [
        ("421 a", True),
        ("421", True),
        ("smtp;421", True),
        ("please try later", True),
        ("replies.csv", False),
        ("", False),
    ],
)
def test_a_text_is_told_from_the_name_of_a_file(text: str, is_reply: bool) -> None:
    assert looks_like_reply(text) is is_reply
