"""The values of directives, as a specification: what is right, what is wrong, what is the same, what may be shown."""

import math

import pytest

from pmtaform.lang import values
from pmtaform.lang.catalogue import DirectiveSpec, catalogue


def spec(name: str) -> DirectiveSpec:
    """`name` in the first scope that has it, or `scope/name`."""
    scope, slash, rest = name.partition("/")
    known = catalogue().directive(scope, rest) if slash and scope in catalogue().sections else None
    return known or catalogue().anywhere(name)[0]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("300s", 300),
        ("60m", 3600),
        ("4d12h", 388_800),
        ("1w2d12h", 820_800),
        (" 10m ", 600),
        ("never", None),
        ("10", None),
        ("10M", None),
        ("1.5h", None),
        ("-1s", None),
        ("10 m", None),
        ("١m", None),
        ("9" * 5000 + "s", None),
        ("", None),
    ],
)
def test_durations(text: str, seconds: int | None) -> None:
    assert values.parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("unlimited", values.Rate(None, 1)),
        ("0", values.Rate(0, 0)),
        ("300/h", values.Rate(300, 3600)),
        ("300/hr", values.Rate(300, 3600)),
        ("83/10m", values.Rate(83, 600)),
        ("20/min", values.Rate(20, 60)),
        ("2/sec", values.Rate(2, 1)),
        ("50/day", values.Rate(50, 86400)),
        ("3000/hour", None),
        ("10/M", None),
        ("30", None),
        ("10 / m", None),
        ("10/0m", None),
        ("", None),
    ],
)
def test_rates(text: str, rate: values.Rate | None) -> None:
    assert values.parse_rate(text) == rate


@pytest.mark.parametrize(
    ("old", "new", "times"),
    [
        ("300/h", "3000/h", 10),
        ("60/m", "1/s", 1),
        ("100/h", "50/h", 0.5),
        ("100/h", "unlimited", math.inf),
        ("unlimited", "100/h", 0),
        ("unlimited", "unlimited", 1),
        ("0", "100/h", None),
        ("100/h", "0", None),
        ("100/h", "nonsense", None),
    ],
)
def test_how_many_times_faster(old: str, new: str, times: float | None) -> None:
    assert values.faster_by(values.parse_rate(old), values.parse_rate(new)) == times


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("50M", values.Size(50, "m")),
        ("10000K", values.Size(10000, "k")),
        ("100", values.Size(100, "b")),
        ("100b", values.Size(100, "b")),
        ("0", values.Size(0, "b")),
        ("unlimited", values.Size(None, "b")),
        ("50MB", None),
        ("1.5g", None),
        ("", None),
    ],
)
def test_sizes(text: str, size: values.Size | None) -> None:
    assert values.parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "truth"),
    [("yes", True), ("true", True), ("no", False), ("false", False), ("YES", True), ("on", None), ("1", None)],
)
def test_truth(text: str, truth: bool | None) -> None:
    assert values.parse_bool(text) is truth


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("0/0", "0.0.0.0/0"),
        ("10/8", "10.0.0.0/8"),
        ("173.194/16", "173.194.0.0/16"),
        ("192.0.2/24", "192.0.2.0/24"),
        ("192.0.2.1", "192.0.2.1/32"),
        ("192.0.2.77/24", "192.0.2.0/24"),
        ("::1", "::1/128"),
        ("::/0", "::/0"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("10", None),
        ("10.0.0.0/33", None),
        ("10.0.0.0/255.0.0.0", None),
        ("300/8", None),
        ("fe80::1%eth0", None),
        ("mta1.example.com", None),
        ("", None),
    ],
)
def test_networks(text: str, network: str | None) -> None:
    assert values.parse_cidr(text) == network


RIGHT = r'''
always-allow-relaying | yes | true | no | false
smtp-listener | 0/0:25 | 192.0.2.1:2525 | 10/8:25 | 192.0.2.1:25 source=app1 | [::1]:25
smtp-source-host | 192.0.2.1 mta1.example.com | 192.0.2.0/24 mta1.example.com | ::1 mta1.example.com
max-msg-rate | 300/h | 83/10m | unlimited | 0 | 1/hr | 20/min | 2500/s | 5/sec | 50/day | 99999999/h
max-data-volume-rate | 10m/h | 500/m | 5G/1d | unlimited | 0
source-ip-max-msg-rate | 0/0 300/h | 173.194/16 1/10m | 10/8 unlimited
source-ip-max-data-volume-rate | 0/0 10m/h
source-ip-max-smtp-out | 0/0 10
retry-after | 10m | 10m,30m,1h,2h,4h | 10m, 30m | 1s
bounce-after | 4d12h | 1w2d12h | 300s | 0
delete-after | 8d | never
dkim-expire-after | never
bounce-upon-no-mx | true | never | 4h | no
backoff-notify | "" | a@example.com,b@example.com
backoff-reroute-to-virtual-mta | "" | pool1
queue-to | "gmail.queue" | gmail.queue | {sparkpost} | ""
max-cold-virtual-mta-msg | 50/d | 200/day | 50/d,100/d,200/d | 0/d
max-message-size | unlimited | 0 | 10000K | 5242880
spool-min-free-space | 0 | 500
domain-key | s1,example.com,/etc/pmta/s1.pem | s1, *, /etc/pmta/s1.pem | s1,$mine,{vault}:/dkim/a:key | a,*,C:\k\a.pem
domain-macro | ms outlook.com, hotmail.com | tld com,co.uk | tail .com,.co.uk | all $a,$b
relay-domain | example.com | [*.]example.com | *.example.com | $mine | yahoo.$tld | bücher.example | [192.0.2.1]
http-access | 0/0 none | 127.0.0.1 admin | ::1 monitor | 10/8 monitor,deny-logs | 10/8 monitor, deny-logs
smtp-hosts | mx1.example.com, mx2.example.com; mx3.example.com:2525 | [192.0.2.1]:25; [IPv6:2001::1]
smtp-hosts | lookup-mx:a.example
add-date-header | no | override | true
enable-signals | true | true,subaccount=5 | false | my-filter
dkim-sign | yes | if-x-dkim-options-present
dkim-identity | @example.com | a@example.com | example.com | sender-or-from | strict-from
dkim-headers | Feedback-ID,List-Unsubscribe | From,/^X-.{1,3}/ | ""
remove-header | Received | X-Mailer,X-Priority | ""
spool-max-recipients | auto | 100000
max-rcpt-per-message | 100 | unlimited
edns-udp-length | 512 | 4096
log-file | /var/log/pmta/log | "/var/log/my pmta/log" | C:\pmta\log
include | /etc/pmta/vmtas/*.conf | https://config.example.com/a.conf
acct-file/records | d | d,b,t | d, b | feedback-loop | delivery,bounce
acct-file/record-fields | d *,!a,header_X-Job | b timeQueued,bounceCat | delivery *
acct-file/map-header-to-field | f header_X-Rcpt rcpt
acct-file/privacy-policy | retain | redact | redact me | siphash abc
pattern-list/mail-from | /@example\.com$/ virtual-mta=a | /@*/ virtual-mta=a,recipient-priority=5 | /./ call-to: other
pattern-list/header | X-Tag /^a b$/ virtual-mta=a
smtp-pattern-list/reply | /^421 .* busy/ mode=backoff | // bounce-queue | /a/ mode=backoff, defer-queue
smtp-pattern-list/reply | /[^/]x/ skip-mx
smtp-pattern-list/reply | /a\/b/ disable-source-ip,reenable-after=7m | /a/ mode=backoff,backoff-to-normal-after=2h
smtp-pattern-list/reply | /say "hi/ bounce-rcpt | /\x23/ mode=normal
bounce-category-patterns//REGEX/ | bad-mailbox | /a b/ bad-mailbox | /a/other
mx-rollup-list/mx | mx.example.net a.rollup | *.example.net a.rollup rollup-by-ip
rewrite-list/mail-from | *@a.example bounce@b.example | <> x@b.example
command | "/usr/bin/php a.php --from=""$from""" | "C:\\a.exe \"$to\""
custom-dsn-from-header | "Mail System <a@example.com>"
password | p@ss word | "quoted
transmissions-api/api-key | 0123456789abcdef0123456789abcdef
proxy/server | 192.0.2.1:5000 | proxy.example.com:5000
proxy/client | 192.0.2.1:0 prox1.example.com | 192.0.2.1 prox1.example.com
smtp-proxy-source-host | 192.0.2.9 192.0.2.1:5000 192.0.2.1 prox1.example.com
address-list/address | a@example.com | abuse | /^abuse@.*/
http-delivery-url | https://example.com:8443/a
smtp-server-tls-certificate | /etc/pmta/a.pem | /etc/pmta/a.pem secret | "/etc/my pmta/a.pem" secret
'''


@pytest.mark.parametrize("row", RIGHT.strip().splitlines())
def test_nothing_is_wrong_with(row: str) -> None:
    name, *texts = (part.strip() for part in row.split(" | "))
    assert {text: values.problem(spec(name), text) for text in texts} == dict.fromkeys(texts)


WRONG = [
    ("max-msg-rate", "3000/hour", "write 3000/h"),
    ("max-msg-rate", "10/M", "write 10/m"),
    ("max-msg-rate", "30", "write 30/h, 30/m or"),
    ("max-msg-rate", "0/h", "not 0"),
    ("max-msg-rate", "fast", "documented units"),
    ("max-data-volume-rate", "10mb/h", "10m/h"),
    ("smtp-service", "25", "is not a truth value; PowerMTA accepts yes, no, true and false"),
    ("smtp-service", "on", "write yes"),
    ("require-auth", "off", "write no"),
    ("require-auth", "", "has no value"),
    ("require-auth", '""', "cannot be emptied"),
    ("require-auth", "= yes", "no equals sign"),
    ("max-msg-rate", "100/s <!-- Gmail -->", "starts with #"),
    ("smtp-source-host", "mta1.example.com 192.0.2.1", "write smtp-source-host 192.0.2.1 mta1.example.com"),
    ("smtp-source-host", "192.0.2.1 192.0.2.2", "one smtp-source-host line for each"),
    ("smtp-source-host", "192.0.2.1", "needs the host name"),
    ("domain-key", "example.com,mail.example.com,*,/etc/pmta/a.pem", "here are 4"),
    ("domain-key", "signing-domain=x,selector=y,key-file=z", "have no names"),
    ("domain-key", "s1 example.com /etc/pmta/a.pem", "exactly three fields"),
    ("cold-virtual-mta", "192.0.2.0/24 mta1.example.com", "accepts one name"),
    ("smtp-pattern-list/reply", "/x/ mode=temp", "modes are normal and backoff"),
    ("smtp-pattern-list/reply", "/x/i mode=backoff", "write /x/ instead of /x/i"),
    ("smtp-pattern-list/reply", "/x", "\\x23"),
    ("smtp-pattern-list/reply", "/x/", "no action"),
    ("smtp-pattern-list/reply", "x mode=backoff", "between slashes"),
    ("smtp-pattern-list/reply", "/x/ mode=backoff defer-queue", "separated by commas"),
    ("smtp-pattern-list/reply", "/x/ bounce-qeue", 'Did you mean "bounce-queue"?'),
    ("smtp-pattern-list/reply", "/x/ mode=normal,mode=backoff", "cannot switch"),
    ("smtp-pattern-list/reply", "/x/ skip-mx,bounce-queue", "cannot be in one rule"),
    ("smtp-pattern-list/reply", "/x/ reenable-after=1h", "after disable-source-ip"),
    ("smtp-pattern-list/reply", "/x/ disable-source-ip,reenable-after=1hour", "not a time interval"),
    ("pattern-list/mail-from", "sender@example.com vmta1", "regular expression"),
    ("pattern-list/mail-from", "/@a/ vmta1", "virtual-mta=NAME"),
    ("pattern-list/rcpt-to", "/@a/", "no result"),
    ("pattern-list/mail-from", "/@a/ recipient-priority=101", "0 to 100"),
    ("bounce-category-patterns//REGEX/", "/a/i bad-mailbox", "No flags"),
    ("bounce-category-patterns//REGEX/", "/a/", "no category"),
    ("mx-rollup-list/mx", "mx.example.net example", "write mx mx.example.net example.rollup"),
    ("http-access", '"192.0.2.1:8080"', "not an IP address or network"),
    ("http-access", "localhost 10.0.0.0/8", "not an IP address or network"),
    ("http-access", "10/8 full", "none, monitor"),
    ("http-access", "10/8", "no level"),
    ("smtp-hosts", "192.0.2.1", "write [192.0.2.1]"),
    ("smtp-hosts", "192.0.2.1:2525", "write [192.0.2.1]:2525"),
    ("smtp-listener", "0.0.0.0:2525 {", "cannot follow"),
    ("smtp-listener", "192.0.2.1", 'write "192.0.2.1:25"'),
    ("smtp-listener", "mta1:25", "not an IP address"),
    ("smtp-listener", "0/0:99999", "not a port"),
    ("retry-after", "600", "write 600s"),
    ("retry-after", "10M", "write 10m"),
    ("retry-after", "10m,,1h", "nothing before or after"),
    ("retry-after", ",".join(["1m"] * 31), "30 intervals"),
    ("connection-idle-timeout", "11m", "too long"),
    ("max-message-size", "50MB", "such as 50M"),
    ("max-smtp-out", "many", "whole number"),
    ("max-smtp-out", "-1", "whole number"),
    ("max-memory-usage-percent", "101", "1 to 100"),
    ("http-mgmt-port", "70000", "65535"),
    ("domain-macro", "yahoo", "same line"),
    ("domain-macro", "yahoo yahoo.com,", "nothing before or after"),
    ("domain-macro", "my-macro a.example", "letters, digits and underscores"),
    ("relay-domain", "yahoo.*", "domain-macro"),
    ("relay-domain", "a@example.com", 'write "example.com"'),
    ("acct-file/records", "all", "not a record type"),
    ("acct-file/records", "d b", "write d,b"),
    ("type", "smpt", 'Did you mean "smtp"?'),
    ("log-file", "log/pmta.log", "absolute"),
    ("log-file", "/var/log/my pmta/log", "quoted"),
    ("log-file", '"/var/log', "not closed"),
    ("postmaster", "nobody", "not a mail address"),
    ("postmaster", "a@example.com, b@example.com", "one line for each"),
    ("max-cold-virtual-mta-msg", "50/h", "a day"),
    ("http-api-key", "short", "32 to 128"),
    ("signals/api-key", "xyz", "40 hexadecimal digits"),
    ("password", '""', "cannot be emptied"),
    ("include", "https://user:pw@example.com/a", "no user name"),
    ("acct-file/privacy-policy", "siphash", "needs a key"),
]


@pytest.mark.parametrize(("name", "text", "result"), WRONG)
def test_what_is_wrong_is_stated_with_its_remedy(name: str, text: str, result: str) -> None:
    problem_text = values.problem(spec(name), text)
    assert problem_text is not None
    assert result in problem_text
    assert "\n" not in problem_text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("http-api-key", "hunter2"),
        ("signals/api-key", "hunter2"),
        ("password", '"hunter2'),
        ("password", "= hunter2"),
        ("auth-username", "<!-- hunter2"),
        ("smtp-server-tls-certificate", "/a.pem hunter2 hunter2"),
        ("acct-file/privacy-policy", "hmac-sha1 hunter2"),
        ("http-webhook-url", "ftp://hunter2@example.com"),
    ],
)
def test_a_finding_never_cites_a_secret(name: str, text: str) -> None:
    assert "hunter2" not in (values.problem(spec(name), text) or "")


def test_a_finding_is_safe_to_print() -> None:
    problem_text = values.problem(spec("type"), "\x1b[31m\udcff" + "x" * 500)
    assert problem_text is not None
    assert "\\x1b[31m\\xff" in problem_text
    assert problem_text.isprintable()
    assert len(problem_text) < 250


@pytest.mark.parametrize(
    "one", [s for s in catalogue().directives if s.default], ids=lambda s: f"{s.scopes[0]}/{s.name}"
)
def test_a_documented_default_is_right(one: DirectiveSpec) -> None:
    prose = " " in str(one.default) or one.default == "unknown"
    without_its_first_word = one.type in ("cidr-rate", "cidr-int", "acl", "map", "record-fields")
    if not (prose or without_its_first_word):
        assert values.problem(one, str(one.default)) is None


@pytest.mark.parametrize("one", catalogue().directives, ids=lambda s: f"{s.scopes[0]}/{s.name}")
def test_every_directive_wants_a_value(one: DirectiveSpec) -> None:
    assert values.problem(one, "") is not None
    assert values.problem(one, " \t") is not None
    cleared = values.problem(one, '""') is None
    assert cleared == (one.clearable or "string" in one.types or one.type == "template")


SAME = r"""
always-allow-relaying | yes | true
always-allow-relaying | no | false
dkim-sign | yes | true
retry-after | 1h | 60m | 3600s
retry-after | 10m,1h | 10m, 60m | 600s ,1h
bounce-after | 4d12h | 108h
backoff-to-normal-after | never | never
bounce-upon-no-mx | yes | true
max-msg-rate | 10/m | 10/min | 10/1m | 10/60s | 10/60sec
max-msg-rate | 50/d | 50/day | 50/1d
max-data-volume-rate | 10M/h | 10m/1hr | 10m/60m
max-data-volume-rate | 500/m | 500b/m | 500B/min
max-message-size | 5M | 5m
max-message-size | 100 | 100b
acct-file/max-size | 50M | 50m
http-access | 0/0 monitor,deny-logs | 0.0.0.0/0  monitor, deny-logs
http-access | 127.0.0.1 admin | 127.0.0.1/32 admin
http-access | ::1 admin | 0:0::1 admin
source-ip-max-msg-rate | 10/8 10/m | 10.0.0.0/8 10/min
smtp-listener | 0/0:25 | 0.0.0.0:25 | 0.0.0.0/0:25
smtp-source-host | 192.0.2.1 MTA1.example.com | 192.0.2.1   mta1.Example.com
queue-to | "gmail.queue" | gmail.queue | Gmail.queue
virtual-mta-pool/virtual-mta | "a" | a
log-file | "/var/log/pmta/log" | /var/log/pmta/log
postmaster | a@Example.com | a@example.COM
backoff-notify | a@x.example,b@x.example | a@x.example, b@X.example
relay-domain | [*.]Example.com | [*.]example.com
relay-domain | [0/0] | [0.0.0.0/0]
domain-macro | ms outlook.com,Hotmail.com | ms  outlook.com, hotmail.com
domain-key | s1,Example.com,/a.pem | s1, example.com, "/a.pem"
remove-header | A,B | A , B
acct-file/records | d,b | delivery, bounce
acct-file/record-fields | d *,!a | delivery *, !a
smtp-hosts | A.example,b.example;c.example | a.example, B.example ; c.example
smtp-pattern-list/reply | /a  B/ mode=backoff,defer-queue | /a  B/    mode=backoff ,  defer-queue
smtp-pattern-list/reply | /a/ disable-source-ip,reenable-after=60m | /a/ disable-source-ip,reenable-after=1h
mx-rollup-list/mx | MX.example.net a.rollup | mx.example.net  a.rollup
command | "a  b" x | "a  b"   x
password | abc | abc
smtp-pattern-list/reply | /[^/]  x/ skip-mx | /[^/]  x/  skip-mx
"""


@pytest.mark.parametrize("row", SAME.strip().splitlines())
def test_these_are_the_same(row: str) -> None:
    name, *texts = (part.strip() for part in row.split(" | "))
    assert len({values.normalise(spec(name), text) for text in texts}) == 1


DIFFERENT = r"""
always-allow-relaying | yes | YES | no
retry-after | 0 | 1s
retry-after | 1h,10m | 10m,1h
bounce-after | 1h30m | 30m1h | 01h30m
max-msg-rate | 10/m | 20/2m | 600/h
max-msg-rate | 10/d | 10/24h
max-msg-rate | 0 | unlimited | 0/h
max-message-size | 1024k | 1m | 1024
acct-file/max-size | 100 | 100b
http-access | 0/0 admin | ::/0 admin | 10/8 admin
http-access | 10.1.2.3/8 admin | 10.0.0.0/8 admin
smtp-source-host | 127.0.0.1 a.example | 127.0.0.1/32 a.example
virtual-mta-pool/virtual-mta | a | A
source/default-virtual-mta | by-smtp-source-ip | "by-smtp-source-ip"
postmaster | a@x.example | A@x.example
relay-domain | $Mine | $mine
queue-to | {gmImprinter} | {gmimprinter}
domain-macro | ms a.example | MS a.example
domain-macro | ms a.example,b.example | ms b.example,a.example
smtp-pattern-list/reply | /a b/ mode=backoff | /a  b/ mode=backoff | /A b/ mode=backoff | /a,b/ skip-mx | /a, b/ skip-mx
smtp-pattern-list/reply | /a/ mode=backoff,skip-mx | /a/ skip-mx,mode=backoff
bounce-category-patterns//REGEX/ | /a b/ x | /a  b/ x
dkim-headers | /^X-a, b/ | /^X-a,b/
command | "a b" | "a  b" | a b
command | "$from" | $from
jobid-prefix | {auth} | "{auth}"
password | abc | "abc" | ABC | a b | a  b
auth-username | joe | "joe"
log-file | /var/log | /var/Log
dkim-identity | strict-from | Strict-From
add-date-header | yes | true
smtp-hosts | a.example,b.example | a.example;b.example
"""


@pytest.mark.parametrize("row", DIFFERENT.strip().splitlines())
def test_these_stay_apart(row: str) -> None:
    name, *texts = (part.strip() for part in row.split(" | "))
    assert len({values.normalise(spec(name), text) for text in texts}) == len(texts)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("  a \t b ", "a b"),
        ('a "x  y"  b', 'a "x  y" b'),
        ('a  "x  y', 'a "x  y'),
        ("a  /x  y/  b", "a /x  y/ b"),
        ('"a  /x  y/"  b', '"a  /x  y/"  b'),
        ("", ""),
    ],
)
def test_of_an_unknown_directive_only_blanks_are_evened_out(text: str, normal: str) -> None:
    assert values.normalise(None, text) == normal


@pytest.mark.parametrize(
    ("tag", "argument", "normal"),
    [
        ("domain", "Gmail.COM", "gmail.com"),
        ("domain", "[*.]Example.com", "[*.]example.com"),
        ("domain", "Yahoo.$Tld", "yahoo.$Tld"),
        ("domain", "[0/0]", "[0.0.0.0/0]"),
        ("domain", "{gmImprinter}", "{gmImprinter}"),
        ("DOMAIN", "A.example", "a.example"),
        ("source", "0/0", "0.0.0.0/0"),
        ("source", "127.0.0.1/32", "127.0.0.1/32"),
        ("source", "127.0.0.1", "127.0.0.1/32"),
        ("source", "{Auth}", "{Auth}"),
        ("source", "Localhost", "Localhost"),
        ("virtual-mta", "Mta1", "Mta1"),
        ("virtual-mta", '"Mta1"', '"Mta1"'),
        ("acct-file", '"/var/log/pmta/acct.csv"', "/var/log/pmta/acct.csv"),
        ("acct-file", '"|/bin/a  b"', '"|/bin/a  b"'),
        ("acct-file", "|/bin/a   b", "|/bin/a b"),
        ("spool", '"/var/spool/pmta"', "/var/spool/pmta"),
        ("smtp-listener", "0.0.0.0:25", "0.0.0.0/0:25"),
        ("dns", "", ""),
        ("no-such-section", " a   b ", "a b"),
    ],
)
def test_arguments_of_sections(tag: str, argument: str, normal: str) -> None:
    assert values.normalise_argument(tag, argument) == normal
    assert values.normalise_argument(tag, normal) == normal


@pytest.mark.parametrize(
    ("tag", "argument", "result"),
    [
        ("domain", "outlook.com hotmail.com", "domain-macro"),
        ("domain", "outlook.com,hotmail.com", "domain-macro"),
        ("domain", "yahoo.*", "domain-macro"),
        ("domain", "a@example.com", "example.com"),
        ("domain", "", "<domain DOMAIN-PATTERN>"),
        ("source", "10.0.0.0/33", "no IP address"),
        ("source", "127.0.0.1 10/8", "one <source> section for each"),
        ("smtp-listener", "192.0.2.1", "no port"),
        ("virtual-mta", "a b", "more than one name"),
        ("dns", "x", "has no argument"),
        ("mx-rollup-list", "x", "has no argument"),
        ("acct-file", "/var/my log/a.csv", "quoted"),
        ("acct-file", '"/var/log', "not closed"),
    ],
)
def test_wrong_arguments_of_sections(tag: str, argument: str, result: str) -> None:
    assert result in (values.argument_problem(tag, argument) or "")


@pytest.mark.parametrize(
    ("tag", "arguments"),
    [
        ("domain", ["*", "a.example", "*.a.example", "[*.]a.example", "$mine", "yahoo.$tld", "[0/0]", "[127.0.0.1]"]),
        ("domain", ["{sparkpost}", "{bounce}", "a.queue", "a.rollup", "local", "bücher.example", "k12.ca.us"]),
        ("source", ["0/0", "::1", "127.0.0.1", "10/8", "{auth}", "{pickup}", "{my-own}", "localhost", "X.X.X.X"]),
        ("smtp-listener", ["0/0:25", "192.0.2.1:25", "[::1]:25"]),
        ("smtp-user", ["app1", "info@example.com"]),
        ("virtual-mta", ["mta1", "{default}"]),
        ("acct-file", ["/var/log/pmta/a.csv", "|/usr/bin/php /a.php --x", '"/my logs/a.csv"']),
        ("pattern-list", ["by-sender", ""]),
        ("address-list", [""]),
        ("dns", [""]),
        ("gm-imprinter", [""]),
        ("no-such-section", ["a b c"]),
    ],
)
def test_right_arguments_of_sections(tag: str, arguments: list[str]) -> None:
    assert {a: values.argument_problem(tag, a) for a in arguments} == dict.fromkeys(arguments)


@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [
        ("password", "hunter2", "(sensitive)"),
        ("password", '"a b"', "(sensitive)"),
        ("auth-password", '""', '""'),
        ("auth-username", "joe", "(sensitive)"),
        ("smtp-server-tls-certificate", "/etc/pmta/a.pem", "/etc/pmta/a.pem"),
        ("smtp-server-tls-certificate", "/etc/pmta/a.pem pw", "/etc/pmta/a.pem (sensitive)"),
        ("smtp-server-tls-certificate", '"/my keys/a.pem"  p w', '"/my keys/a.pem" (sensitive)'),
        ("acct-file/privacy-policy", "retain", "retain"),
        ("acct-file/privacy-policy", "siphash key", "siphash (sensitive)"),
        ("domain-key", "s,*,{vault}:/dkim/s:key", "s,*,{vault}:/dkim/s:key"),
        ("allow-unencrypted-plain-auth", "yes", "yes"),
    ],
)
def test_secrets_are_masked(name: str, value: str, seen: str) -> None:
    assert values.mask(spec(name), name, value) == seen


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("smtp-password", True),
        ("Auth_User", True),
        ("my-token", True),
        ("http_api_key", True),
        ("client-secret", True),
        ("max-conn", False),
    ],
)
def test_unknown_directives_that_sound_secret_are_masked(name: str, secret: bool) -> None:
    assert values.mask(None, name, "x") == ("(sensitive)" if secret else "x")


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ("plain ünïcode", "plain ünïcode"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("caf\udce9", "caf\\xe9"),
        ("\ud800", "\\ud800"),
        ("\u202egpj", "\\u202egpj"),
        ("\U000e0001", "\\U000e0001"),
    ],
)
def test_what_a_terminal_would_not_print_is_made_visible(value: str, seen: str) -> None:
    assert values.shown(value) == seen
