"""Laws that hold for every value of every directive."""

from hypothesis import given
from hypothesis import strategies as st

from pmtaform.lang import values
from pmtaform.lang.catalogue import DirectiveSpec, catalogue

DIRECTIVES = st.sampled_from(catalogue().directives)
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=40)
PIECES = [
    "yes", "true", "no", "0", "1", "01", "10", "h", "m", "60m", "1h", "2d", "never", "unlimited", "/", ",", ";", ", ",
    " ", "  ", "\t", '"', '""', "\\", "$", "$Macro", "{auth}", "a", "A", "a@B.example", "X.example", "*", "[*.]", "[",
    "]", "10/8", "0/0", "192.0.2.1", "::1", ":25", "k", "K", "B", "10/m", "10/60s", "10K/h",
    "/a  b/", "/i",
    "mode=backoff", "reenable-after=60m", "virtual-mta=", "=", "<", "d", "delivery", "monitor", "/etc/pmta/x",
    "\udcff", "ß", "İ", "\x85",
]  # fmt: skip
LIKELY = st.lists(st.sampled_from(PIECES), max_size=7).map("".join)
TEXT = ANYTHING | LIKELY
TAGS = st.sampled_from(sorted(catalogue().sections)) | st.just("unknown")


@given(DIRECTIVES | st.none(), TEXT)
def test_the_normal_form_is_total_and_idempotent(spec: DirectiveSpec | None, text: str) -> None:
    once = values.normalise(spec, text)
    assert values.normalise(spec, once) == once


@given(TAGS, TEXT)
def test_the_normal_form_of_an_argument_is_total_and_idempotent(tag: str, text: str) -> None:
    once = values.normalise_argument(tag, text)
    assert values.normalise_argument(tag, once) == once


@given(DIRECTIVES, TEXT)
def test_a_value_and_its_normal_form_are_both_right_or_both_wrong(spec: DirectiveSpec, text: str) -> None:
    normal = values.normalise(spec, text)
    assert (values.problem(spec, text) is None) == (values.problem(spec, normal) is None)


@given(TAGS, TEXT)
def test_an_argument_and_its_normal_form_are_both_right_or_both_wrong(tag: str, text: str) -> None:
    normal = values.normalise_argument(tag, text)
    assert (values.argument_problem(tag, text) is None) == (values.argument_problem(tag, normal) is None)


@given(DIRECTIVES, TEXT)
def test_a_finding_is_one_printable_line(spec: DirectiveSpec, text: str) -> None:
    problem_text = values.problem(spec, text)
    assert problem_text is None or (problem_text.isprintable() and problem_text[-1] in ".?")


@given(st.sampled_from([s for s in catalogue().directives if s.sensitive == "value"]), st.text("XYZ", min_size=4))
def test_a_secret_is_in_no_finding_and_in_no_mask(spec: DirectiveSpec, text: str) -> None:
    assert text not in (values.problem(spec, text) or "")
    assert text not in values.mask(spec, spec.name, text)


@given(TEXT)
def test_what_is_shown_is_printable(text: str) -> None:
    assert values.shown(text).isprintable()


DURATION = catalogue().directive("domain", "bounce-after")
RATE = catalogue().directive("domain", "max-msg-rate")
NUMBER = st.integers(1, 9999)


@given(NUMBER)
def test_spellings_of_a_duration_are_equal(hours: int) -> None:
    spellings = [f"{hours}h", f"{hours * 60}m", f"{hours * 3600}s", f"{hours - 1}h60m"]
    assert len({values.normalise(DURATION, text) for text in spellings}) == 1


@given(NUMBER, NUMBER)
def test_different_durations_stay_different(one: int, other: int) -> None:
    assert (values.normalise(DURATION, f"{one}s") == values.normalise(DURATION, f"{other}s")) == (one == other)


@given(NUMBER, st.integers(1, 99), st.sampled_from([("h", "hr"), ("m", "min"), ("s", "sec"), ("d", "day")]))
def test_spellings_of_a_rate_are_equal(count: int, every: int, units: tuple[str, str]) -> None:
    one, other = (values.normalise(RATE, f"{count}/{every}{unit}") for unit in units)
    assert one == other


@given(NUMBER, NUMBER, NUMBER, NUMBER)
def test_different_rates_stay_different(count: int, every: int, count2: int, every2: int) -> None:
    one, other = f"{count}/{every}m", f"{count2}/{every2}m"
    assert (values.normalise(RATE, one) == values.normalise(RATE, other)) == (one == other)


@given(st.ip_addresses(v=4), st.ip_addresses(v=4))
def test_different_networks_stay_different(one: object, other: object) -> None:
    spec = catalogue().directive("global", "http-access")
    same = values.normalise(spec, f"{one} admin") == values.normalise(spec, f"{other} admin")
    assert same == (one == other)


@given(st.text("ab ,(){}[^]\\\"'#.*+|/", max_size=20))
def test_a_regular_expression_is_never_touched(regex: str) -> None:
    spec = catalogue().directive("smtp-pattern-list", "reply")
    assert values.normalise(spec, f"/{regex}/  mode=backoff , skip-mx") == f"/{regex}/ mode=backoff,skip-mx"
