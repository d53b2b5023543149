"""Every rule of precedence, row by row (docs/powermta/language.md sections 2, 5, 6, 7 and 10)."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from effective_rows import Row, rows
from hypothesis import given, settings
from hypothesis import strategies as st

from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.effective import DEFAULT_VMTA, Assumption, Effective, Source
from pmtaform.lang.includes import Configuration, read_configuration

MAIN = "/etc/pmta/config"
CORPUS = Path(__file__).parent.parent / "corpus"
ROWS = rows()


def configuration(text: str, **more: str) -> Configuration:
    files = {MAIN: text, **{f"/etc/pmta/{name}.conf": content for name, content in more.items()}}
    return read_configuration(MAIN, {path: content.encode() for path, content in files.items()})


def settings_of(row: Row):
    domain, _, vmta = row.queue.partition("/")
    return Effective(configuration(row.text)).settings(domain, vmta or DEFAULT_VMTA)


def check(row: Row, value) -> None:
    assert value.text == row.value
    assert value.source == row.source
    assert tuple(line.number for line in value.lines) == row.lines
    assert tuple(each.line.number for each in value.overruled) == row.overruled
    assert value.assumptions == row.assumes
    assert all(each.why for each in value.overruled)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_a_queue_uses(row: Row):
    settings = settings_of(row)
    check(row, (settings.virtual_mta if row.own else settings.values)[row.directive])


def test_every_assumption_is_stated_in_a_sentence():
    assert all(each.sentence.endswith(".") for each in Assumption)


def test_every_assumption_has_a_row_or_a_test():
    result = {name for row in ROWS for name in row.assumes}
    clients = tomllib.loads(Path(__file__).with_name("clients.toml").read_text(encoding="utf-8"))["case"]
    result |= {name for case in clients for names in case.get("assumes", {}).values() for name in names}
    assert {each.value for each in Assumption} - result == {"vendor-defaults"}


def test_the_vendors_defaults_lie_under_the_configuration():
    vendor = configuration("<domain *>\nmax-smtp-out 5\nretry-after 7m\n</domain>")
    effective = Effective(configuration("<domain *>\nmax-smtp-out 6\n</domain>"), vendor)
    result = effective.settings("x.example").values
    assert (result["max-smtp-out"].text, result["retry-after"].text) == ("6", "7m")
    assert result["max-smtp-out"].assumptions == (Assumption.VENDOR_DEFAULTS,)
    assert not any("config-defaults" in note for note in effective.settings("x.example").notes)


def test_an_include_inside_a_section_belongs_to_it():
    text = "<virtual-mta v>\ninclude /etc/pmta/v.conf\n</virtual-mta>\n<domain *>\ninclude /etc/pmta/d.conf\n</domain>"
    files = {"v": "<domain x.example>\nmax-smtp-out 3\n</domain>\nmax-smtp-out 30\n", "d": "retry-after 9m\n"}
    settings = Effective(configuration(text, **files)).settings("x.example", "v")
    decided = settings.values["max-smtp-out"].lines[0]
    assert (decided.place.file, decided.place.line, decided.value) == ("/etc/pmta/v.conf", 2, "3")
    assert settings.values["retry-after"].lines[0].place.file == "/etc/pmta/d.conf"
    assert settings.virtual_mta["max-smtp-out"].text == "30"


def test_an_include_in_a_circle_ends():
    text = "<domain *>\ninclude /etc/pmta/d.conf\n</domain>"
    effective = Effective(configuration(text, d="include /etc/pmta/d.conf\nretry-after 9m\n")).settings("x.example")
    assert effective.values["retry-after"].text == "9m"


def test_where_a_value_was_written_is_stated_in_words():
    row = next(row for row in ROWS if row.name.startswith("assumed: the virtual MTA's *"))
    value = settings_of(row).values["max-smtp-out"]
    assert value.lines[0].section == "<domain *> in <virtual-mta v>"
    assert value.overruled[0].line.section == "<domain a.example>"
    assert value.overruled[0].why == "the virtual MTA's own domains have precedence over domains at top level"


def test_every_domain_directive_has_a_value_in_the_catalogues_order():
    known = catalogue()
    expected = [n for n in known.names("domain") if n != "include" and known.directive("domain", n).canonical is None]
    assert list(Effective(configuration("")).settings("x.example").values) == expected


def test_what_back_off_replaces():
    text = "<domain *>\nmax-smtp-out 50\nmax-msg-rate 300/h\nbackoff-retry-after 90m\n</domain>"
    effective = Effective(configuration(text)).settings("x.example").in_backoff()
    assert {
        "max-msg-rate",
        "max-connect-rate",
        "max-data-volume-rate",
        "max-smtp-out",
        "retry-after",
    } <= effective.keys()
    shown = {name: effective[name].text for name in ("max-smtp-out", "max-msg-rate", "retry-after", "max-connect-rate")}
    assert shown == {
        "max-smtp-out": "20",
        "max-msg-rate": "300/h",
        "retry-after": "90m",
        "max-connect-rate": "unlimited",
    }
    assert effective["max-msg-rate"].source is Source.FALLBACK
    assert effective["max-msg-rate"].via == "max-msg-rate"


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("", False),
        ("<smtp-pattern-list l>\nreply /421/ mode=backoff\n</smtp-pattern-list>", False),
        (
            "<smtp-pattern-list l>\nreply /421/ mode=backoff\n</smtp-pattern-list>\n"
            "<domain *>\nsmtp-pattern-list l\n</domain>",
            True,
        ),
        (
            "<smtp-pattern-list l>\nreply /421/ skip-mx\n</smtp-pattern-list>\n"
            "<domain *>\nsmtp-pattern-list l\n</domain>",
            False,
        ),
        ("<domain *>\nbackoff-upon-all-sources-disabled yes\n</domain>", True),
    ],
)
def test_whether_back_off_can_begin(text, begins):
    effective = Effective(configuration(text))
    assert effective.backoff_begins(effective.settings("x.example")) is begins


_MACRO_KEY = "domain-macro m b.example\n<virtual-mta v>\ndomain-key s,$m,/k1\n</virtual-mta>\n"


@pytest.mark.parametrize("text", [_MACRO_KEY, _MACRO_KEY.replace("$m", "b.example") + "domain-key s,b.example,/k2\n"])
def test_which_keys_go_first_is_reported_only_where_a_macro_might_mislead(text):
    notes = Effective(configuration(text)).settings("x.example", "v").notes
    assert not any("go before those at top level" in note for note in notes)


@pytest.mark.parametrize(
    ("text", "queue", "word"),
    [
        ("<domain x.example>\nqueue-to y.queue\n</domain>", "x.example", "queue y.queue/"),
        ("<mx-rollup-list>\nmx *.g.example g.rollup\n</mx-rollup-list>", "x.example", ".rollup"),
        ("<domain *>\nreroute-to-virtual-mta w\n</domain>", "x.example", "virtual MTA w"),
        ("", "x.example/missing", "No virtual MTA is called missing"),
        (next(r.text for r in ROWS if "two pools" in r.name), "x.example/v", "PowerMTA does not load"),
        ("<virtual-mta-pool p>\n</virtual-mta-pool>", "x.example/p", "is a pool"),
        ("", "x.example", "config-defaults"),
        ("include https://x.example/c  # ours\n", "x.example", "include https://x.example/c was not read"),
        (f"{_MACRO_KEY}domain-key s,b.example,/k2\n", "x.example/v", "Keys of v go before those at top level"),
    ],
)
def test_what_a_reader_has_to_know_besides(text, queue, word):
    domain, _, vmta = queue.partition("/")
    notes = Effective(configuration(text)).settings(domain, vmta or DEFAULT_VMTA).notes
    assert any(word in note for note in notes)


def test_where_mail_is_queued_instead():
    text = '<domain x.example>\nqueue-to "Y.queue"\n</domain>'
    settings = Effective(configuration(text)).settings("x.example")
    assert (settings.queue, settings.queue_to) == ("x.example/{default}", "y.queue")


def test_macros_that_multiply_beyond_measure_are_cut_and_it_is_stated():
    parts = ",".join(f"p{n}" for n in range(200))
    macros = "".join(f"domain-macro m{n} {parts}\n" for n in range(4))
    effective = Effective(configuration(macros + "<domain $m0.$m1.$m2.$m3>\nmax-smtp-out 5\n</domain>"))
    settings = effective.settings("p0.p0.p0.p1")
    assert settings.values["max-smtp-out"].text == "5"
    assert any("too many names" in note for note in settings.notes)


def test_pairs_of_interest():
    text = (
        "<domain a.example>\n</domain>\n<domain [*.]b.example>\n</domain>\n"
        "<virtual-mta v>\n<domain c.example>\n</domain>\n</virtual-mta>\n<virtual-mta w>\n</virtual-mta>"
    )
    assert list(Effective(configuration(text)).pairs_of_interest()) == [
        ("a.example", DEFAULT_VMTA),
        ("*.b.example", DEFAULT_VMTA),
        ("b.example", DEFAULT_VMTA),
        ("*", DEFAULT_VMTA),
        ("c.example", "v"),
        ("*", "v"),
        ("*", "w"),
    ]


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.conf")), ids=lambda path: path.name)
def test_the_corpus(path: Path):
    effective = Effective(read_configuration(MAIN, {MAIN: path.read_bytes()}))
    for domain, vmta in list(effective.pairs_of_interest())[:200]:
        settings = effective.settings(domain, vmta)
        for value in (*settings.values.values(), *settings.virtual_mta.values()):
            assert value.lines or value.source is not Source.SET
            assert value.text


WORDS = st.sampled_from(
    [
        "<domain *>",
        "<domain $m>",
        "<domain [*.]a.b>",
        "<domain [10/8]>",
        "<domain>",
        "</domain>",
        "<virtual-mta v>",
        "</virtual-mta>",
        "<virtual-mta-pool p>",
        "virtual-mta v",
        "virtual-mta",
        "</virtual-mta-pool>",
        "domain-macro m a,$m",
        "domain-macro m",
        "domain-macro",
        "max-smtp-out 5",
        "max-smtp-out",
        'queue-to ""',
        "queue-to x",
        "include /x",
        "include",
        "host-name x",
        "host-name",
        "x",
        "<",
        "#",
        "backoff-max-msg-rate 5/h",
        "source-ip-max-msg-rate x",
    ]
)
DOMAINS = st.sampled_from(["*", "a.b", "[10.0.0.1]", "$m", "", "x.a.b"])


@settings(deadline=None)
@given(st.lists(WORDS | st.text(max_size=12), max_size=25), DOMAINS)
def test_no_configuration_and_no_domain_makes_it_fail(lines, domain):
    effective = Effective(configuration("\n".join(lines).encode("utf-8", "replace").decode()))
    for vmta in (DEFAULT_VMTA, "v", "p"):
        settings = effective.settings(domain, vmta)
        assert all(value.text is not None for value in settings.values.values())
    list(effective.pairs_of_interest())
