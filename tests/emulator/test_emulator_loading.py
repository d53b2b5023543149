"""What loads and what does not, each case with the section of the facts that is its basis."""

import pytest

from pmtaform_emulator import fault, install

ERRORS = {
    "operations 2.2 the documented sample": ("\n" * 10 + "postmaster\n", 11, "argument missing"),
    "language 5 unknown directive": ("no-such-thing yes", 1, "unknown directive no-such-thing"),
    "language 5 unknown section": ("<mta x>\n</mta>", 1, "unknown section <mta>"),
    "language 1 a domain directive outside domains": (
        "max-msg-rate 5/h",
        1,
        "max-msg-rate does not belong at top level",
    ),
    "language 1 a global directive in a domain": (
        "<domain *>\nrun-as-root no\n</domain>",
        2,
        "run-as-root does not belong in <domain>",
    ),
    "language 1 nesting": (
        "<virtual-mta a>\n<virtual-mta b>\n</virtual-mta>\n</virtual-mta>",
        2,
        "<virtual-mta> does not belong in <virtual-mta>",
    ),
    "language 1 nesting of what stands inside": (
        "<email-patterns>\n</email-patterns>",
        1,
        "<email-patterns> does not belong at top level",
    ),
    "language 1 a section needs its argument": ("<domain>\n</domain>", 1, "argument missing"),
    "language 1 a comment swallows the argument": ("postmaster # me@example.com", 1, "argument missing"),
    "language 1 no equals sign": ("postmaster = a@example.com", 1, None),
    "language 1 braces": ("<domain *>\n{\n</domain>", 2, "unknown directive: {"),
    "language 1 no XML comments": ("<!-- old -->", 1, None),
    "language 1 an unclosed section": ("<domain *>\nmax-smtp-out 5\n", 1, "<domain> is not closed"),
    "language 1 a stray closing tag": ("</domain>", 1, "closes nothing: </domain>"),
    "language 1 a tag that does not end": ("<domain *\n", 1, "malformed tag: <domain *"),
    "language 2 truth values": ("run-as-root on", 1, None),
    "language 2 durations": ("<domain *>\n\nretry-after 10 minutes\n</domain>", 3, None),
    "language 2 rates": ("<domain *>\nmax-msg-rate 300/hour\n</domain>", 2, None),
    "language 2 numbers": ("<domain *>\nmax-smtp-out many\n</domain>", 2, None),
    "language 4 include is no section": ("<include /etc/pmta/x>\n</include>", 1, "unknown section <include>"),
    "language 4 include of nothing": (
        "include /etc/pmta/none",
        1,
        "cannot open /etc/pmta/none: No such file or directory",
    ),
    "language 4 include does not stand everywhere": (
        "<bounce-processor>\ninclude /etc/pmta/config\n</bounce-processor>",
        2,
        "include does not belong in <bounce-processor>",
    ),
    "language 5 a macro in a circle": (
        "domain-macro a $b\ndomain-macro b x,$a",
        1,
        "domain-macro a refers to itself",
    ),
    "language 6 a macro that is not there": ("\n<domain $x>\n</domain>", 2, "domain-macro x is not defined"),
    "language 5 a virtual MTA in two pools with domains": (
        "<virtual-mta v>\n</virtual-mta>\n"
        "<virtual-mta-pool a>\nvirtual-mta v\n<domain *>\n</domain>\n</virtual-mta-pool>\n"
        "<virtual-mta-pool b>\nvirtual-mta v\n<domain *>\n</domain>\n</virtual-mta-pool>",
        9,
        "virtual MTA v is in two pools with domains, a and b",
    ),
    "language 5 a pool called like a virtual MTA": (
        "<virtual-mta v>\n</virtual-mta>\n<virtual-mta-pool v>\nvirtual-mta v\n</virtual-mta-pool>",
        3,
        "v is the name of a virtual MTA and of a pool",
    ),
    "language 5 a pattern-list below its source": (
        "<source 0/0>\npattern-list p\n</source>\n<pattern-list p>\nmail-from /a/ virtual-mta=v\n</pattern-list>",
        2,
        "pattern-list p is not defined above",
    ),
    "language 5 records twice": (
        "<acct-file /var/log/pmta/a.csv>\nrecords d\nrecords b\n</acct-file>",
        3,
        "records given twice",
    ),
    "catalogue: only one vault": ("<vault>\n</vault>\n<vault>\n</vault>", 3, "<vault> given twice"),
}

LOADS = {
    "language 1 comments, blanks, case": "\t# a\n\n  Postmaster  a@example.com   # b\n<DOMAIN *>#c\n</DOMAIN>",
    "language 1 CRLF": "postmaster a@example.com\r\n<domain *>\r\nmax-smtp-out 5\r\n</domain>\r\n",
    "language 1 the empty string": '<domain *>\nbcc-upon-delivery ""\n</domain>',
    "language 1 not UTF-8": "# caf\udce9\npostmaster a@example.com",
    "language 1 domain in a virtual MTA and a pool": (
        "<virtual-mta v>\n<domain *>\nmax-smtp-out 5\n</domain>\n</virtual-mta>\n"
        "<virtual-mta-pool p>\nvirtual-mta v\n<domain x>\n</domain>\n</virtual-mta-pool>"
    ),
    "language 1 nested pattern lists": (
        "<pattern-list p>\nmail-from /a/ <pattern-list>\n* virtual-mta=v\n</pattern-list>\n</pattern-list>"
    ),
    "language 2 short networks": "<source 10/8>\nalways-allow-relaying no\n</source>\nsmtp-listener 0/0:25",
    "language 5 bounce categories": "<bounce-category-patterns>\n/spam/ spam\n// other\n</bounce-category-patterns>",
    "language 6 macros nest and multiply": (
        "domain-macro tld com, co.uk\ndomain-macro big yahoo.$tld,aol.com\n"
        "<domain $big>\n</domain>\n<domain a.$tld>\n</domain>"
    ),
    "language 5 a pattern-list above its source": (
        "<pattern-list p>\nmail-from /a/ virtual-mta=v\n</pattern-list>\n<source 0/0>\npattern-list p\n</source>"
    ),
}

LENIENT = {
    "language 5 a section opened twice": "<domain *>\n</domain>\n<domain *>\n</domain>",
    "language 5 a scalar given twice": "<domain *>\nmax-smtp-out 5\nmax-smtp-out 6\n</domain>",
    "language 1 a list that goes on": "domain-macro a x.example,\n y.example\n<domain $a>\n</domain>",
    "language 4 a wildcard that matches nothing": "include /etc/pmta/conf.d/*.conf",
    "language 5 an unknown virtual MTA in a pool": "<virtual-mta-pool p>\nvirtual-mta none\n</virtual-mta-pool>",
    "language 5 an unknown pattern list": "<domain *>\nsmtp-pattern-list none\n</domain>",
    "language 5 an unknown list of a source": "<source 0/0>\npattern-list none\n</source>",
    "language 4 an address to include": "include https://config.example.com/pmta",
}


@pytest.mark.parametrize("case", ERRORS)
def test_stops_a_load(host, case):
    text, line, reason = ERRORS[case]
    host.write(text)
    code, result = host.pmta("test", "config")
    assert code == 1
    assert result.startswith(f"Error in line {line} of /etc/pmta/config: ")
    if reason is not None:
        assert result.partition(": ")[2] == reason


@pytest.mark.parametrize("case", LOADS)
def test_loads_even_when_strict(host, case):
    host.write(LOADS[case])
    assert host.pmta("test", "config") == (0, "")
    if "UTF-8" not in case:
        fault(host.root, kind="strict")
        assert host.pmta("test", "config") == (0, "")


@pytest.mark.parametrize("case", LENIENT)
def test_what_the_guides_leave_open_loads_unless_strict(host, case):
    host.write(LENIENT[case])
    assert host.pmta("test", "config")[0] == 0
    fault(host.root, kind="strict")
    code, result = host.pmta("test", "config")
    assert code == 1
    assert result.startswith("Error in line ")


def test_an_error_names_the_include_where_it_sits(host):
    host.write("include /etc/pmta/conf.d/*.conf\n")
    host.write("<virtual-mta v>\ninclude /etc/pmta/vmta-part\n</virtual-mta>\n", "/etc/pmta/conf.d/a.conf")
    host.write("\n<domain *>\nmax-smtp-out x\n</domain>\n", "/etc/pmta/vmta-part")
    result = host.pmta("test", "config")[1]
    assert result.startswith("Error in line 3 of /etc/pmta/vmta-part: ")


def test_an_include_is_read_in_the_scope_that_it_is_in(host):
    host.write("<domain *>\ninclude /etc/pmta/part\n</domain>\n")
    host.write("max-smtp-out 5\n", "/etc/pmta/part")
    assert host.pmta("test", "config")[0] == 0
    host.write("run-as-root no\n", "/etc/pmta/part")
    assert host.pmta("test", "config")[1] == (
        "Error in line 1 of /etc/pmta/part: run-as-root does not belong in <domain>"
    )


def test_wildcards_pass_over_hidden_files(host):
    host.write("include /etc/pmta/conf.d/*\n")
    host.write("rubbish\n", "/etc/pmta/conf.d/.a.conf.swp")
    assert host.pmta("test", "config")[0] == 0


def test_includes_in_a_circle_end(host):
    host.write("include /etc/pmta/config\n")
    code, result = host.pmta("test", "config")
    assert (code, result) == (1, "Error in line 1 of /etc/pmta/config: include of /etc/pmta/config is nested too deep")


def test_an_include_cannot_leave_the_root(host):
    (host.root.parent / "outside").write_text("rubbish\n")
    host.write("include /etc/../../outside\n")
    assert "cannot open" in host.pmta("test", "config")[1]


def test_the_main_file_is_not_there(host):
    assert host.pmta("test", "config") == (1, "Cannot open /etc/pmta/config: No such file or directory")


def test_config_defaults_is_read_as_well(host):
    host.write("postmaster a@example.com\n")
    host.write("\nrubbish yes\n", "/etc/pmta/config-defaults")
    assert host.pmta("test", "config")[1] == "Error in line 2 of /etc/pmta/config-defaults: unknown directive rubbish"


@pytest.mark.parametrize("version", ["4.0", "4.5"])
def test_older_releases_know_less(tmp_path, host, version):
    install(host.root, version=version)
    assert host.pmta("test", "config") == (1, "Unknown command: test config")
    assert host.pmta("--json", "show", "version")[0] == 1
    host.start()
    assert host.pmta("reload") == (0, "Configuration reloaded.")
    host.write("<domain *>\nuse-dane yes\n</domain>\n")
    assert host.pmta("reload") == (1, "Error in line 2 of /etc/pmta/config: unknown directive use-dane")
