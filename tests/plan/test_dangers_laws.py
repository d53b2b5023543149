"""Laws of dangers: what gets worse for a queue is always found, and what changes nothing raises nothing.

The worse side is judged by asking `Effective` for every queue of a small world one by one, without any of the
shortcuts that the checks take.
"""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pmtaform.lang.effective import DEFAULT_VMTA, Effective
from pmtaform.lang.includes import Configuration, read_configuration
from pmtaform.plan.dangers import find_dangers

MAIN = "/etc/pmta/config"
FACTOR = 3.0
NAMES = ("*", "gmail.com", "[*.]example.com", "*.example.com", "mail.example.com", "$isps", "shared")
ASKED = ("gmail.com", "yahoo.com", "example.com", "mail.example.com", "shared", "never-named.org")
VMTAS = ("a", "b", "c")
RATES = {"10/h": 10, "100/h": 100, "2/m": 120, "1000/h": 1000, "unlimited": float("inf")}
CONNECTIONS = {"2": 2, "5": 5, "20": 20, "100": 100}
RULES = (
    "reply /421/ mode=backoff",
    "reply /450/ mode=backoff",
    "reply /blocked/ bounce-queue",
    "reply /421/ mode=normal",
)

LINES = st.one_of(
    st.sampled_from(sorted(RATES)).map("max-msg-rate {}".format),
    st.sampled_from(sorted(RATES)).map("backoff-max-msg-rate {}".format),
    st.sampled_from(sorted(CONNECTIONS)).map("max-smtp-out {}".format),
    st.sampled_from(("slow", "other")).map("smtp-pattern-list {}".format),
    st.sampled_from(("1h", "2h", "7d", "never")).map("backoff-to-normal-after {}".format),
    st.sampled_from(("yes", "no")).map("dkim-sign {}".format),
    st.just("queue-to shared"),
    st.sampled_from(("10m", "1m", "1h")).map("retry-after {}".format),
)


def section(head: str, lines: list[str]) -> str:
    return "\n".join([f"<{head}>", *lines, f"</{head.split()[0]}>"])


DOMAIN = st.builds(
    lambda name, lines: section(f"domain {name}", lines), st.sampled_from(NAMES), st.lists(LINES, max_size=3)
)
VMTA = st.builds(
    lambda name, domains: section(f"virtual-mta {name}", domains),
    st.sampled_from(VMTAS),
    st.lists(DOMAIN, max_size=2),
)
POOL = st.builds(
    lambda members, domains: section("virtual-mta-pool p", [f"virtual-mta {m}" for m in members] + domains),
    st.lists(st.sampled_from(VMTAS), min_size=1, max_size=3, unique=True),
    st.lists(DOMAIN, max_size=1),
)
PATTERNS = st.builds(
    lambda name, rules: section(f"smtp-pattern-list {name}", rules),
    st.sampled_from(("slow", "other")),
    st.lists(st.sampled_from(RULES), max_size=3),
)
MACRO = st.sampled_from(("domain-macro isps gmail.com, yahoo.com", "domain-macro isps yahoo.com"))
USUAL = (
    section("smtp-pattern-list slow", ["reply /421/ mode=backoff"]),
    section("domain *", ["max-msg-rate 100/h", "max-smtp-out 5", "smtp-pattern-list slow"]),
    section("domain gmail.com", ["max-msg-rate 10/h", "backoff-max-smtp-out 2"]),
    section("virtual-mta a", []),
)
PIECES = st.lists(st.one_of(DOMAIN, VMTA, POOL, PATTERNS, MACRO), min_size=1, max_size=7)


@st.composite
def edits(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """A configuration in pieces, and another with some pieces taken away, moved, added or made anew."""
    before = [*draw(st.lists(st.sampled_from(USUAL), unique=True)), *draw(PIECES)]
    after = [piece for piece in before if draw(st.integers(0, 3))]
    for piece in draw(st.lists(st.one_of(DOMAIN, VMTA, PATTERNS, MACRO), max_size=2)):
        after.insert(draw(st.integers(0, len(after))), piece)
    return before, after


def read(pieces: list[str]) -> Configuration:
    return read_configuration(MAIN, {MAIN: ("\n".join(pieces) + "\n").encode()})


def queues(before: Effective, after: Effective) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """The values that hold for every queue of the world, on both sides."""
    for vmta in (DEFAULT_VMTA, *VMTAS):
        if before.knows(vmta) and after.knows(vmta):
            for domain in ASKED:
                if before.matches(domain, vmta):  # of a queue without a section no one has chosen any limit
                    yield held(before, domain, vmta), held(after, domain, vmta)


def held(effective: Effective, domain: str, vmta: str) -> dict[str, str]:
    target = effective.settings(domain, vmta).queue_to or domain
    target = effective.settings(target, vmta).queue_to or target
    return {name: value.text for name, value in effective.settings(target, vmta).values.items()}


def allows(text: str) -> float:
    return RATES.get(text, float("inf"))


def is_raised(was: dict[str, str], now: dict[str, str]) -> bool:
    pairs = [(allows(was["max-msg-rate"]), allows(now["max-msg-rate"]))]
    pairs += [(float(was[name]), float(now[name])) for name in ("max-smtp-out", "backoff-max-smtp-out")]
    return any(new > old * FACTOR for old, new in pairs)


def enters_backoff(effective: Effective, values: dict[str, str]) -> bool:
    lists = effective.reading.pattern_lists.get(values["smtp-pattern-list"], [])
    return any("mode=backoff" in getattr(node, "value", "") for nodes in lists for _, node in nodes.walk())


QUEUED = "<domain *>\nqueue-to shared\n</domain>"  # no section names the queue: the wildcard holds for it as well

WIDE = "<domain *>\nmax-smtp-out 100\n</domain>"
ONLY_QUEUED = "<domain gmail.com>\nqueue-to shared\n</domain>"
OWN = "<domain gmail.com>\nmax-smtp-out 5\nqueue-to shared\n</domain>"


@settings(max_examples=120, deadline=None)
@given(edits())
@example(([USUAL[1], QUEUED], [QUEUED]))
@example(([ONLY_QUEUED], [ONLY_QUEUED, WIDE]))
@example(([OWN], [OWN, WIDE]))
@example(([OWN], [OWN, WIDE.replace("*", "shared")]))
def test_a_limit_that_is_raised_for_any_queue_is_found(edit: tuple[list[str], list[str]]) -> None:
    before, after = (read(pieces) for pieces in edit)
    sides = Effective(before), Effective(after)
    if any(is_raised(was, now) for was, now in queues(*sides)):
        assert "rate-raised" in {finding.code for finding in find_dangers(before, after, FACTOR)}


@settings(max_examples=120, deadline=None)
@given(edits())
def test_back_off_that_is_lost_for_any_queue_is_found(edit: tuple[list[str], list[str]]) -> None:
    before, after = (read(pieces) for pieces in edit)
    sides = Effective(before), Effective(after)
    if any(enters_backoff(sides[0], was) and not enters_backoff(sides[1], now) for was, now in queues(*sides)):
        assert "backoff-disabled" in {finding.code for finding in find_dangers(before, after, FACTOR)}


@settings(max_examples=80, deadline=None)
@given(PIECES)
def test_what_changes_nothing_raises_nothing(pieces: list[str]) -> None:
    same = [piece.replace("\n", "\n\n  # a comment\n", 1).replace("100/h", "100/1h") for piece in pieces]
    assert find_dangers(read(pieces), read(same), FACTOR) == ()


@settings(max_examples=80, deadline=None)
@given(PIECES)
def test_moving_everything_into_an_included_file_raises_nothing(pieces: list[str]) -> None:
    text = ("\n".join(pieces) + "\n").encode()
    after = read_configuration(MAIN, {MAIN: b"include /etc/pmta/all\n", "/etc/pmta/all": text})
    assert find_dangers(read(pieces), after, FACTOR) == ()


@settings(max_examples=80, deadline=None)
@given(edits())
def test_what_is_found_names_what_changed(edit: tuple[list[str], list[str]]) -> None:
    before, after = (read(pieces) for pieces in edit)
    for finding in find_dangers(before, after, FACTOR):
        assert finding.cause is None or str(finding.cause) in finding.detail or finding.cause.key in finding.detail
