"""What hosts have in common is read once."""

from __future__ import annotations

from pmtaform.inspection.reading import reading

MAIN = "/etc/pmta/config"
BEFORE = {MAIN: b"domain-macro a x.com\n<domain $a>\nmax-smtp-out 10\n</domain>\n"}
AFTER = {MAIN: BEFORE[MAIN].replace(b"10", b"20")}


def test_hosts_with_the_same_change_share_its_reading() -> None:
    here = reading(MAIN, BEFORE, AFTER, {})
    there = reading(MAIN, {k: bytes(bytearray(v)) for k, v in BEFORE.items()}, dict(AFTER), {})
    assert there is here
    assert [each.queue for each in here.predictions] == ["x.com"]
    assert here.predictions is there.predictions


def test_another_content_or_another_side_is_another_reading() -> None:
    here = reading(MAIN, BEFORE, AFTER, {})
    for other in (
        reading(MAIN, AFTER, BEFORE, {}),
        reading(MAIN, BEFORE, BEFORE, {}),
        reading("/c", BEFORE, AFTER, {}),
    ):
        assert other is not here
    assert reading(MAIN, BEFORE, BEFORE, {}).predictions == ()
