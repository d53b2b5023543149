"""Who changed a value since the last apply: a law over what was left, what is there, and what the stack says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pmtaform.lang.blocks import Block, blocks_of
from pmtaform.lang.includes import read_configuration
from pmtaform.plan.explain import explain
from pmtaform.plan.model import Cause
from pmtaform.plan.threeway import drift_of_values, with_causes

CONFIG = "/etc/pmta/config"
NAMES = ("max-smtp-out", "max-msg-rate", "retry-after", "dkim-sign")
CHOICES = {
    "max-smtp-out": ("1", "2"),
    "max-msg-rate": ("10/h", "20/h"),
    "retry-after": ("10m", "600s", "20m"),  # two ways to write the same
    "dkim-sign": ("yes", "no"),
}
SAME = {"600s": "10m"}
Values = dict[str, str]

values = st.fixed_dictionaries({}, optional={name: st.sampled_from(CHOICES[name]) for name in NAMES})


def block(lines: Values) -> Block:
    text = "".join(f"    {name} {value}\n" for name, value in lines.items())
    content = f"<domain gmail.com>\n{text}</domain>\n".encode()
    (item,) = blocks_of(read_configuration(CONFIG, {CONFIG: content})).values()
    return item


def plain(lines: Values, name: str) -> str | None:
    return SAME.get(lines.get(name, ""), lines.get(name))


@given(left=values, live=values, wanted=values)
def test_drift_is_what_is_not_as_it_was_left(left: Values, live: Values, wanted: Values) -> None:
    by_name = {drift.name: drift for drift in drift_of_values(block(left), block(live), block(wanted)) if drift.name}
    for name in NAMES:
        was, now, says = (plain(lines, name) for lines in (left, live, wanted))
        assert (name in by_name) is (was != now)
        if was != now:
            assert by_name[name].cause is (Cause.BOTH if was != says else Cause.HOST)
            assert by_name[name].settled is (now == says)
            shown = [lines.get(name) for lines in (left, live)]
            assert [by_name[name].left, by_name[name].now] == [(text,) if text else () for text in shown]


@given(left=values, live=values, wanted=values)
def test_every_change_of_a_plan_has_its_cause(left: Values, live: Values, wanted: Values) -> None:
    before, after = block(live), block(wanted)
    changes = explain(before, after)
    told = {change.name: change for change in with_causes(changes, block(left), before, after) if change.name}
    for name, change in told.items():
        was, now, says = (plain(lines, name) for lines in (left, live, wanted))
        assert now != says
        expected = Cause.STACK if was == now else Cause.HOST if was == says else Cause.BOTH
        assert change.cause is expected
        assert [SAME.get(text, text) for text in change.applied] == ([was] if was else [])
    assert [(c.path, c.name, c.before, c.after) for c in changes] == [
        (c.path, c.name, c.before, c.after) for c in with_causes(changes, block(left), before, after)
    ]
