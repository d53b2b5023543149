"""What a configuration does with replies: its pattern lists, its bounce categories, and two of them compared."""

from __future__ import annotations

import pytest
from policy_texts import CONFIG

from pmtaform.lang.effective import DEFAULT_VMTA
from pmtaform.lang.includes import Configuration, read_configuration
from pmtaform.policy.answers import Answering, Fate
from pmtaform.policy.catalogue import library
from pmtaform.policy.configured import ConfiguredAnswer, ConfiguredReplies
from pmtaform.policy.reply_changes import ReplyChange, reply_changes
from pmtaform.policy.reply_texts import SmtpReply

MAIN = "/etc/pmta/config"


def configuration(text: str = CONFIG, path: str = MAIN) -> Configuration:
    return read_configuration(path, {path: text.encode()})


def answer(*lines: str, domain: str = "example.com", vmta: str = DEFAULT_VMTA, text: str = CONFIG) -> ConfiguredAnswer:
    return ConfiguredReplies(configuration(text)).answer(SmtpReply(lines), domain, vmta)


@pytest.mark.parametrize(
    ("reply", "actions", "fate"),
    [
        ("421 slow down", ("mode=backoff",), Fate.KEPT),
        ("421 too many", ("mode=backoff", "defer-queue"), Fate.KEPT),
        ("421 back to normal", ("mode=backoff",), Fate.KEPT),
        ("450 back to normal, too many", ("mode=normal", "defer-queue"), Fate.KEPT),
        ("550 Ip Frequency Limited", ("skip-mx",), Fate.KEPT),
        ("550 no such user", (), Fate.LOST),
        ("450 mailbox is odd", ("bounce-rcpt",), Fate.LOST),
        ("250 OK", (), Fate.ACCEPTED),
        ("no code", (), Fate.UNKNOWN),
    ],
)
def test_every_matching_rule_counts_and_of_conflicting_ones_the_first(
    reply: str, actions: tuple[str, ...], fate: Fate
) -> None:
    result = answer(reply)
    assert (result.actions, result.fate) == (actions, fate)


@pytest.mark.parametrize(
    ("domain", "vmta", "name", "is_defined"),
    [
        ("example.com", DEFAULT_VMTA, "replies", True),
        ("gmail.com", DEFAULT_VMTA, "missing", False),
        ("*", DEFAULT_VMTA, "replies", True),
        ("moved.example", DEFAULT_VMTA, "replies", True),
    ],
)
def test_the_list_is_the_one_that_holds_for_the_queue(domain: str, vmta: str, name: str, is_defined: bool) -> None:
    result = answer("421 a", domain=domain, vmta=vmta)
    assert (result.list_name, result.is_defined) == (name, is_defined)


def test_without_a_list_no_rule_takes_a_reply() -> None:
    result = answer("421 a", text="log-file /var/log/pmta/log\n")
    assert (result.list_name, result.is_defined, result.rules, result.category) == (None, True, (), None)


@pytest.mark.parametrize(
    ("reply", "category"),
    [("452 mailbox full", "quota-issues"), ("550 5.1.1 who", "bad-mailbox"), ("550 nothing of these", "other")],
)
def test_the_first_bounce_category_decides(reply: str, category: str) -> None:
    result = answer(reply)
    assert result.category is not None
    assert result.category.category == category


def test_the_categories_of_the_vendor_hold_only_where_the_configuration_has_none() -> None:
    vendor = configuration(
        "<bounce-category-patterns>\n// vendor\n</bounce-category-patterns>\n", "/etc/pmta/config-defaults"
    )
    for text, category in ((CONFIG, "other"), ("log-file /var/log/pmta/log\n", "vendor")):
        result = ConfiguredReplies(configuration(text), vendor).answer(SmtpReply(("550 a",)), "example.com")
        assert result.category is not None
        assert result.category.category == category


def test_patterns_that_only_pcre_reads_are_named() -> None:
    assert [line.number for line in answer("421 a").unread] == [8, 12]


@pytest.mark.parametrize(
    ("lines", "depends"),
    [(("550-a", "550 b"), False), (("550-a", "550 rate"), True), (("550 a rate",), False)],
)
def test_an_answer_may_depend_on_how_lines_are_joined(lines: tuple[str, ...], depends: bool) -> None:
    assert answer(*lines, text=one_list("/a.*rate/ mode=backoff")).depends_on_joining is depends


def changes(before: str, after: str, *replies: str) -> list[ReplyChange]:
    answering = Answering(library().latest)
    questions = [(answering.answer(SmtpReply((reply,))), "example.com", DEFAULT_VMTA) for reply in replies]
    return list(reply_changes(questions, *(ConfiguredReplies(configuration(side)) for side in (before, after))))


def one_list(*rules: str) -> str:
    lines = "".join(f"reply {rule}\n" for rule in rules)
    return f"<smtp-pattern-list l>\n{lines}</smtp-pattern-list>\n<domain *>\nsmtp-pattern-list l\n</domain>\n"


@pytest.mark.parametrize(
    ("before", "after", "reply", "worse", "better"),
    [
        ("/x/ mode=backoff", "/^421/ mode=backoff", "421 too many connections", False, True),
        ("/^421/ mode=backoff", "/x/ mode=backoff", "421 too many connections", True, False),
        ("/x/ mode=backoff", "/550/ mode=backoff", "550 5.1.1 User unknown", True, False),
        ("/550/ mode=backoff", "/x/ mode=backoff", "550 5.1.1 User unknown", False, True),
        ("/550/ skip-mx", "/x/ skip-mx", "550 never seen before by anyone", True, False),
        ("/x/ skip-mx", "/421/ defer-queue", "421 never seen before by anyone", False, False),
    ],
)
def test_a_change_is_better_or_worse_by_what_the_reply_means(
    before: str, after: str, reply: str, worse: bool, better: bool
) -> None:
    (change,) = changes(one_list(before), one_list(after), reply)
    assert (change.is_worse, change.is_better) == (worse, better)


def test_the_same_effect_by_other_lines_is_no_change() -> None:
    before, after = one_list("/^421/ mode=backoff"), one_list("/x/ skip-mx", "/421/ mode=backoff")
    assert changes(before, after, "421 a", "550 b") == []
    assert changes(before, before, *(reply.text for reply in library().latest.replies)) == []
