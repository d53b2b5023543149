"""What the standard rules take of the labelled replies: nearly all that should slow a queue, and no other."""

from __future__ import annotations

import pytest

from pmtaform.policy.catalogue import library
from pmtaform.policy.known_replies import LabelledReply, without_variables
from pmtaform.policy.standard_rules import SLOWING, ReplyClass, StandardRule, rule_that_takes

DATA = library().latest
SLOWED = [reply for reply in DATA.replies if reply.slows]
NOT_SLOWED = [reply for reply in DATA.replies if reply.slows is False]


def rule_for(reply: LabelledReply) -> StandardRule | None:
    return rule_that_takes(reply.text, DATA.rules_for(reply.provider))


def slows(reply: LabelledReply, owner: str) -> bool:
    """Whether a rule takes the reply that slows a queue."""
    rule = rule_that_takes(reply.text, DATA.rules_for(owner))
    return rule is not None and rule.reply_class.slows


def test_the_replies_are_those_that_were_counted() -> None:
    assert (len(SLOWED), len(NOT_SLOWED)) == (304, 543)


def test_the_rules_take_nearly_every_reply_that_should_slow_a_queue() -> None:
    taken = [reply for reply in SLOWED if slows(reply, reply.provider)]
    assert len(taken) >= 0.98 * len(SLOWED)


def test_the_rules_slow_no_queue_for_a_reply_about_something_else() -> None:
    assert {reply.text for reply in NOT_SLOWED if slows(reply, reply.provider)} == set()


def test_rules_that_only_explain_say_the_class_that_a_person_gave() -> None:
    rules = [(reply, rule_for(reply)) for reply in DATA.replies]
    explained = [(reply, rule) for reply, rule in rules if rule is not None and not rule.reply_class.slows]
    assert [reply.text for reply, rule in explained if rule.reply_class is not reply.reply_class] == []
    assert len(explained) > 200


def test_the_rules_of_one_provider_hardly_ever_take_a_reply_of_another() -> None:
    wrong = {reply.text for owner in DATA.rule_owners for reply in NOT_SLOWED if slows(reply, owner)}
    assert len(wrong) <= 1  # 421 "Temporarily rejected" is a throttle of mail.ru alone


@pytest.mark.parametrize("kind", SLOWING)
def test_a_rule_says_the_class_that_a_person_gave(kind: ReplyClass) -> None:
    replies = [reply for reply in SLOWED if reply.reply_class is kind]
    right = [reply for reply in replies if (rule := rule_for(reply)) and rule.reply_class is kind]
    assert len(right) >= 0.95 * len(replies)


@pytest.mark.parametrize(
    ("provider", "first"),
    [("google-workspace", "gmail"), ("microsoft365", "outlook"), ("yahoo-jp", "yahoo"), ("att", "att")],
)
def test_a_provider_on_the_machines_of_another_has_its_rules(provider: str, first: str) -> None:
    assert DATA.rules_for(provider)[0].provider == first
    assert DATA.rules_for(provider)[-1].provider is None


def test_a_provider_that_moved_has_its_own_rules_first() -> None:
    owners = [rule.provider for rule in DATA.rules_for("comcast")]
    assert list(dict.fromkeys(owners)) == ["comcast", "yahoo", None]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("550 5.1.1 <a@example.com>: no such user", "550 5.1.1 <b@example.net>: No such user.", True),
        ("421 from 192.0.2.1", "421 from 198.51.100.7", True),
        ("421 from [2001:db8::1]", "421 from [2001:db8:1:2::9]", True),
        ("550 see https://a.example/x?1", "550 see  http://b.example/y", True),
        ("421 a", "450 a", False),
        ("550 5.1.1 a", "550 5.1.2 a", False),
    ],
)
def test_replies_are_the_same_but_for_addresses_and_links(one: str, other: str, same: bool) -> None:
    assert (without_variables(one) == without_variables(other)) is same
